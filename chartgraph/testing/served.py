"""A subgraph over a source in memory, asked as the gateway asks it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Final

import httpx2

from contract.access import EXTENSION, AccessReport, verify_report
from contract.context import HEADER, Caller, Context, body_hash, sign_context
from contract.errors import Code
from contract.keys import KeyRing
from subgraphs.catalog import open_part_of, schema_of
from subgraphs.connectors.as_fhir import AsFhir
from subgraphs.connectors.config import SearchedSource
from subgraphs.connectors.errors import UpstreamError
from subgraphs.connectors.searched import Resource, Rows
from subgraphs.deployment import ConnectorT, Deployment
from subgraphs.runtime.access_facts import LinkSet, Person
from subgraphs.runtime.app import SubgraphApp, create_subgraph_app
from subgraphs.runtime.consent import NO_DIRECTIVES, Directives
from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.request import Subgraph
from subgraphs.runtime.sealing import IdSeal, RecordRef
from subgraphs.runtime.settings import RuntimeSettings

SOURCE: Final = "held"
ADA, BEA = "ada", "bea"
"""Two people; the source knows them by these ids too."""
KEYS: Final = KeyRing(b"k" * 32, {})


class HeldSource(SearchedSource, frozen=True, kw_only=True, tag="held"):
    """In memory."""


class Held(AsFhir[HeldSource]):
    """A source that holds these records, or fails; it counts how often it was asked."""

    settings = HeldSource

    def __init__(self, serves: str) -> None:
        self.config = HeldSource(id=SOURCE, url="https://held.example", serves=(serves,))
        self.records: dict[str, list[Resource]] = {}
        self.error: UpstreamError | None = None
        self.calls: list[str] = []

    async def probe(self) -> tuple[str, ...]:
        return ()

    async def people(self, after: str) -> tuple[list[Resource], str]:  # noqa: ARG002 - one page
        return [{"resourceType": "Patient", "id": id_} for id_ in (ADA, BEA)], ""

    async def by_patient(self, resource_type: str, patients: Sequence[str]) -> Rows:
        self.calls.append(resource_type)
        if self.error:
            raise self.error
        return {
            patient: [
                each
                for each in self.records.get(patient, ())
                if each["resourceType"] == resource_type
            ]
            for patient in patients
        }


@dataclass
class Facts:
    """What the people have directed, if it can be learned."""

    directed: dict[str, Directives] = field(default_factory=dict)
    are_known: bool = True

    async def persons(self, members: Sequence[Link]) -> Mapping[Link, Person]:
        self._learn()
        return {link: Person(link.id, (link,)) for link in members if link.id in (ADA, BEA)}

    async def directives(self, link_sets: list[LinkSet]) -> list[Directives]:
        self._learn()
        return [self.directed.get(links[0].id, NO_DIRECTIVES) for links in link_sets]

    def _learn(self) -> None:
        if not self.are_known:
            raise ClientError(Code.SUBGRAPH_UNAVAILABLE)


class _HeldDeployment(Deployment):
    """It has one source, for whoever asks for such a one."""

    source: Held

    def serving(self, name: str, role: type[ConnectorT]) -> dict[str, ConnectorT]:  # noqa: ARG002 - any subgraph
        return {SOURCE: self.source} if isinstance(self.source, role) else {}


@dataclass(frozen=True, slots=True)
class Answer:
    data: Any
    errors: Sequence[Mapping[str, Any]]
    report: AccessReport
    text: str
    """All of it but the report."""

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.errors]


@dataclass
class Served:
    name: str
    app: SubgraphApp
    source: Held
    facts: Facts

    def patient(self, id_: str, links: str | None = None) -> dict[str, Any]:
        sealed = self.app.subgraph.crosswalk.seal_links(links or id_, [Link(SOURCE, links or id_)])
        return {"__typename": "Patient", "id": id_, "links": sealed}

    def id_of(self, type_: str, id_: str, patient: str) -> str:
        return self.app.subgraph.ids.seal(self.name, RecordRef(SOURCE, type_, id_, patient))

    async def entities(
        self, caller: Caller | None, selection: str, *representations: Mapping[str, Any]
    ) -> Answer:
        query = f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ {selection} }} }}"
        return await self.ask(caller, query, r=representations)

    async def ask(self, caller: Caller | None, query: str, **variables: Any) -> Answer:
        """As the gateway asks on behalf of a caller; a mutation brings its nonce along."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        key = KEYS.key(f"context:{self.name}")
        context = Context(
            self.name, body_hash(body), int(time.time()), "r1", caller, nonce=token_hex(8)
        )
        answered = await self.post(body, {HEADER: sign_context(context, key)})
        answer = answered.json()
        assert "extensions" in answer, "it is not even taken for a request"
        signed = answer.pop("extensions")[EXTENSION]
        report = verify_report(signed, subgraph=self.name, request_id="r1", key=key)
        return Answer(answer.get("data"), answer.get("errors", ()), report, json.dumps(answer))

    async def post(
        self, body: bytes, headers: Mapping[str, str] | None = None, *, path: str = "/graphql"
    ) -> httpx2.Response:
        return await self.http("POST", path, content=body, headers=headers)

    async def http(self, method: str, path: str, **options: Any) -> httpx2.Response:
        # The application is raw ASGI, as `httpx2` takes any.
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://subgraph") as client:
            return await client.request(method, path, **options)


async def serve(name: str, settings: RuntimeSettings, stack: AsyncExitStack) -> Served:
    """Open a subgraph by its name over a source that holds nothing yet, until the stack ends."""
    deployment = _HeldDeployment(settings, KEYS, (), stack)
    source = deployment.source = Held(name)
    facts = Facts()
    part = await open_part_of(name)(deployment)
    subgraph = Subgraph(
        name,
        IdSeal(KEYS.key("seal:ids")),
        Crosswalk(KEYS.key("seal:links")),
        facts,
        part.services,
        deployment.events,
    )
    app = create_subgraph_app(
        subgraph,
        schema_of(name),
        keys=KEYS.rotation(f"context:{name}"),
        ready=part.ready,
        routes=part.routes,
    )
    return Served(name, app, source, facts)
