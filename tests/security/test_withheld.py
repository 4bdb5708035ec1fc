"""A withheld patient looks like none: in counts, pages, cursors, order, searches and errors.

Two worlds differ in nothing but a hidden person; whatever is asked, the answers are the same bytes.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest

from contract.access import verify_report
from contract.context import HEADER, Caller, Context, body_hash, sign_context
from subgraphs.identity.index.store import open_index, said_by
from subgraphs.identity.index.tables import idempotency
from subgraphs.identity.loaders import Identity, IndexFacts
from subgraphs.identity.model import PatientResource
from subgraphs.identity.schema import SCHEMA
from subgraphs.runtime.access_facts import JoinedFacts
from subgraphs.runtime.app import create_subgraph_app
from subgraphs.runtime.crosswalk import Crosswalk
from subgraphs.runtime.database import sqlite_url
from subgraphs.runtime.idempotency import IdempotencyStore
from subgraphs.runtime.request import Subgraph
from subgraphs.runtime.sealing import IdSeal, RecordRef
from tests.subgraphs.signed import KEY, post
from tests.subgraphs.undirected import Undirected

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CLINICIAN = Caller("c", roles=("clinician",), scopes=("user/*.rs",))
FAMILIES = ("Abel", "Baker", "Cole", "Dunn", "Egan")
HIDDEN = "Cole"
PAGE = (
    "edges { cursor node { id name { family } } }"
    " pageInfo { hasNextPage hasPreviousPage endCursor }"
)


def person(number, family):
    label = [{"system": "v3", "code": "R"}] if family == HIDDEN else []
    wire = {
        "id": str(number),
        "meta": {"lastUpdated": "2026-01-01T00:00:00Z", "security": label},
        "name": [{"family": family, "given": ["Ada"]}],
        "birthDate": f"19{60 + number}-03-14",
        "identifier": [
            {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-11-2222"},
            {"system": "urn:oid:1.2.3", "value": f"MRN-7{number}"},
        ],
        "gender": "female",
    }
    return msgspec.convert(wire, PatientResource)


class World:
    def __init__(self, index):
        self.ids = IdSeal(KEY)
        facts = JoinedFacts(IndexFacts(index, self.ids), Undirected())
        services = Identity(index, IdempotencyStore(idempotency, KEY))
        subgraph = Subgraph("identity", self.ids, Crosswalk(KEY), facts, services)
        self.app = create_subgraph_app(subgraph, SCHEMA, keys={"1": KEY}, clock=NOW.timestamp)

    def id(self, number):
        return self.ids.seal("identity", RecordRef("ehr", "Patient", str(number), str(number)))

    async def ask(self, query, **variables):
        body = json.dumps({"query": query, "variables": variables}).encode()
        context = Context("identity", body_hash(body), int(NOW.timestamp()), "r1", CLINICIAN)
        headers = [(HEADER.encode(), sign_context(context, KEY).encode())]
        answer = json.loads((await post(self.app, "/graphql", body, headers))[1])
        text = answer.pop("extensions")["access"]
        self.report = verify_report(text, subgraph="identity", request_id="r1", key=KEY)
        return answer


@pytest.fixture
async def worlds(tmp_path):
    opened = []
    for name, families in (("with", FAMILIES), ("without", [f for f in FAMILIES if f != HIDDEN])):
        index = await open_index(sqlite_url(tmp_path / name, "identity"), KEY)
        patients = {str(FAMILIES.index(f)): person(FAMILIES.index(f), f) for f in families}
        said = {id_: said_by(patient, NOW) for id_, patient in patients.items()}
        await index.take("ehr", said, NOW)
        opened.append(index)
    yield [World(index) for index in opened]
    for index in opened:
        await index.close()


@pytest.mark.parametrize("size", range(6))
async def test_pages_and_cursors(worlds, size):
    """hapi #1507, #2012, #3418: totals and empty last pages told of hidden rows."""
    told = []
    for world in worlds:
        pages, after = [], None
        for _ in range(5):
            query = f"query($n: Int!, $a: String) {{ patients(first: $n, after: $a) {{ {PAGE} }} }}"
            page = await world.ask(query, n=size, a=after)
            pages.append(page)
            after = page["data"]["patients"]["pageInfo"]["endCursor"]
            if after is None:
                break
        told.append(pages)
    assert told[0] == told[1]


@pytest.mark.parametrize("search", ["co", "cole", "ada", "cole 1962-03-14", "1962-03-14", "ada co"])
@pytest.mark.parametrize("size", [1, 4, 20])
async def test_searches(worlds, search, size):
    """hapi #6065: a filter told of what it may not read."""
    query = f"query($s: String, $n: Int!) {{ patients(search: $s, first: $n) {{ {PAGE} }} }}"
    one, other = [await world.ask(query, s=search, n=size) for world in worlds]
    assert one == other


@pytest.mark.parametrize("number", ["999-11-2222", "999112222", "2222", "MRN-71"])
async def test_no_search_finds_by_a_number_that_is_not_to_be_read(worlds, number):
    """A filter on a hidden field would tell it digit by digit."""
    query = f"query($s: String) {{ patients(search: $s) {{ {PAGE} }} }}"
    for world in worlds:
        found = await world.ask(query, s=number)
        assert found == await world.ask(query, s="nothing-of-the-kind")
        assert found["data"]["patients"]["edges"] == []


async def test_ids_and_entities(worlds):
    query = "query($id: ID!) { patient(id: $id) { id } }"
    entities = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Patient { links } } }"
    number = FAMILIES.index(HIDDEN)
    told = []
    for world in worlds:
        id_ = world.id(number)
        found = await world.ask(query, id=id_)
        entity = await world.ask(entities, r=[{"__typename": "Patient", "id": id_}])
        told.append((found, entity))
    assert told[0] == told[1]
    assert told[0][0]["data"] == {"patient": None}


async def test_only_who_is_on_the_page_counts_as_read(worlds):
    for world in worlds:
        answer = await world.ask("{ patients(first: 2) { nodes { id } } }")
        shown = {node["id"] for node in answer["data"]["patients"]["nodes"]}
        assert set(world.report.patients) == shown
        assert len(shown) == 2
    await worlds[0].ask("{ patients(first: 5) { nodes { id } } }")
    assert set(worlds[0].report.patients) == {worlds[0].id(each) for each in (0, 1, 3, 4)}
    assert [(each.type, each.reason) for each in worlds[0].report.refusals] == [
        ("Patient", "label")
    ]


async def test_who_asks_who_she_is_has_read_nobody(worlds):
    await worlds[0].ask("{ me { subject roles } }")
    assert worlds[0].report.patients == ()
