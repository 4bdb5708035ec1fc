"""Who recorded a fact comes along with it, in no more calls than without."""

import msgspec
import pytest

from contract.context import Caller
from subgraphs.connectors.errors import Rejected, TimedOut
from subgraphs.records.model import Condition
from subgraphs.records.schema import SCHEMA
from subgraphs.records.sources.fhir import FhirRecords
from subgraphs.runtime.provenance import REVINCLUDE, ProvenanceSearch
from tests.must_support.passing import SOURCE, WRITTEN, Domain, Holding, opened, seal
from tests.subgraphs.signed import ask_entities

RECORDS = {"records": Domain(SCHEMA, lambda servers: {SOURCE: FhirRecords(servers[SOURCE])})}
HERSELF = Caller("p", roles=("patient",), scopes=("patient/*.rs",), patient=f"{SOURCE}/ada")
AUTHOR = {"coding": [{"code": "author"}]}


def condition(id_):
    return {
        "resourceType": "Condition",
        "id": id_,
        "meta": {"versionId": "1", "lastUpdated": WRITTEN},
        "subject": {"reference": "Patient/ada"},
    }


def provenance(id_, recorded, *targets, agents=()):
    return {
        "resourceType": "Provenance",
        "id": id_,
        "meta": {"versionId": "1", "lastUpdated": WRITTEN},
        "recorded": recorded,
        "target": [{"reference": target} for target in targets],
        "agent": list(agents),
    }


def agent(who, display=None, *, role=AUTHOR, for_whom=None):
    said = {"reference": who, **({"display": display} if display else {})}
    found = {"type": role, "who": said}
    return found | ({"onBehalfOf": {"display": for_whom}} if for_whom else {})


class FakeServer:
    def __init__(self, *brings, error=None):
        self.brings, self.error = brings, error
        self.asked = []

    async def search_including(self, _type, _param, patients, others=None):
        self.asked.append(dict(others or {}))
        if self.error and "_revinclude" in (others or {}):
            raise self.error
        return {patient: [condition("1"), condition("2")] for patient in patients}, [*self.brings]


async def told(*brings):
    rows, others = await ProvenanceSearch(FakeServer(*brings)).search("Condition", ["ada"])
    assert all(other["resourceType"] != "Provenance" for other in others)
    read = [msgspec.convert(row, Condition) for row in rows["ada"]]
    return [[each.recorded for each in condition.provenance_resource] for condition in read]


async def test_each_row_gets_those_that_have_it_as_a_target():
    found = await told(
        provenance("a", "2026-01-01", "Condition/1", "Encounter/2"),
        provenance("b", "2026-02-01", "Condition/1", "https://ehr.example/fhir/Condition/2"),
        {"resourceType": "Organization", "id": "o"},
    )
    assert found == [["2026-01-01", "2026-02-01"], ["2026-02-01"]]


@pytest.mark.parametrize(
    "junk",
    [
        {"recorded": 3},
        {"target": "Condition/1"},
        {"target": [3]},
        {"agent": "who"},
        {"target": None},
    ],
)
async def test_what_cannot_be_read_costs_no_row_anything(junk):
    broken = {**provenance("a", "2026-01-01", "Condition/1"), **junk}
    good = provenance("b", "2026-02-01", "Condition/2")
    assert await told(broken, good) == [[], ["2026-02-01"]]


async def test_a_server_that_declines_it_is_asked_without_from_then_on():
    server = FakeServer(error=Rejected(400))
    search = ProvenanceSearch(server)
    for _ in range(2):
        rows, _ = await search.search("Condition", ["ada"], {"_count": "9"})
        assert len(rows["ada"]) == 2
    assert server.asked == [{"_count": "9", **REVINCLUDE}, {"_count": "9"}, {"_count": "9"}]


async def test_what_is_declined_for_another_reason_is_not_put_down_to_it():
    class Declines(FakeServer):
        async def search_including(self, *_asked):
            raise Rejected(403)

    search = ProvenanceSearch(Declines())
    with pytest.raises(Rejected):
        await search.search("Condition", ["ada"])
    assert search._declines == set()
    with pytest.raises(TimedOut):
        await ProvenanceSearch(FakeServer(error=TimedOut("late"))).search("Condition", ["ada"])


SELECTION = """... on Condition {
  provenance { recordedAt author organization }
  authorship { recordedAt role { text coding { code } }
    who { display practitioner { reference } organization { reference } }
    onBehalfOf { display } } }"""


async def test_a_fact_tells_who_recorded_it_when_and_for_whom():
    transmitter = {"coding": [{"code": "transmitter"}]}
    network = Holding(
        [
            condition("1"),
            condition("2"),
            condition("3"),
            provenance(
                "a",
                "2026-02-03T04:05:06Z",
                "Condition/1",
                agents=[
                    agent("Organization/o", "Northfield", role=transmitter),
                    agent("Practitioner/d", "Dr. Farrow", for_whom="Lakeside"),
                ],
            ),
            provenance("b", "2025-01-01", "Condition/1", agents=[agent("Practitioner/old")]),
            provenance("c", "2026-01-05", "Condition/2", agents=[agent("Organization/o", "Lab")]),
        ]
    )
    nodes = [
        {"__typename": "Condition", "id": seal("records", "Condition", id_, "ada")}
        for id_ in ("1", "2", "3")
    ]
    async with opened([], RECORDS, network) as apps:
        answer = await ask_entities(apps["records"], "records", SELECTION, *nodes, caller=HERSELF)
    first, second, third = answer["data"]["_entities"]
    assert first["provenance"] == [
        {
            "recordedAt": "2026-02-03T04:05:06Z",
            "author": "Dr. Farrow",
            "organization": "Lakeside",
        }
    ]
    said = [(a["role"]["coding"][0]["code"], a["who"]["display"]) for a in first["authorship"]]
    assert sorted(said, key=str) == [
        ("author", "Dr. Farrow"),
        ("author", None),
        ("transmitter", "Northfield"),
    ]
    leads = {
        a["who"]["display"]: [bool(a["who"][p]) for p in ("practitioner", "organization")]
        for a in first["authorship"]
    }
    assert leads == {"Dr. Farrow": [True, False], None: [True, False], "Northfield": [False, True]}
    assert second["provenance"][0] | {"recordedAt": ""} == {
        "recordedAt": "",
        "author": None,
        "organization": "Lab",
    }
    assert third == {
        "provenance": [{"recordedAt": WRITTEN, "author": None, "organization": None}],
        "authorship": [],
    }
    assert [path for path in network.calls if path.endswith("_search")] == [
        "/fhir/Condition/_search"
    ]
