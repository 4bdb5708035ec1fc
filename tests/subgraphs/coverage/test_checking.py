"""Eligibility asked for the record: all that the payer says, once for each key, and kept."""

from __future__ import annotations

import json
from uuid import uuid4

import httpx2
import pytest
import sqlalchemy as sa

from contract.context import HEADER, Caller, Context, body_hash, sign_context
from subgraphs.connectors.x12.segments import read_interchange
from subgraphs.coverage.sources.checks import Checks, add_check_tables
from subgraphs.runtime.database import open_store, sqlite_url
from subgraphs.runtime.sealing import IdSeal, RecordRef
from tests.subgraphs.connectors.fhir.ehr import Ehr
from tests.subgraphs.connectors.x12.payer import Payer as Desk
from tests.subgraphs.connectors.x12.payer import interchange
from tests.subgraphs.coverage.graph import (
    ADA_HERSELF,
    BILLER,
    PAYER_ORGANIZATION,
    CoverageSubgraph,
    coverage,
    member,
)
from tests.subgraphs.signed import KEY, NOW, post

SAID = [
    "DTP*346*D8*20260101",
    "EB*1**30*PR*GOLD",
    "EB*C*IND*30***23*1500.00*****Y",
    "EB*C*IND*30***29*400.50*****Y",
    "EB*C*IND*30***23*3000*****N",
    "EB*B*IND*98***27*25****Y*Y",
    "MSG*PRIMARY CARE ONLY",
]
CHECK = """mutation($input: CheckEligibilityInput!) { checkEligibility(input: $input) {
  __typename
  ... on EligibilityChecked { coverage { id } check { id serviceType source checkedAt
    eligibility { active authorizationRequired planPeriod { start end } messages rejections
      followUps copay { value } deductible { remaining { value } }
      benefits { kind inNetwork amount { value } timePeriod authorizationRequired } } } }
  ... on StateConflict { code } ... on Denied { code }
  ... on UpstreamRefused { source code message }
  ... on NotFound { code } ... on InvalidInput { code } } }"""
HISTORY = "coverages { nodes { eligibilityChecks { nodes { id eligibility { active } } } } }"
ADA = RecordRef("payer", "Coverage", "c-ada", "p-ada")


class Checking(CoverageSubgraph):
    def input(self, name="ada", **more):
        ref = RecordRef("payer", "Coverage", f"c-{name}", f"p-{name}")
        sealed = IdSeal(KEY).seal("coverage", ref)
        return {"idempotencyKey": uuid4().hex, "coverage": sealed, "serviceType": "98", **more}

    async def check(self, given, caller=BILLER):
        body = json.dumps({"query": CHECK, "variables": {"input": given}}).encode()
        context = Context("coverage", body_hash(body), int(NOW), "r1", caller, uuid4().hex)
        headers = [(HEADER.encode(), sign_context(context, KEY).encode())]
        _, answered = await post(self.app, "/graphql", body, headers)
        answer = json.loads(answered)
        return (answer["data"] or {}).get("checkEligibility"), answer

    async def history(self, *names):
        answer = await self.patients(HISTORY, *names)
        assert "errors" not in answer
        return [
            node["eligibilityChecks"]["nodes"]
            for patient in answer["data"]["_entities"]
            for node in patient["coverages"]["nodes"]
        ]


@pytest.fixture
async def store(tmp_path):
    metadata = sa.MetaData()
    add_check_tables(metadata)
    database = await open_store(sqlite_url(tmp_path, "coverage"), "coverage", metadata)
    yield Checks(database, metadata, KEY)
    await database.close()


@pytest.fixture
def graph_of(store):
    def make(*rows, desk=None):
        people = rows or (coverage("ada"), member("ada"))
        return Checking(
            Ehr([PAYER_ORGANIZATION, *people]), desk or Desk({"M-ada": SAID}), checks=store
        )

    return make


async def test_all_that_the_payer_says_comes_back_and_is_kept(graph_of):
    graph = graph_of()
    outcome, answer = await graph.check(graph.input())
    assert "errors" not in answer
    check = outcome["check"]
    assert (check["source"], check["serviceType"]) == ("payer-x12", "98")
    assert check["checkedAt"] == "2026-11-22T00:00:00Z"
    said = check["eligibility"]
    assert said["active"] is True
    assert said["authorizationRequired"] is True
    assert said["planPeriod"] == {"start": "2026-01-01", "end": None}
    assert said["messages"] == ["PRIMARY CARE ONLY"]
    assert said["copay"] == {"value": "25"}
    assert said["deductible"] == {"remaining": {"value": "400.50"}}
    assert [(b["kind"], b["inNetwork"]) for b in said["benefits"]] == [
        ("B", True),
        ("1", None),
        ("C", True),
        ("C", True),
        ("C", False),
    ]
    assert await graph.history("ada") == [[{"id": check["id"], "eligibility": {"active": True}}]]


async def test_asked_again_with_the_same_key_the_payer_is_not_asked_again(graph_of):
    graph = graph_of()
    given = graph.input()
    first, _ = await graph.check(given)
    again, _ = await graph.check(given)
    assert again == first
    assert len(graph.desk.received) == 1
    other, _ = await graph.check({**given, "serviceType": "30"})
    assert other == {"__typename": "StateConflict", "code": "IDEMPOTENCY_KEY_REUSED"}
    await graph.check(graph.input())
    assert len((await graph.history("ada"))[0]) == 2


async def test_a_member_the_payer_does_not_know_is_an_answer_and_no_outage(graph_of):
    graph = graph_of(desk=Desk({}))
    outcome, answer = await graph.check(graph.input())
    assert "errors" not in answer
    said = outcome["check"]["eligibility"]
    assert (said["active"], said["rejections"], said["followUps"]) == (None, ["75"], ["C"])


async def test_a_payer_that_answers_nobody_like_us_is_a_refusal_with_its_code(graph_of):
    class Closed(Desk):
        def answer_to(self, inquiry):
            reference = read_interchange(inquiry)[0].body[0].element(3)
            begin = f"BHT*0022*11*{reference}*20260101*1200"
            return interchange([[begin, "HL*1**20*0", "AAA*N**51*C"]])

    graph = graph_of(desk=Closed({}))
    outcome, _ = await graph.check(graph.input())
    assert outcome == {
        "__typename": "UpstreamRefused",
        "source": "payer-x12",
        "code": "51",
        "message": "the payer does not accept us as the one who asks (51)",
    }
    assert await graph.history("ada") == [[]]


async def test_a_payer_that_is_down_is_an_error_and_notes_nothing(graph_of):
    class Down(Desk):
        network = httpx2.MockTransport(lambda _: httpx2.Response(503))

    graph = graph_of(desk=Down({}))
    outcome, answer = await graph.check(graph.input())
    assert outcome is None
    assert answer["errors"][0]["extensions"]["code"] == "SOURCE_UNAVAILABLE"
    assert await graph.history("ada") == [[]]


async def test_without_a_number_there_is_nothing_to_ask_by(graph_of):
    graph = graph_of(coverage("ada", subscriberId=None), member("ada"))
    outcome, _ = await graph.check(graph.input())
    assert outcome == {"__typename": "StateConflict", "code": "NOT_ASKED_HERE"}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"serviceType": "ABC"}, "BAD_USER_INPUT"),
        ({"idempotencyKey": ""}, "BAD_USER_INPUT"),
        ({"coverage": "nonsense"}, "NOT_FOUND"),
    ],
)
async def test_what_cannot_be_asked(graph_of, more, code):
    graph = graph_of()
    outcome, _ = await graph.check(graph.input(**more))
    assert outcome["code"] == code
    assert graph.desk.received == []


async def test_a_patient_asks_about_herself_alone(graph_of):
    graph = graph_of(coverage("ada"), member("ada"), coverage("bob"), member("bob"))
    own, _ = await graph.check(graph.input(), ADA_HERSELF)
    assert own["__typename"] == "EligibilityChecked"
    outcome, _ = await graph.check(graph.input("bob"), ADA_HERSELF)
    assert outcome == {"__typename": "NotFound", "code": "NOT_FOUND"}
    scheduler = Caller(subject="s", roles=("lab",), scopes=("user/*.rs",))
    outcome, _ = await graph.check(graph.input(), scheduler)
    assert outcome == {"__typename": "NotFound", "code": "NOT_FOUND"}


@pytest.mark.parametrize(
    ("role", "outcome"),
    [
        ("payer-reviewer", "Denied"),
        ("scheduler", "EligibilityChecked"),
        ("nurse", "EligibilityChecked"),
    ],
)
async def test_who_sees_the_coverage_and_works_for_the_payer_asks_nobody(graph_of, role, outcome):
    graph = graph_of()
    caller = Caller(subject="s", roles=(role,), scopes=("user/Coverage.rs",))
    done, answer = await graph.check(graph.input(), caller)
    assert "errors" not in answer
    assert done["__typename"] == outcome
    if outcome == "Denied":
        assert done["code"] == "FORBIDDEN"
        assert graph.desk.received == []
        assert await graph.history("ada") == [[]]


async def test_many_histories_are_one_question(graph_of, store, monkeypatch):
    names = [f"n{number}" for number in range(20)]
    graph = graph_of(*(row for name in names for row in (coverage(name), member(name))))
    for name in names[:3]:
        await graph.check(graph.input(name))
    asked = []
    of_coverages = store.of_coverages

    async def counted(refs):
        asked.append(len(refs))
        return await of_coverages(refs)

    monkeypatch.setattr(store, "of_coverages", counted)
    lengths = [len(each) for each in await graph.history(*names)]
    assert (asked, sum(lengths)) == ([20], 3)


async def test_what_lies_on_disk_tells_nothing(graph_of, tmp_path):
    graph = graph_of()
    await graph.check(graph.input())
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert content
    for word in (b"c-ada", b"p-ada", b"PRIMARY CARE", b"GOLD", b"1500.00"):
        assert word not in content
