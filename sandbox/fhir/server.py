"""A FHIR R4 server over HTTP: who asks, which interaction, and how the answer is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from sandbox.faults import Faults
from sandbox.fhir.access import Grant, Letter, VerifyToken, authenticate
from sandbox.fhir.batch import answer_bundle, classify_batch
from sandbox.fhir.capabilities import (
    capability_statement,
    search_parameter,
    smart_configuration,
)
from sandbox.fhir.export import Exports
from sandbox.fhir.interactions import Answer, Interactions, require_type
from sandbox.fhir.operations import Operation
from sandbox.fhir.outcome import Refusal, outcome
from sandbox.fhir.parameters import PARAMETERS
from sandbox.fhir.reading import Resource
from sandbox.fhir.store import Store
from sandbox.httpserver import Request, Response
from sandbox.ledger import Call, Kind
from sandbox.wire import encode, form_pairs, query_pairs

FHIR_JSON = "application/fhir+json; charset=utf-8"
ROOT = "/fhir"
_NONE: Mapping[str, Operation] = {}


class FhirServer:
    def __init__(
        self,
        resources: Iterable[Resource] | Store,
        *,
        title: str,
        url: str,
        token_url: str,
        verify: VerifyToken,
        faults: Callable[[], Faults],
        page_cap: int = 100,
        operations: Mapping[str, Operation] = _NONE,
    ) -> None:
        self._title = title
        self._base = url + ROOT
        self._token_url = token_url
        self._verify = verify
        self._faults = faults
        store = resources if isinstance(resources, Store) else Store(resources)
        self._do = Interactions(store, self._base, page_cap)
        self._exports = Exports(store, self._base)
        self._operations = operations

    def classify(self, request: Request) -> Call:  # noqa: PLR0911 - one case per interaction
        path = _segments(request)
        match request.method, path:
            case _, ("metadata",) | ("SearchParameter", _) | (".well-known", _):
                return Call(Kind.METADATA, path[0])
            case "POST", ():
                return Call(Kind.BATCH, "Bundle", classify_batch(request, self.classify))
            case _, (*_, "$export") | ("_export", *_):
                return Call(Kind.EXPORT, path[-1] if path[-1] in PARAMETERS else "job")
            case _, ("_page", token):
                return Call(Kind.SEARCH, self._do.cursors.type_of(token))
            case "POST", (type_, name) if name.startswith("$"):
                return Call(Kind.OPERATION, f"{type_}/{name}")
            case ("GET", (type_,)) | ("POST", (type_, "_search")):
                return Call(Kind.SEARCH, type_)
            case "GET", (type_, _):
                return Call(Kind.READ, type_)
            case "POST", (type_,):
                return Call(Kind.CREATE, type_)
            case "PUT", (type_, _):
                return Call(Kind.UPDATE, type_)
        return Call(Kind.OTHER, "")

    async def respond(self, request: Request) -> Response:
        try:
            answer = self._answer(request)
        except Refusal as refusal:
            issue = outcome(refusal.issue, refusal.diagnostics)
            headers = (("www-authenticate", "Bearer"),) if refusal.status == 401 else ()  # noqa: PLR2004
            answer = Answer(refusal.status, msgspec.Raw(encode(issue)), headers)
        body = bytes(answer.body) if answer.body is not None else b""
        return Response(answer.status, body, answer.media_type or FHIR_JSON, answer.headers)

    def _answer(self, request: Request) -> Answer:
        faults = self._faults()
        match request.method, _segments(request):
            case "GET", ("metadata",):
                return _open(
                    capability_statement(
                        self._title, self._base, self._token_url, bundles=_bundles(faults)
                    )
                )
            case "GET", (".well-known", "smart-configuration"):
                return _open(smart_configuration(self._token_url))
            case "GET", ("SearchParameter", id_):
                found = search_parameter(self._base, id_, multiple_or=faults.multiple_or)
                if found is None:
                    raise Refusal(404, "not-found", "no such search parameter")
                return _open(found)
        grant = authenticate(request.headers, self._verify)
        if request.method == "POST" and _segments(request) == ():
            if not _bundles(faults):
                raise Refusal(404, "not-supported", "this server takes no batches")
            return answer_bundle(
                request,
                lambda entry: self._interact(entry, grant),
                taken=_bundles(faults),
                whole=self._do.whole,
            )
        if {"$export", "_export"} & {*_segments(request)[:1], *_segments(request)[-1:]}:
            return self._export(request, grant)
        return self._interact(request, grant)

    def _export(self, request: Request, grant: Grant) -> Answer:
        match request.method, _segments(request):
            case "GET", (*level, "$export"):
                pairs = query_pairs(request)
                return self._exports.start(tuple(level), pairs, request.headers, grant)
            case "GET", ("_export", job):
                return self._exports.status(job, self._faults())
            case "GET", ("_export", job, file):
                _require(grant, file if file in PARAMETERS else "Patient", "r")
                return self._exports.file(job, file, self._faults())
            case "DELETE", ("_export", job):
                return self._exports.cancel(job)
        raise Refusal(404, "not-found", "no such address")

    def _interact(self, request: Request, grant: Grant) -> Answer:  # noqa: PLR0911 - one case per interaction
        match request.method, _segments(request):
            case "GET", ("_page", token):
                _require(grant, self._do.cursors.get(token).search.type, "s")
                return self._do.page(token)
            case "GET", (type_,):
                _require(grant, type_, "s")
                pairs = query_pairs(request)
                return self._do.search(type_, pairs, request.headers, self._faults())
            case "POST", (type_, "_search"):
                _require(grant, type_, "s")
                pairs = query_pairs(request) + form_pairs(request)
                return self._do.search(type_, pairs, request.headers, self._faults())
            case "POST", (type_, name) if f"{type_}/{name}" in self._operations:
                operation = self._operations[f"{type_}/{name}"]
                _require(grant, type_, operation.letter)
                return operation.do(request.body)
            case "GET", (type_, id_):
                _require(grant, type_, "r")
                return self._do.read(type_, id_, request.headers)
            case "POST", (type_,):
                _require(grant, type_, "c")
                return self._do.create(type_, request.body, request.headers)
            case "PUT", (type_, id_):
                _require(grant, type_, "u")
                return self._do.update(type_, id_, request.body, request.headers)
        raise Refusal(404, "not-found", "no such address")


def _bundles(faults: Faults) -> tuple[str, ...]:
    """The types of Bundle taken."""
    offered = {"batch": faults.batch, "transaction": faults.batch and faults.transaction}
    return tuple(name for name, is_offered in offered.items() if is_offered)


def _segments(request: Request) -> tuple[str, ...]:
    path = request.path
    if path != ROOT and not path.startswith(ROOT + "/"):
        return ("",)
    return tuple(part for part in path.removeprefix(ROOT).split("/") if part)


def _require(grant: Grant, type_: str, letter: Letter) -> None:
    if not grant.permits(require_type(type_), letter):
        raise Refusal(403, "forbidden", "the token's scopes do not reach this far")


def _open(resource: dict[str, Any]) -> Answer:
    return Answer(200, msgspec.Raw(encode(resource)))
