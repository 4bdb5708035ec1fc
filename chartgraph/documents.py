"""`chartgraph documents`: a client's trusted documents, judged before they are registered.

A document is registered for a client if the schema can run it, and if the scopes that the client's
tokens are granted read every field of it; so a partner learns of a refusal when its app is built,
and not when it is used.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from graphql import GraphQLSyntaxError, OperationDefinitionNode, parse

from contract.errors import Code
from gateway.authorization.authorize import Denial, authorize
from gateway.authorization.identity import Grants
from gateway.bounds import Limits, Unknown
from gateway.clients.bounding import cut
from gateway.clients.registry import Client, read_clients
from gateway.documents.manifest import APOLLO
from gateway.documents.prepare import Document, hash_text, prepare
from gateway.documents.registry import ClientDocuments, FolderRegistry, Registry, SealedRegistry
from gateway.documents.store import ANY_CLIENT
from gateway.errors import RequestError
from gateway.federation.access_rules import access_rules, policy_names
from gateway.federation.supergraph import load_supergraph
from gateway.operation.normalize import normalize
from gateway.operation.tree import Operation
from gateway.planning import PlanError, build_query_graph, plan
from gateway.settings import Settings

_SHA_256 = re.compile(r"[0-9a-f]{64}")


class DocumentsError(Exception):
    """What was asked for cannot be done; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a document is not registered."""

    document: str
    code: str
    message: str


class RefusedError(Exception):
    """Nothing was registered."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{len(problems)} problems, nothing was registered")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Change:
    """From what is registered to what would be, by id."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


@asynccontextmanager
async def open_registry(settings: Settings) -> AsyncIterator[Registry]:
    """The Redis that gateways are configured with, or else the home folder."""
    if settings.redis_url is None:
        yield FolderRegistry(settings.home)
        return
    from gateway.cache.sealed import SealedCache, connect  # noqa: PLC0415 - a tenth of a second

    redis = connect(settings.redis_url.get_secret_value())
    try:
        yield SealedRegistry(SealedCache(redis, settings.key("cache"), "documents"))
    finally:
        await redis.aclose()


class Judge:
    """Knows the schema and its access rules."""

    def __init__(self, supergraph: Path, limits: Limits) -> None:
        """Raises `SupergraphError` or `OSError`."""
        self._graph = load_supergraph(supergraph.read_text(encoding="utf-8"))
        self._query_graph = build_query_graph(self._graph)
        self._rules = access_rules(self._graph)
        self._policies = policy_names(self._rules)
        self._limits = limits

    def problems(
        self,
        documents: Mapping[str, str],
        scopes: frozenset[str] | None,
        limits: Limits | None = None,
    ) -> Iterator[Problem]:
        """Without `scopes`, whether the client may read the fields is not judged.

        `limits` are the client's own, where it has some.
        """
        limits = limits or self._limits
        for document_id, text in documents.items():
            if _SHA_256.fullmatch(document_id) and document_id != hash_text(text):
                message = "The id is a SHA-256, but not this document's."
                yield Problem(document_id, Code.PERSISTED_QUERY_HASH_MISMATCH, message)
            try:
                document = prepare(text, self._graph.api_schema, limits, suggestions=True)
            except RequestError as error:
                for each in error.complaints:
                    yield Problem(document_id, error.code, each.message)
            else:
                yield from self._operation_problems(document_id, document, scopes)

    def _operation_problems(
        self, document_id: str, document: Document, scopes: frozenset[str] | None
    ) -> Iterator[Problem]:
        for name in document.operations:
            operation = normalize(document.node, name, self._graph.api_schema)
            try:
                plan(operation, self._query_graph)
            except PlanError:
                yield Problem(document_id, Code.PLAN_FAILED, "The graph cannot answer it.")
            for denial in self._denials(operation, scopes) if scopes is not None else ():
                yield Problem(document_id, denial.code, _describe(denial))

    def _denials(self, operation: Operation, scopes: frozenset[str]) -> tuple[Denial, ...]:
        # A policy is about who uses the client, and so nothing that a client could lack.
        grants = Grants(authenticated=True, scopes=scopes, policies=self._policies)
        return authorize(operation, self._rules, grants, self._graph.api_schema).denials


def compare(registered: ClientDocuments, documents: Mapping[str, str]) -> Change:
    before = registered.documents
    return Change(
        added=tuple(sorted(documents.keys() - before.keys())),
        changed=tuple(sorted(n for n, text in documents.items() if before.get(n, text) != text)),
        removed=tuple(sorted(before.keys() - documents.keys())),
    )


async def push(
    registry: Registry,
    judge: Judge,
    wanted: ClientDocuments,
    *,
    replace: bool,
    client: Client | None = None,
) -> ClientDocuments:
    """Register documents beside those of earlier builds, which apps in use still ask for.

    With `replace` they take the place of all others. `client` is the entry in the registry of
    clients, if there is one. Raises `RefusedError`, `DocumentsError` or
    `RegistryError`, and then nothing has changed.
    """
    registered = await registry.read(wanted.client)
    scopes = scopes_of(wanted, registered, client)
    problems = list(judge.problems(wanted.documents, scopes, client.limits if client else None))
    if not replace:
        message = "The id is taken by another document of this client; --replace would change it."
        taken = compare(registered, wanted.documents).changed
        problems += [Problem(each, "ID_TAKEN", message) for each in taken]
    if problems:
        raise RefusedError(tuple(problems))
    kept = {} if replace else registered.documents
    pushed = ClientDocuments(
        wanted.client,
        {**kept, **wanted.documents},
        None if scopes is None else tuple(sorted(scopes)),
    )
    await registry.write(pushed)
    return pushed


def judge_registered(
    judge: Judge, known: Iterable[ClientDocuments], settings: Settings
) -> Iterator[Problem]:
    """What is registered already, by the registry of clients as it is now.

    What a client registered that is no longer in the registry cannot run; that is a problem of
    each of its documents.
    """
    for each in known:
        try:
            client = client_of(settings, each.client)
        except DocumentsError as error:
            for document_id in each.documents:
                yield Problem(document_id, Code.CLIENT_UNKNOWN, str(error))
            continue
        scopes = frozenset(each.scopes) if each.scopes is not None else None
        if client is not None:
            scopes = scopes_of(each, each, client)
        yield from judge.problems(each.documents, scopes, client.limits if client else None)


def client_of(settings: Settings, client_id: str) -> Client | None:
    """Its entry in the registry of clients; raises `DocumentsError` where it would be refused."""
    if settings.clients is None or client_id == ANY_CLIENT:
        return None
    client = read_clients(settings.clients, settings.limits, settings.budget).get(client_id)
    if client is None and settings.unknown_clients is not Unknown.ALLOW:
        raise DocumentsError(f"{client_id} is not in the registry of clients {settings.clients}")
    return client


def scopes_of(
    wanted: ClientDocuments, registered: ClientDocuments, client: Client | None = None
) -> frozenset[str] | None:
    """Those told now, or at the last push, or else all that the client is registered for.

    None for documents that are for every client. No scope reaches beyond the registry's.
    """
    if not wanted.client:
        raise DocumentsError("a client has a name")
    if wanted.client == ANY_CLIENT:
        return None
    scopes = registered.scopes if wanted.scopes is None else wanted.scopes
    if client is not None and client.scopes is not None:
        return frozenset(client.scopes if scopes is None else cut(scopes, client.scopes))
    if scopes is None:
        raise DocumentsError(
            f"the scopes of {wanted.client} are not known yet: tell them with --scopes"
        )
    return frozenset(scopes)


def manifest_of(folder: Path) -> bytes:
    """The `.graphql` files of a folder as a manifest in Apollo's format; ids are SHA-256."""
    paths = sorted(folder.glob("*.graphql"))
    if not paths:
        raise DocumentsError(f"{folder} holds no .graphql files")
    format_, version = APOLLO
    operations = [_entry(path) for path in paths]
    content = {"format": format_, "version": version, "operations": operations}
    return msgspec.json.format(msgspec.json.encode(content)) + b"\n"


def operation_names(text: str) -> str:
    """For people: the names of a document's operations."""
    try:
        definitions = parse(text).definitions
    except GraphQLSyntaxError:
        return "(not GraphQL)"
    operations = [each for each in definitions if isinstance(each, OperationDefinitionNode)]
    return ", ".join(each.name.value if each.name else "(no name)" for each in operations)


def _entry(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        definitions = parse(text).definitions
    except (OSError, UnicodeDecodeError, GraphQLSyntaxError):
        raise DocumentsError(f"{path} is no GraphQL document") from None
    operations = [each for each in definitions if isinstance(each, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].name is None:
        raise DocumentsError(f"{path} has to hold one operation, with a name")
    return {
        "id": hash_text(text),
        "name": operations[0].name.value,
        "type": operations[0].operation.value,
        "body": text,
    }


def _describe(denial: Denial) -> str:
    where = ".".join(denial.path)
    would_do = " or ".join(" and ".join(scopes) for scopes in denial.scopes)
    return f"{where}: the client's scopes do not reach it" + (
        f"; {would_do} would" * bool(would_do)
    )
