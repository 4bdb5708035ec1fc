"""Asking a payer for its agreement, with all that may go wrong on the way."""

from __future__ import annotations

import asyncio
import json
from uuid import uuid4

import pytest

from contract.context import Caller
from tests.subgraphs.coverage.practice import CLINICIAN, HCPCS, WRITER, opened_practice

OUTCOMES = """__typename
  ... on PriorAuthorizationChanged { priorAuthorization { id version state urgency submittedAt
    number documents { message } diagnoses { code { coding { code } } } traceNumbers { value }
    items { quantity { value unit } service { coding { code } }
      order { medicationRequest { id } }
      decision { action number reasons { text } authorized { quantity { value }
        service { coding { code } } } } } } }
  ... on StateConflict { code } ... on Denied { code } ... on UpstreamRefused { source code }
  ... on NotFound { code } ... on InvalidInput { code }"""
SUBMIT = f"""mutation($input: SubmitPriorAuthorizationInput!) {{
  submitPriorAuthorization(input: $input) {{ {OUTCOMES} }} }}"""
WITHDRAW = f"""mutation($input: WithdrawPriorAuthorizationInput!) {{
  withdrawPriorAuthorization(input: $input) {{ {OUTCOMES} }} }}"""


@pytest.fixture
async def practice(tmp_path):
    async with opened_practice(tmp_path) as practice:
        yield practice


async def submit(practice, given, caller=WRITER):
    answer = await practice.ask(SUBMIT, caller, input=given)
    data = answer["data"]
    return data["submitPriorAuthorization"] if data else None, answer


async def withdraw(practice, given, caller=WRITER):
    given = {"idempotencyKey": uuid4().hex, **given}
    answer = await practice.ask(WITHDRAW, caller, input=given)
    return answer["data"]["withdrawPriorAuthorization"] if answer["data"] else None


def codes(answer):
    return [error["extensions"]["code"] for error in answer.get("errors", ())]


@pytest.mark.parametrize(
    ("code", "action", "quantity", "service"),
    [
        ("E0601", "CERTIFIED", "40", "E0601"),
        ("S9123", "PARTIAL", "20", "S9123"),
        ("K0823", "DENIED", None, None),
        ("E1390", "PENDED", None, None),
        ("J1745", "MODIFIED", "40", "Q5103"),
    ],
)
async def test_each_decision_comes_back_and_is_found_again(
    practice, code, action, quantity, service
):
    diagnosis = {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "G47.33"}
    given = practice.asking(
        code, diagnoses=[diagnosis], message="Since spring", urgency="EXPEDITED"
    )
    outcome, answer = await submit(practice, given)
    assert "errors" not in answer
    done = outcome["priorAuthorization"]
    assert (done["state"], done["urgency"]) == (action, "EXPEDITED")
    assert done["documents"] == [{"message": "Since spring"}]
    assert done["diagnoses"] == [{"code": {"coding": [{"code": "G47.33"}]}}]
    (item,) = done["items"]
    assert item["quantity"] == {"value": "40", "unit": "h"}
    decision = item["decision"]
    assert decision["action"] == action
    assert bool(decision["number"]) == (quantity is not None)
    assert bool(decision["reasons"]) == (action != "CERTIFIED")
    certified = decision["authorized"]
    assert (certified and certified["quantity"]["value"]) == quantity
    assert (certified and certified["service"]["coding"][0]["code"]) == service
    (found,) = [node for node in await practice.listed() if node["id"] == done["id"]]
    assert (found["state"], found["version"]) == (action, done["version"])
    assert answer["report"].patients == ("ada",)


async def test_asked_again_with_the_same_key_nothing_is_asked_twice(practice):
    given = practice.asking()
    first, _ = await submit(practice, given)
    again, _ = await submit(practice, given)
    assert again == first
    assert len(await practice.listed()) == 1
    other, _ = await submit(practice, {**given, "message": "something else"})
    assert other == {"__typename": "StateConflict", "code": "IDEMPOTENCY_KEY_REUSED"}


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_a_payer_that_dies_in_between_has_it_once(practice, dies):
    given = practice.asking()
    practice.payer.dies = dies
    outcome, answer = await submit(practice, given)
    practice.payer.dies = "never"
    if dies == "after":
        # It had arrived: the inquiry finds it, under its token.
        assert outcome["priorAuthorization"]["state"] == "CERTIFIED"
    else:
        assert (outcome, codes(answer)) == (None, ["OUTCOME_UNKNOWN"])
        assert await practice.listed() == []
    again, _ = await submit(practice, given)
    assert again["priorAuthorization"]["state"] == "CERTIFIED"
    (listed,) = await practice.listed()
    assert listed["traceNumbers"] == again["priorAuthorization"]["traceNumbers"]
    assert listed["id"] == again["priorAuthorization"]["id"]


async def test_a_payer_that_repeats_the_items_trace_numbers_alone_is_understood(practice):
    practice.payer.forgets = frozenset({"identifier"})
    practice.payer.dies = "after"
    outcome, _ = await submit(practice, practice.asking())
    assert outcome["priorAuthorization"]["state"] == "CERTIFIED"
    assert len(practice.payer.received) == 1


@pytest.mark.parametrize(
    "forgets", [{"identifier", "trace"}, {"identifier", "trace", "claim"}], ids=["all", "claim too"]
)
async def test_where_the_payer_repeats_nothing_it_is_not_asked_twice(practice, forgets):
    """What may be ours is looked at by a human: nothing more is sent under that key."""
    practice.payer.forgets = frozenset(forgets)
    given = practice.asking()
    practice.payer.dies = "after"
    for _ in range(3):
        outcome, answer = await submit(practice, given)
        assert (outcome, codes(answer)) == (None, ["OUTCOME_UNKNOWN"])
        practice.payer.dies = "never"
    assert len(practice.payer.received) == 1
    # The human sees it listed, and whoever wants another asks under another key.
    (listed,) = await practice.listed()
    assert listed["state"] == "CERTIFIED"
    outcome, _ = await submit(practice, practice.asking())
    assert outcome["priorAuthorization"]["state"] == "CERTIFIED"


async def test_where_the_payer_repeats_nothing_and_has_nothing_like_it_it_is_asked(practice):
    practice.payer.forgets = frozenset({"identifier", "trace"})
    await submit(practice, practice.asking("E1390"))
    given = practice.asking("E0601")
    practice.payer.dies = "before"
    await submit(practice, given)
    practice.payer.dies = "never"
    outcome, _ = await submit(practice, given)
    assert outcome["priorAuthorization"]["state"] == "CERTIFIED"


async def test_we_may_die_in_between_too(practice):
    """The request has arrived, and the inquiry that would have told so is lost with us."""
    given = practice.asking()
    practice.payer.dies = "after"
    practice.payer.dead_inquiry = True
    outcome, answer = await submit(practice, given)
    assert (outcome, codes(answer)) == (None, ["OUTCOME_UNKNOWN"])
    practice.payer.dies, practice.payer.dead_inquiry = "never", False
    again, _ = await submit(practice, given)
    assert again["priorAuthorization"]["state"] == "CERTIFIED"
    assert len(await practice.listed()) == 1
    assert practice.payer.calls["operation Claim/$submit"] == 1


async def test_a_payer_that_is_down_is_told_and_nothing_is_noted(practice):
    given = practice.asking()
    practice.payer.is_down = True
    outcome, answer = await submit(practice, given)
    assert outcome is None
    assert set(codes(answer)) == {"SOURCE_UNAVAILABLE"}


async def test_what_is_pended_is_decided_later(practice):
    outcome, _ = await submit(practice, practice.asking("E1390"))
    done = outcome["priorAuthorization"]
    kept = practice.seal.open("coverage", "Claim", done["id"])
    assert practice.payer.authorizations.pended() == [kept.id]
    assert practice.payer.authorizations.decide(kept.id, "A3")
    (found,) = await practice.listed()
    assert (found["id"], found["state"]) == (done["id"], "DENIED")
    assert found["version"] != done["version"]


async def test_a_request_is_withdrawn_once_and_only_as_it_was_read(practice):
    outcome, _ = await submit(practice, practice.asking("E1390"))
    done = outcome["priorAuthorization"]
    stale = await withdraw(practice, {"priorAuthorization": done["id"], "ifMatch": "another"})
    assert stale == {"__typename": "StateConflict", "code": "STALE"}
    given = {
        "priorAuthorization": done["id"],
        "ifMatch": done["version"],
        "idempotencyKey": uuid4().hex,
    }
    withdrawn = await withdraw(practice, given)
    assert withdrawn["priorAuthorization"]["state"] == "WITHDRAWN"
    assert await withdraw(practice, given) == withdrawn
    again = await withdraw(practice, {"priorAuthorization": done["id"]})
    assert again == {"__typename": "StateConflict", "code": "ALREADY_WITHDRAWN"}
    ids = {node["id"]: node["state"] for node in await practice.listed()}
    assert ids[withdrawn["priorAuthorization"]["id"]] == "WITHDRAWN"
    assert done["id"] not in ids


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_a_withdrawal_arrives_once(practice, dies):
    outcome, _ = await submit(practice, practice.asking("E1390"))
    given = {
        "priorAuthorization": outcome["priorAuthorization"]["id"],
        "idempotencyKey": uuid4().hex,
    }
    practice.payer.dies = dies
    await withdraw(practice, given)
    practice.payer.dies = "never"
    withdrawn = await withdraw(practice, given)
    assert withdrawn["priorAuthorization"]["state"] == "WITHDRAWN"
    assert [each["state"] for each in await practice.listed()] == ["WITHDRAWN"]
    claims = [json.loads(each)["entry"][0]["resource"] for each in practice.payer.received]
    assert len({each["identifier"][0]["value"] for each in claims}) == 2


async def test_a_denial_is_not_withdrawn(practice):
    outcome, _ = await submit(practice, practice.asking("K0823"))
    id_ = outcome["priorAuthorization"]["id"]
    refused = await withdraw(practice, {"priorAuthorization": id_})
    assert refused == {"__typename": "StateConflict", "code": "DENIED"}


async def test_a_payer_s_refusal_is_told_by_its_code(practice):
    given = practice.asking(coverage=practice.coverage("gone"))
    for _ in range(2):
        outcome, answer = await submit(practice, given)
        assert outcome == {"__typename": "UpstreamRefused", "source": "pas", "code": "95"}
        assert "errors" not in answer
    # A refusal is not noted: what stood in the way may be gone by the second time.
    assert practice.payer.calls["operation Claim/$submit"] == 2


async def test_a_prescription_goes_along_and_is_linked(practice):
    order = practice.order("m1")
    item = {"order": order, "quantity": "90", "unit": "tablets"}
    outcome, answer = await submit(practice, practice.asking(items=[item]), CLINICIAN)
    assert "errors" not in answer
    (done,) = outcome["priorAuthorization"]["items"]
    assert done["service"]["coding"] == [{"code": "314076"}]
    assert done["order"]["medicationRequest"]["id"] == order
    linked = await practice.ask(
        """query($r: [_Any!]!) { _entities(representations: $r) {
          ... on MedicationRequest { priorAuthorization { id } } } }""",
        CLINICIAN,
        r=[{"__typename": "MedicationRequest", "id": order}],
    )
    (found,) = linked["data"]["_entities"]
    assert found["priorAuthorization"]["id"] == outcome["priorAuthorization"]["id"]
    (sent,) = practice.payer.received
    told = next(
        entry["resource"]
        for entry in json.loads(sent)["entry"]
        if entry["resource"]["resourceType"] == "MedicationRequest"
    )
    assert told["dosageInstruction"] == [{"text": "one a day"}]
    assert "SECRET" not in sent.decode()


@pytest.mark.parametrize(
    ("order", "caller"),
    [
        pytest.param(("m1", "ada"), WRITER, id="billers see no prescriptions"),
        pytest.param(("m2", "bob"), CLINICIAN, id="another patient's"),
        pytest.param(("m2", "ada"), CLINICIAN, id="another patient's under her name"),
        pytest.param(("m3", "ada"), CLINICIAN, id="sensitive"),
        pytest.param(("m9", "ada"), CLINICIAN, id="none"),
    ],
)
async def test_an_order_that_the_caller_may_not_see_goes_nowhere(practice, order, caller):
    item = {"order": practice.order(*order)}
    outcome, _ = await submit(practice, practice.asking(items=[item]), caller)
    assert outcome == {"__typename": "NotFound", "code": "NOT_FOUND"}
    assert practice.payer.received == []


@pytest.mark.parametrize(
    "caller",
    [
        pytest.param(
            Caller("n", roles=("nurse",), scopes=("user/*.rs", "user/Claim.cu")), id="role"
        ),
        pytest.param(Caller("c", roles=("clinician",), scopes=("user/*.rs",)), id="scope"),
        pytest.param(
            Caller(
                "c",
                roles=("clinician",),
                scopes=("user/*.rs", "user/Claim.cu?use=claim"),
            ),
            id="a narrowed scope",
        ),
        pytest.param(Caller("s", scopes=("system/*.cruds",)), id="a system"),
    ],
)
async def test_who_may_not_ask_is_denied_and_nothing_is_sent(practice, caller):
    outcome, answer = await submit(practice, practice.asking(), caller)
    assert outcome == {"__typename": "Denied", "code": "FORBIDDEN"}
    assert [refusal.reason for refusal in answer["report"].refusals] == ["role"]
    assert practice.payer.received == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"items": []},
        {"items": [{}]},
        {"items": [{"service": {"system": HCPCS, "code": "E0601"}, "quantity": "0"}]},
        {"items": [{"service": {"system": HCPCS, "code": "E0601"}, "category": "!!"}]},
        {"items": [{"service": {"system": HCPCS, "code": "E0601"}, "place": "home"}]},
        {"items": [{"service": {"system": "not a uri at all\n", "code": ""}}]},
        {"diagnoses": [{"system": "s", "code": "c"}] * 13},
        {"message": "x" * 501},
        {"idempotencyKey": ""},
    ],
)
async def test_what_cannot_be_asked_is_refused_before_anything_is_sent(practice, wrong):
    outcome, _ = await submit(practice, practice.asking(**wrong))
    assert outcome == {"__typename": "InvalidInput", "code": "BAD_USER_INPUT"}
    assert practice.payer.received == []


async def test_somebody_else_s_coverage_is_not_found(practice):
    for coverage in (practice.coverage("nobody"), "nonsense"):
        outcome, _ = await submit(practice, practice.asking(coverage=coverage))
        assert outcome == {"__typename": "NotFound", "code": "NOT_FOUND"}


async def test_two_at_once_ask_once(practice):
    given = practice.asking()
    outcomes = await asyncio.gather(*(submit(practice, given) for _ in range(3)))
    assert [outcome for outcome, _ in outcomes if outcome]
    assert {code for _, answer in outcomes for code in codes(answer)} <= {"IN_PROGRESS"}
    assert len(await practice.listed()) == 1
