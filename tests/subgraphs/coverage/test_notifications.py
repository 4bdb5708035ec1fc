"""A payer tells that it has decided: who may tell, what of it is believed, and who hears of it."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from uuid import uuid4

import pytest

from contract.context import HEADER, Caller, Context, body_hash, sign_context
from gateway.execution.direct_client import DirectSubgraphClient
from sandbox.pas.notices import notification
from subgraphs.coverage.loaders.news import AnswerNews, read_news, tell_answer, topic_of
from subgraphs.coverage.sources.notifications import NOTIFICATIONS, notification_route
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.sealing import RecordRef
from tests.shared_data import shared_data
from tests.subgraphs.coverage.graph import ADA_HERSELF
from tests.subgraphs.coverage.practice import WRITER, opened_practice
from tests.subgraphs.coverage.test_authorizing import submit
from tests.subgraphs.signed import KEY, NOW

BASE = "https://payer.example/fhir"
SHOWN = {b"authorization": b"Bearer a-token-of-the-payer"}
CHANGED = """subscription($patient: ID) { priorAuthorizationChanged(patientId: $patient) {
  priorAuthorization { id state patient { id } } } }"""
LAB = Caller(subject="l", roles=("lab",), scopes=("user/*.rs",))
OTHER = Caller(subject="o", roles=("patient",), scopes=("patient/*.rs",), patient="ehr-a/e-bob")


@pytest.fixture
async def practice(tmp_path):
    async with opened_practice(tmp_path) as practice:
        yield practice


@pytest.fixture
def payer(practice, tmp_path):
    return Telling(practice, tmp_path)


class Telling:
    """The payer's side: a request that waits, and how its decision is told."""

    def __init__(self, practice, folder):
        file = folder / "payer.token"
        file.write_text("a-token-of-the-payer\n")
        services = practice.app.subgraph.services
        server = services.authorization_desks["payer"].payer

        async def tell(patient, answer, claim):
            news = AnswerNews("payer", patient, answer, claim)
            await tell_answer(practice.app.subgraph.events, news)

        self.practice = practice
        route = notification_route("pas", file, server, f"{BASE}/", tell)
        self.take = route[f"{NOTIFICATIONS}pas"]

    async def waiting(self) -> str:
        """The id of the answer that is pended."""
        await submit(self.practice, self.practice.asking("E1390"))
        (response,) = self.practice.payer.authorizations._store.all("ClaimResponse")
        return response.id

    def decide(self, action: str = "A1") -> None:
        authorizations = self.practice.payer.authorizations
        (pended,) = authorizations.pended()
        assert authorizations.decide(pended, action)

    async def tell(self, focus: str, headers=SHOWN) -> int:
        body = json.dumps(notification(focus, 1)).encode()
        return (await self.take(body, headers)).status


def listening(practice, caller=WRITER, name="ada"):
    sealed = practice.seal.seal("identity", RecordRef("payer", "Patient", f"p-{name}", f"p-{name}"))
    variables = {"patient": sealed if name else None}
    body = json.dumps({"query": CHANGED, "variables": variables}).encode()
    context = Context("coverage", body_hash(body), int(NOW), "r1", caller, uuid4().hex)
    client = DirectSubgraphClient(practice.app)
    return aclosing(client.subscribe(body, [(HEADER, sign_context(context, KEY))], 5))


async def read(events):
    async with asyncio.timeout(5):
        answer = json.loads(await anext(events))
    answer.pop("extensions")
    return answer


async def heard_after(practice, events, telling):
    """What a listener hears of what is told once it listens."""
    waiting = asyncio.create_task(read(events))
    async with asyncio.timeout(5):
        while not practice.app.subgraph.events._listeners:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    await telling()
    return await waiting


async def test_a_decision_is_told_to_whoever_listens_for_the_patient(practice, payer):
    answer = await payer.waiting()

    async def telling():
        payer.decide()
        assert await payer.tell(f"{BASE}/ClaimResponse/{answer}") == 200

    async with listening(practice) as events:
        told = await heard_after(practice, events, telling)
    shown = told["data"]["priorAuthorizationChanged"]["priorAuthorization"]
    (listed,) = await practice.listed()
    assert shown == {"id": listed["id"], "state": "CERTIFIED", "patient": {"id": "ada"}}


@pytest.mark.parametrize("form", ["ClaimResponse/{}", "urn:uuid:{}"])
async def test_whichever_way_the_payer_names_the_answer(practice, payer, form):
    answer = await payer.waiting()
    heard = []
    with practice.app.subgraph.events.listen(topic_of(Link("payer", "p-ada"))) as events:
        assert await payer.tell(form.format(answer)) == 200
        async with asyncio.timeout(5):
            heard.append(read_news(await anext(events)))
    (news,) = heard
    assert (news.source, news.patient, news.answer) == ("payer", "p-ada", answer)
    assert news.claim


async def test_requests_made_here_are_told_as_well(practice):
    async def telling():
        await submit(practice, practice.asking("K0823"))

    async with listening(practice) as events:
        told = await heard_after(practice, events, telling)
    shown = told["data"]["priorAuthorizationChanged"]["priorAuthorization"]
    assert shown["state"] == "DENIED"


@pytest.mark.parametrize("shown", [{}, {b"authorization": b"Bearer "}, {b"authorization": b"x"}])
async def test_nobody_else_tells_anything(practice, payer, shown):
    answer = await payer.waiting()
    practice.payer.calls.clear()
    assert await payer.tell(f"{BASE}/ClaimResponse/{answer}", shown) == 401
    assert not practice.payer.calls


@pytest.mark.parametrize(
    "focus",
    [
        "https://elsewhere.example/fhir/ClaimResponse/1",
        f"{BASE}.evil.example/ClaimResponse/1",
        f"{BASE}/Patient/p-ada",
        f"{BASE}/ClaimResponse/1/_history/2",
        "",
    ],
)
async def test_what_lies_elsewhere_is_not_read(practice, payer, focus):
    practice.payer.calls.clear()
    assert await payer.tell(focus) == 422
    assert not practice.payer.calls


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"resourceType": "Bundle"}'])
async def test_what_is_no_notification_is_refused(payer, body):
    assert (await payer.take(body, SHOWN)).status == 422


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("PAS_notification_example_full_resource", 200),
        ("PAS_notification_example_id_only", 200),
        ("PAS_notification_missing_elements", 422),
        ("valid_pa_response_bundle", 422),
    ],
)
async def test_the_guide_s_examples(payer, name, status):
    """Their answers are not at this payer, and so nothing is told of them."""
    content = (shared_data("davinci-pas") / f"{name}.json").read_bytes()
    assert (await payer.take(content, SHOWN)).status == status


@pytest.mark.parametrize("type_", ["handshake", "heartbeat"])
async def test_a_subscription_that_is_alive_is_no_news(practice, payer, type_):
    told = notification("ClaimResponse/1", 1)
    parameters = told["entry"][0]["resource"]["parameter"]
    kept = [each for each in parameters if each["name"] != "notification-event"]
    told["entry"][0]["resource"]["parameter"] = [
        {**each, "valueCode": type_} if each["name"] == "type" else each for each in kept
    ]
    practice.payer.calls.clear()
    assert (await payer.take(json.dumps(told).encode(), SHOWN)).status == 200
    assert not practice.payer.calls


async def test_a_payer_that_cannot_be_asked_is_to_tell_again(practice, payer):
    answer = await payer.waiting()
    practice.payer.is_down = True
    assert await payer.tell(f"{BASE}/ClaimResponse/{answer}") == 503
    practice.payer.is_down = False
    assert await payer.tell(f"{BASE}/ClaimResponse/{answer}") == 200


async def test_an_answer_that_is_not_there_is_nobody_s(payer):
    assert await payer.tell(f"{BASE}/ClaimResponse/unknown") == 200


@pytest.mark.parametrize("caller", [OTHER, LAB, Caller(subject="n")])
async def test_who_may_not_see_it_may_not_listen(practice, caller):
    async with listening(practice, caller) as events:
        answer = await read(events)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]


async def test_a_patient_listens_for_herself(practice):
    async def telling():
        await submit(practice, practice.asking("E0601"))

    async with listening(practice, ADA_HERSELF, name="") as events:
        told = await heard_after(practice, events, telling)
    shown = told["data"]["priorAuthorizationChanged"]["priorAuthorization"]
    assert (shown["state"], shown["patient"]) == ("CERTIFIED", {"id": "ada"})
