"""A small subgraph of notes over two fake sources, to try the runtime without a domain."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from strawberry import federation

from contract.access import verify_report
from contract.context import HEADER, Caller, Context, body_hash, sign_context
from subgraphs.runtime import fhir
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.access_facts import Person
from subgraphs.runtime.app import create_subgraph_app
from subgraphs.runtime.connection import Connection, Listing, connect
from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.datatypes import Quantity
from subgraphs.runtime.facts import Fact, load_by_id, load_facts
from subgraphs.runtime.gathering import Answer
from subgraphs.runtime.kinds import Kind
from subgraphs.runtime.request import Request, Subgraph
from subgraphs.runtime.scalars import DateTime
from subgraphs.runtime.schema import build_schema
from subgraphs.runtime.sealing import IdSeal, RecordRef
from tests.subgraphs.undirected import Undirected

KEY = b"k" * 32
NOW = 1_000_000.0
ADA, BOB = "ada", "bob"
LINKS = {
    ADA: (Link("north", "n-ada"), Link("south", "s-ada"), Link("payer", "p-ada")),
    BOB: (Link("north", "n-bob"),),
}


class Note(fhir.Resource, frozen=True, kw_only=True):
    subject: fhir.Reference | None = None
    text: str = ""
    date: str | None = None
    category: str = "plain"
    value: fhir.Quantity | None = None

    @property
    def owner(self) -> fhir.Reference | None:
        return self.subject


NOTES: Kind[Note] = Kind(
    type="Note",
    rank=lambda note: note.date or "",
    same=lambda note: (note.text, note.date) if note.text else None,
    tokens=lambda note: {"category": {note.category}},
    retracted=lambda note: note.text == "void",
    subject=lambda note: frozenset({note.text, note.category} - {"plain"}),
)


@dataclass
class FakeSource:
    """Answers from a list of wire resources, or fails; counts how often it was asked."""

    resources: list[dict[str, Any]] = field(default_factory=list)
    error: Exception | None = None
    asked: list[Sequence[str]] = field(default_factory=list)

    async def notes(self, patients: Sequence[str]) -> Answer[Note]:
        self.asked.append(patients)
        if self.error:
            raise self.error
        found = {patient: [r for r in self.resources if r["of"] == patient] for patient in patients}
        return fhir.translate(found, Note)


@federation.type(name="Note", keys=["id"])
class NoteNode:
    id: strawberry.ID
    text: str | None
    date: DateTime | None
    value: Quantity | None
    sources: list[str]

    @classmethod
    def of(cls, fact: Fact[Note]) -> NoteNode:
        note = fact.resource
        return cls(
            id=strawberry.ID(fact.id),
            text=note.text,
            date=DateTime(note.date) if note.date else None,
            value=Quantity.of(note.value),
            sources=[record.source for record in fact.records],
        )

    @classmethod
    async def resolve_references(cls, request, representations):
        facts = await load_by_id(
            request, NOTES, [r.get("id") for r in representations], lambda c: _load(request, c)
        )
        return [fact if isinstance(fact, Exception) else cls.of(fact) for fact in facts]


async def _load(request: Request[Any], compartment: Compartment):
    ask = {name: source.notes for name, source in request.services.items()}
    return await load_facts(request, NOTES, ask, compartment)


@federation.type(keys=["id"])
class Patient:
    id: strawberry.ID
    links: str | None = federation.field(external=True, default=None)
    blood_group: str | None = federation.field(external=True, default=None)

    @federation.field(requires=["links"])
    async def notes(
        self, info: strawberry.Info, first: int | None = None, after: str | None = None
    ) -> Connection[NoteNode] | None:
        request = info.context
        compartment = await request.compartment(self.id, self.links)
        return connect(
            request,
            Listing(id=lambda fact: fact.id, rank=lambda fact: fact.rank),
            NoteNode.of,
            await _load(request, compartment),
            scope=f"notes:{self.id}",
            first=first,
            after=after,
        )

    @federation.field(requires=["bloodGroup"])
    def donor_note(self) -> str | None:
        return f"group {self.blood_group}"

    @classmethod
    async def resolve_references(cls, _request, representations):
        return [
            cls(id=r["id"], links=r.get("links"), blood_group=r.get("bloodGroup"))
            for r in representations
        ]


@strawberry.type
class Query:
    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError("Lovelace, born 1815")

    @strawberry.field
    def echo(self, on: DateTime | None = None, size: int = 1) -> str | None:
        return f"{on} {size}"


SCHEMA = build_schema(Query, [Patient, NoteNode])


class FakeFacts(Undirected):
    def __init__(self) -> None:
        self.asked: list[Sequence[Link]] = []

    async def persons(self, members: Sequence[Link]) -> Mapping[Link, Person]:
        self.asked.append(members)
        everyone = {link: Person(name, links) for name, links in LINKS.items() for link in links}
        return {member: everyone[member] for member in members if member in everyone}


@dataclass
class Notes:
    """The running subgraph and what a gateway does to it."""

    north: FakeSource = field(default_factory=FakeSource)
    south: FakeSource = field(default_factory=FakeSource)
    facts: FakeFacts = field(default_factory=FakeFacts)
    dev: bool = False

    def __post_init__(self) -> None:
        self.ids = IdSeal(KEY)
        self.crosswalk = Crosswalk(KEY)
        self.subgraph = Subgraph(
            "notes",
            self.ids,
            self.crosswalk,
            self.facts,
            {"north": self.north, "south": self.south},
            now=lambda: datetime(2026, 11, 22, tzinfo=UTC),
        )
        self.app = create_subgraph_app(
            self.subgraph,
            SCHEMA,
            keys={"1": KEY},
            dev=self.dev,
            clock=lambda: NOW,
            ready=self.is_ready,
        )
        self.is_up = True

    async def is_ready(self) -> bool:
        return self.is_up

    def patient(self, name: str, **more: object) -> dict[str, object]:
        links = self.crosswalk.seal_links(name, LINKS[name])
        return {"__typename": "Patient", "id": name, "links": links, **more}

    def id_of(self, source: str, id_: str, patient: str) -> str:
        return self.ids.seal("notes", RecordRef(source, "Note", id_, patient))

    async def http(self, method="POST", path="/graphql", body=b"", headers=(), client="127.0.0.1"):
        messages = [{"type": "http.request", "body": body}]
        sent: list[dict[str, Any]] = []

        async def receive():
            return messages.pop(0)

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": list(headers),
            "client": (client, 1),
        }
        await self.app(scope, receive, send)
        return SimpleNamespace(status=sent[0]["status"], body=sent[1]["body"])

    def signed(self, body: bytes, caller: Caller | None, /, **changes: Any):
        context = Context(
            **{
                "audience": "notes",
                "body": body_hash(body),
                "issued_at": int(NOW),
                "request_id": "r1",
                "caller": caller,
                **changes,
            }
        )
        return [(HEADER.encode(), sign_context(context, KEY).encode())]

    async def ask(self, query: str, caller: Caller | None = None, **variables: object):
        body = json.dumps({"query": query, "variables": variables}).encode()
        reply = await self.http(body=body, headers=self.signed(body, caller or CLINICIAN))
        answer = json.loads(reply.body)
        signed = answer.pop("extensions", {}).get("access")
        if signed:
            report = verify_report(signed, subgraph="notes", request_id="r1", key=KEY)
            answer["report"] = report
        return answer

    async def entities(self, selection: str, *representations: object, caller=None):
        query = f"query($r:[_Any!]!){{_entities(representations:$r){{__typename {selection}}}}}"
        return await self.ask(query, caller, r=list(representations))


CLINICIAN = Caller(subject="c", roles=("clinician",), scopes=("user/*.rs",))


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def make_notes() -> type[Notes]:
    return Notes


@pytest.fixture
def wire():
    """Make a wire resource of a patient."""

    def make(id_: str, of: str, *labels: str, **fields: object) -> dict[str, Any]:
        security = [{"system": "v3", "code": label} for label in labels]
        return {
            "id": id_,
            "of": of,
            "subject": {"reference": f"Patient/{of}"},
            "meta": {"security": security, "lastUpdated": "2026-01-01T00:00:00Z"},
            **fields,
        }

    return make
