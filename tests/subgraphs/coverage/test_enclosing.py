"""What goes along with a request: whole, as little as the payer needs, and nothing withheld."""

from __future__ import annotations

import base64
import json

import pytest

from contract.context import Caller
from subgraphs.coverage.loaders import enclosing
from tests.subgraphs.coverage.graph import links_of
from tests.subgraphs.coverage.practice import CLINICIAN, WRITER, opened_practice
from tests.subgraphs.coverage.test_authorizing import codes, submit

SCOPED = Caller(subject="c", roles=("clinician",), scopes=("user/Claim.cruds", "user/Coverage.rs"))
SHOWN = """... on Patient { priorAuthorizations { nodes { documents {
  sequence category { coding { code } } message resourceType title } } } }"""


@pytest.fixture
async def practice(tmp_path):
    async with opened_practice(tmp_path) as practice:
        yield practice


def sent(practice):
    """What the payer has got: the Claim, and the other entries by type."""
    (content,) = practice.payer.received
    bundle = json.loads(content)
    claim, *others = (entry["resource"] for entry in bundle["entry"])
    return claim, {each["resourceType"]: each for each in others}, content.decode()


async def test_a_document_and_a_form_go_along_whole_and_lead_nowhere(practice):
    papers = [practice.paper("d1"), practice.paper("f1", type_="QuestionnaireResponse")]
    given = practice.asking(documents=papers, message="See both")
    outcome, answer = await submit(practice, given, CLINICIAN)
    assert "errors" not in answer
    assert outcome["priorAuthorization"]["state"] == "CERTIFIED"
    claim, others, content = sent(practice)
    told = {each["sequence"]: each for each in claim["supportingInfo"]}
    base = "https://ehr-a.example/fhir"
    assert told[1]["valueString"] == "See both"
    assert told[2]["valueReference"] == {
        "reference": f"{base}/DocumentReference/d1",
        "display": "Polysomnography",
    }
    assert told[3]["valueReference"]["reference"] == f"{base}/QuestionnaireResponse/f1"
    assert claim["item"][0]["informationSequence"] == [2, 3]
    (attached,) = (each["attachment"] for each in others["DocumentReference"]["content"])
    assert base64.b64decode(attached["data"]) == b"APNEA"
    assert attached["title"] == "Study"
    (item,) = others["QuestionnaireResponse"]["item"]
    assert item["answer"] == [{"valueString": "Snores"}]
    patient = claim["patient"]["reference"]
    assert others["DocumentReference"]["subject"] == {"reference": patient}
    assert others["QuestionnaireResponse"]["subject"] == {"reference": patient}
    assert "SECRET" not in content
    links = practice.crosswalk.seal_links("ada", links_of("ada"))
    query = f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ {SHOWN} }} }}"
    ada = {"__typename": "Patient", "id": "ada", "links": links}
    listed = await practice.ask(query, WRITER, r=[ada])
    (node,) = listed["data"]["_entities"][0]["priorAuthorizations"]["nodes"]
    told = [(each["resourceType"], each["title"], each["message"]) for each in node["documents"]]
    assert told == [
        (None, None, "See both"),
        ("DocumentReference", "Polysomnography", None),
        ("QuestionnaireResponse", "QuestionnaireResponse", None),
    ]


async def test_what_lies_apart_is_fetched_and_sent_with_it(practice):
    given = practice.asking(documents=[practice.paper("apart")])
    await submit(practice, given, CLINICIAN)
    _, others, _ = sent(practice)
    (attached,) = (each["attachment"] for each in others["DocumentReference"]["content"])
    assert base64.b64decode(attached["data"]) == b"APART"
    assert "url" not in attached


@pytest.mark.parametrize(
    ("id_", "name", "type_"),
    [
        ("bobs", "bob", "DocumentReference"),
        ("labelled", "ada", "DocumentReference"),
        ("closed", "ada", "DocumentReference"),
        ("gone", "ada", "DocumentReference"),
        ("foreign", "ada", "DocumentReference"),
        ("unknown", "ada", "DocumentReference"),
        ("f2", "ada", "QuestionnaireResponse"),
        ("m1", "ada", "MedicationRequest"),
    ],
)
async def test_what_is_withheld_or_cannot_be_had_whole_goes_to_no_payer(practice, id_, name, type_):
    given = practice.asking(documents=[practice.paper("d1"), practice.paper(id_, name, type_)])
    outcome, answer = await submit(practice, given, CLINICIAN)
    assert "errors" not in answer
    assert outcome == {"__typename": "NotFound", "code": "NOT_FOUND"}
    assert practice.payer.received == []


@pytest.mark.parametrize(
    "caller",
    [WRITER, SCOPED],
    ids=["biller", "without the scope"],
)
async def test_who_may_not_see_documents_sends_none(practice, caller):
    given = practice.asking(documents=[practice.paper("d1")])
    outcome, answer = await submit(practice, given, caller)
    assert "errors" not in answer
    assert outcome == {"__typename": "NotFound", "code": "NOT_FOUND"}
    assert practice.payer.received == []


async def test_too_many_and_too_much_are_refused(practice, monkeypatch):
    given = practice.asking(documents=[practice.paper(f"d{n}") for n in range(11)])
    outcome, _ = await submit(practice, given, CLINICIAN)
    assert (outcome["__typename"], outcome["code"]) == ("InvalidInput", "BAD_USER_INPUT")
    monkeypatch.setattr(enclosing, "MOST_BYTES", 4)
    given = practice.asking(documents=[practice.paper("d1")])
    outcome, _ = await submit(practice, given, CLINICIAN)
    assert (outcome["__typename"], outcome["code"]) == ("InvalidInput", "BAD_USER_INPUT")
    assert practice.payer.received == []


async def test_an_ehr_that_is_down_is_an_error_before_anything_is_sent(practice):
    practice.ehr.is_down = True
    given = practice.asking(documents=[practice.paper("d1")])
    outcome, answer = await submit(practice, given, CLINICIAN)
    assert (outcome, codes(answer)) == (None, ["SOURCE_UNAVAILABLE"])
    assert practice.payer.received == []
