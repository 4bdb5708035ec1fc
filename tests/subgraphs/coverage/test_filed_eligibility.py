"""What payers say of members by files of X12 271, beside what they said when they were asked."""

from __future__ import annotations

import pytest

from contract.context import Caller
from subgraphs.connectors.inbox.store import inbox_url, open_inbox
from tests.subgraphs.connectors.fhir.ehr import Ehr
from tests.subgraphs.connectors.x12.payer import Payer as Desk
from tests.subgraphs.connectors.x12.payer import interchange
from tests.subgraphs.coverage.files import PAYER_ID
from tests.subgraphs.coverage.graph import (
    ADA_HERSELF,
    PAYER_ORGANIZATION,
    coverage,
    member,
)
from tests.subgraphs.coverage.test_checking import SAID, Checking, store  # noqa: F401 - fixtures

TOLD = """nodes { id source isHandedIn checkedAt coverage { id } eligibility { active
  deductible { remaining { value } } } }"""


def answer(*benefits: str, name: str = "ada", payer: str = PAYER_ID, sent: str = "1200") -> bytes:
    body = [
        "BHT*0022*11*1*20260101*1200",
        "HL*1**20*1",
        f"NM1*PR*2*MEADOW*****PI*{payer}",
        "HL*2*1*21*1",
        "NM1*1P*2*LAKESIDE*****XX*1999999984",
        "HL*3*2*22*0",
        f"TRN*2*T-{name}*9X",
        f"NM1*IL*1*LOVELACE*{name.upper()}****MI*M-{name}",
        "DMG*D8*19500102*F",
        *benefits,
    ]
    return interchange([body]).replace(b"*20260101*1200*7*X", f"*20260101*{sent}*7*X".encode())


@pytest.fixture
async def inbox(tmp_path):
    opened = await open_inbox(inbox_url(tmp_path / "inbox"), b"k" * 32)
    yield opened
    await opened.close()


@pytest.fixture
def graph_of(store, inbox):  # noqa: F811 - the fixture
    def make(*rows):
        people = rows or (coverage("ada"), member("ada"))
        ehr = Ehr([PAYER_ORGANIZATION, *people])
        return Checking(ehr, Desk({"M-ada": SAID}), checks=store, store=inbox)

    return make


async def of_coverages(graph, name="ada", **asking):
    selection = f"coverages {{ nodes {{ id eligibilityChecks {{ {TOLD} }} }} }}"
    answer = await graph.patients(selection, name, **asking)
    assert "errors" not in answer, answer["errors"]
    return {
        node["id"]: node["eligibilityChecks"]["nodes"]
        for node in answer["data"]["_entities"][0]["coverages"]["nodes"]
    }


async def of_patient(graph, name="ada", **asking):
    answer = await graph.patients(f"eligibilityChecks {{ {TOLD} }}", name, **asking)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]["_entities"][0]["eligibilityChecks"]["nodes"]


async def test_an_answer_is_with_the_coverage_of_its_member_number(graph_of):
    other = coverage("ada", "c-other", subscriberId="M-other")
    graph = graph_of(coverage("ada"), other, member("ada"))
    await graph.hand_in(answer("EB*1**30", "EB*C*IND*30***29*400.50*****Y"))
    found = await of_coverages(graph)
    ((id_, (told,)),) = [each for each in found.items() if each[1]]
    assert told.pop("id")
    assert told == {
        "source": "clearinghouse",
        "isHandedIn": True,
        "checkedAt": "2026-01-01T12:00:00Z",
        "coverage": {"id": id_},
        "eligibility": {"active": True, "deductible": {"remaining": {"value": "400.50"}}},
    }
    assert [each["coverage"] for each in await of_patient(graph)] == [{"id": id_}]


async def test_what_was_asked_and_what_was_handed_in_is_one_history(graph_of):
    graph = graph_of()
    await graph.hand_in(answer("EB*1**30"), answer("EB*6**30", sent="1300"))
    checked, _ = await graph.check(graph.input())
    told = await of_patient(graph)
    assert [each["isHandedIn"] for each in told] == [False, True, True]
    assert [each["eligibility"]["active"] for each in told] == [True, False, True]
    assert told[0]["id"] == checked["check"]["id"]
    ((own,),) = ([checks] for checks in (await of_coverages(graph)).values())
    assert own == told


async def test_an_answer_of_another_payer_is_of_no_coverage(graph_of):
    graph = graph_of()
    await graph.hand_in(answer("EB*1**30", payer="ELSEWHERE"))
    assert [*(await of_coverages(graph)).values()] == [[]]
    (told,) = await of_patient(graph)
    assert told["coverage"] is None


async def test_each_has_their_own_and_who_may_not_see_coverages_sees_none(graph_of):
    graph = graph_of(coverage("ada"), member("ada"), coverage("bob"), member("bob"))
    await graph.hand_in(answer("EB*1**30"), answer("EB*6**30", name="bob"))
    assert [e["eligibility"]["active"] for e in await of_patient(graph, "bob")] == [False]
    assert len(await of_patient(graph, "ada", caller=ADA_HERSELF)) == 1
    for caller in (
        ADA_HERSELF,
        Caller(subject="l", roles=("lab",), scopes=("user/*.rs",)),
        Caller(subject="b", roles=("biller",), scopes=("user/Claim.rs",)),
    ):
        assert await of_patient(graph, "bob", caller=caller) == []


async def test_many_patients_histories_are_one_question_to_the_payer(graph_of):
    names = [f"n{number}" for number in range(15)]
    graph = graph_of(*(row for name in names for row in (coverage(name), member(name))))
    await graph.hand_in(*(answer("EB*1**30", name=name) for name in names))
    found = await graph.patients(f"eligibilityChecks {{ {TOLD} }}", *names)
    assert all(len(one["eligibilityChecks"]["nodes"]) == 1 for one in found["data"]["_entities"])
    assert graph.ehr.paths.count("Coverage/_search") == 1
    assert graph.desk.received == []
