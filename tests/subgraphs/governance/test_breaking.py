"""Breaking the glass over the sandbox: who, for what, how long, and who hears of it."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

import pytest

from contract.context import Caller
from subgraphs.governance.breaking import TOPIC
from subgraphs.runtime.request import utc_now
from tests.subgraphs.conftest import CLINICIAN
from tests.subgraphs.governance.test_consents import OFFICER as CLERK
from tests.subgraphs.governance.test_consents import conditions, herself, record

EMERGENCY = Caller(
    "e",
    issuer="https://login.example",
    roles=("clinician",),
    scopes=("user/*.rs",),
    purpose="ETREAT",
)
OFFICER = Caller(
    "o",
    roles=("privacy-officer",),
    scopes=("user/Patient.rs", "user/AuditEvent.rs"),
    purpose="HCOMPL",
)
BREAK = """mutation($input: BreakGlassInput!) { breakGlass(input: $input) { __typename
  ... on GlassBroken { grant { id version isOpen until brokenBy { subject } patient { id } } }
  ... on StateConflict { code } ... on Denied { code message }
  ... on NotFound { code } ... on InvalidInput { code } } }"""
REVIEW = """mutation($input: ReviewBreakGlassInput!) { reviewBreakGlass(input: $input) { __typename
  ... on BreakGlassReviewed { grant { version review { verdict reviewedBy { subject } } } }
  ... on StateConflict { code } ... on Denied { code }
  ... on NotFound { code } ... on InvalidInput { code } } }"""
GRANT = "... on BreakGlassGrant { id reason review { verdict } }"
QUEUE = """query($all: Boolean!) { breakGlassGrants(toReview: $all) {
  nodes { id } edges { cursor } pageInfo { hasNextPage } } }"""
_keys = itertools.count()


@pytest.fixture
async def ada(graph):
    return await graph.patient("ehr-a", graph.launch)


async def break_glass(graph, patient, caller=EMERGENCY, **more):
    given = {"idempotencyKey": f"k{next(_keys)}", "patient": patient["id"], "reason": "Unconscious"}
    answer = await graph.ask("governance", BREAK, caller, input={**given, **more})
    return answer.data["breakGlass"] or answer


async def test_it_opens_what_labels_and_consents_close_to_one_caller(graph, ada):
    own, _ = await conditions(graph, ada, herself(graph))
    await record(graph, ada, {"type": "DENY", "actors": [{"kind": "ROLE", "value": "clinician"}]})
    assert (await conditions(graph, ada, EMERGENCY))[0] == set()
    broken = await break_glass(graph, ada)
    assert broken["__typename"] == "GlassBroken"
    assert (broken["grant"]["isOpen"], broken["grant"]["patient"]) == (True, {"id": ada["id"]})
    shown, answer = await conditions(graph, ada, EMERGENCY)
    assert shown == own
    ((_, type_),) = {(each.grant, each.type) for each in answer.report.broken}
    assert type_ == "Condition"
    assert answer.report.refusals == ()
    nobody = [
        CLINICIAN,
        Caller("e", roles=("clinician",), scopes=("user/*.rs",), purpose="ETREAT"),
        Caller("e", issuer=EMERGENCY.issuer, roles=("clinician",), scopes=("user/*.rs",)),
    ]
    for other in nobody:
        shown, answer = await conditions(graph, ada, other)
        assert (shown, answer.report.broken) == (set(), ())


async def test_it_opens_nothing_that_scopes_or_roles_close(graph, ada):
    narrow = Caller(
        "e",
        issuer=EMERGENCY.issuer,
        roles=("clinician",),
        scopes=("user/Patient.rs", "user/Condition.rs?category=problem-list-item"),
        purpose="ETREAT",
    )
    await break_glass(graph, ada, narrow)
    wide, _ = await conditions(graph, ada, EMERGENCY)
    few, answer = await conditions(graph, ada, narrow)
    assert few < wide
    assert {each.reason for each in answer.report.refusals} == {"scope"}


async def test_of_another_patient_nothing_is_open(graph, ada):
    await break_glass(graph, ada)
    others = [p for p in await graph.patients(30) if p["id"] != ada["id"]]
    query = "... on Patient { conditions { nodes { id } } }"
    plain = await graph.entities("records", query, *others)
    emergency = await graph.entities("records", query, *others, caller=EMERGENCY)
    assert emergency.data == plain.data
    assert emergency.report.broken == ()


async def test_it_ends_by_itself(graph, ada):
    before, _ = await conditions(graph, ada, EMERGENCY)
    await break_glass(graph, ada, minutes=1)
    assert (await conditions(graph, ada, EMERGENCY))[0] > before
    store = graph.apps["governance"].subgraph.services.store
    (grants,) = await store.grants_of([graph.links(ada)])
    standing = await store.look_up([graph.links(ada)])
    assert [each.id for each in standing.directives[0].grants] == [each.id for each in grants]
    store._now = lambda: utc_now() + timedelta(minutes=2)
    assert (await store.look_up([graph.links(ada)])).directives[0].grants == ()


DENIED = {
    "a clinician at her usual work": CLINICIAN,
    "a nurse": Caller("n", roles=("nurse",), scopes=("user/*.rs",), purpose="ETREAT"),
    "a privacy officer": OFFICER,
    "a backend": Caller("b", scopes=("system/*.rs",), purpose="ETREAT"),
}
MEANINGLESS = [
    {"reason": "  "},
    {"reason": "x" * 1001},
    {"minutes": 0},
    {"minutes": -5},
    {"minutes": 241},
    {"idempotencyKey": ""},
]


async def test_for_whom_and_for_what_it_is_not(graph, ada):
    for who, caller in DENIED.items():
        assert (await break_glass(graph, ada, caller))["code"] == "FORBIDDEN", who
    for bad in MEANINGLESS:
        assert (await break_glass(graph, ada, **bad))["code"] == "BAD_USER_INPUT", bad
    assert (await break_glass(graph, {"id": "nobody"}))["code"] == "NOT_FOUND"
    blind = Caller("e", roles=("clinician",), scopes=("user/Condition.rs",), purpose="ETREAT")
    assert (await break_glass(graph, ada, blind))["code"] == "NOT_FOUND"
    queue = await graph.ask("governance", QUEUE, OFFICER, all=False)
    assert queue.data["breakGlassGrants"]["nodes"] == []


async def test_it_is_told_at_once_and_names_nobody(graph, ada, capsys):
    events = graph.apps["governance"].subgraph.events
    with events.listen(TOPIC) as heard:
        broken = await break_glass(graph, ada, reason="canary-of-a-reason")
        async with asyncio.timeout(5):
            told = (await anext(aiter(heard))).decode()
    logged = capsys.readouterr().out
    assert "glass_broken" in logged
    assert told in logged
    for secret in ("canary", graph.launch, ada["id"], broken["grant"]["id"]):
        assert secret not in told + logged


async def test_who_may_know_of_it(graph, ada):
    grant = (await break_glass(graph, ada))["grant"]["id"]
    by_id = {"__typename": "BreakGlassGrant", "id": grant}
    listed = "... on Patient { breakGlassGrants { nodes { id } edges { cursor } } }"
    app = herself(graph, roles=("partner-app",))
    for caller, may in [
        (OFFICER, True),
        (herself(graph), True),
        (app, False),
        (CLINICIAN, False),
        (CLERK, False),
    ]:
        found = await graph.entities("governance", GRANT, by_id, caller=caller)
        assert found.codes == ([] if may else ["NOT_FOUND"])
        page = (await graph.entities("governance", listed, ada, caller=caller)).data[0]
        shown = page["breakGlassGrants"]
        assert [each["id"] for each in shown["nodes"]] == ([grant] if may else [])
        assert len(shown["edges"]) == len(shown["nodes"])
    took = await graph.entities("governance", GRANT, by_id, caller=EMERGENCY)
    assert took.data[0]["reason"] == "Unconscious"
    refused = await graph.ask("governance", QUEUE, EMERGENCY, all=True)
    assert (refused.data, refused.codes) == ({"breakGlassGrants": None}, ["FORBIDDEN"])


async def test_reviews(graph, ada):
    grant = (await break_glass(graph, ada))["grant"]

    async def review(caller=OFFICER, **more):
        given = {"grant": grant["id"], "verdict": "UNJUSTIFIED", "comment": "Not at all"}
        given |= {"idempotencyKey": f"k{next(_keys)}", **more}
        answer = await graph.ask("governance", REVIEW, caller, input=given)
        return answer.data["reviewBreakGlass"] or answer

    async def waiting():
        queue = await graph.ask("governance", QUEUE, OFFICER, all=True)
        return [each["id"] for each in queue.data["breakGlassGrants"]["nodes"]]

    assert await waiting() == [grant["id"]]
    own = Caller("e", issuer=EMERGENCY.issuer, roles=("privacy-officer",), scopes=OFFICER.scopes)
    assert (await review(own))["code"] == "FORBIDDEN"
    assert (await review(EMERGENCY))["code"] == "FORBIDDEN"
    assert (await review(CLINICIAN))["code"] == "NOT_FOUND"
    assert (await review(comment=" "))["code"] == "BAD_USER_INPUT"
    assert (await review(ifMatch="7"))["code"] == "STALE"
    once = {"idempotencyKey": "once", "ifMatch": grant["version"]}
    one, other = [await review(**once) for _ in range(2)]
    assert one == other
    assert one["grant"]["review"] == {"verdict": "UNJUSTIFIED", "reviewedBy": {"subject": "o"}}
    assert (await review())["code"] == "ALREADY_REVIEWED"
    assert await waiting() == []


async def test_the_same_key_breaks_it_once(graph, ada):
    one, other = [await break_glass(graph, ada, idempotencyKey="once") for _ in range(2)]
    assert one == other
    assert (await break_glass(graph, ada, idempotencyKey="once", reason="Other"))["code"] == (
        "IDEMPOTENCY_KEY_REUSED"
    )
