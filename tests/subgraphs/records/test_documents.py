"""Documents: what is told of them, and their content under a scope and a bound of its own."""

import base64

import pytest

from contract.context import Caller
from subgraphs.records.schema import SCHEMA
from subgraphs.records.sources.fhir import FhirRecords
from tests.must_support.passing import BASE, SOURCE, WRITTEN, Domain, opened, seal
from tests.subgraphs.signed import ask_entities

RECORDS = {"records": Domain(SCHEMA, lambda servers: {SOURCE: FhirRecords(servers[SOURCE])})}
CLINICIAN = Caller("c", roles=("clinician",), scopes=("user/*.rs",))
HERSELF = Caller("p", roles=("patient",), scopes=("patient/*.rs",), patient=f"{SOURCE}/ada")
NOTE = b"She slept well."
CONTENT = "contents { attachment { contentType url content { contentType size text base64 } } }"


def encoded(data):
    return base64.b64encode(data).decode()


def document(id_, *attachments, **fields):
    return {
        "resourceType": "DocumentReference",
        "id": id_,
        "meta": {"versionId": "1", "lastUpdated": WRITTEN, **fields.pop("meta", {})},
        "status": "current",
        "subject": {"reference": "Patient/ada"},
        "content": [{"attachment": attachment} for attachment in attachments],
        **fields,
    }


def binary(id_, data=NOTE, content_type="text/plain", *labels):
    security = [{"code": label} for label in labels]
    return {
        "resourceType": "Binary",
        "id": id_,
        "meta": {"versionId": "1", "lastUpdated": WRITTEN, "security": security},
        "contentType": content_type,
        "data": encoded(data),
    }


async def asked(resources, *ids, selection=CONTENT, caller=CLINICIAN):
    representations = [
        {"__typename": "DocumentReference", "id": seal("records", "DocumentReference", id_, "ada")}
        for id_ in ids
    ]
    async with opened(resources, RECORDS) as apps:
        return await ask_entities(
            apps["records"],
            "records",
            f"... on DocumentReference {{ {selection} }}",
            *representations,
            caller=caller,
        )


async def content_of(resources, caller=CLINICIAN):
    answer = await asked(resources, "1", caller=caller)
    assert "errors" not in answer, answer["errors"]
    (content,) = answer["data"]["_entities"][0]["contents"]
    return content["attachment"]["content"], answer["report"]


@pytest.mark.parametrize(
    "attachment",
    [
        pytest.param({"contentType": "text/plain", "data": encoded(NOTE)}, id="inline"),
        pytest.param({"contentType": "text/plain", "url": "Binary/b1"}, id="relative"),
        pytest.param({"contentType": "text/plain", "url": f"{BASE}/fhir/Binary/b1"}, id="absolute"),
        pytest.param({"url": "Binary/b1/_history/1"}, id="a version, and no media type"),
    ],
)
async def test_the_content_comes_from_wherever_its_source_keeps_it(attachment):
    content, _ = await content_of([document("1", attachment), binary("b1")])
    assert content == {
        "contentType": "text/plain",
        "size": len(NOTE),
        "text": NOTE.decode(),
        "base64": encoded(NOTE),
    }


@pytest.mark.parametrize(
    "attachment",
    [
        pytest.param({"url": "https://elsewhere.example/fhir/Binary/b1"}, id="another server"),
        pytest.param({"url": "Binary/../Patient/ada"}, id="another resource, by a path"),
        pytest.param({"url": "Patient/ada"}, id="another type"),
        pytest.param({"url": "Binary/nowhere"}, id="absent"),
        pytest.param({"url": "Binary/"}, id="no id"),
        pytest.param({"data": "%%%"}, id="no base64"),
        pytest.param({"title": "lost"}, id="neither"),
    ],
)
async def test_what_lies_elsewhere_or_nowhere_has_no_content(attachment):
    content, _ = await content_of([document("1", attachment), binary("b1")])
    assert content is None


async def test_bytes_that_are_no_text_are_only_bytes():
    pdf = {"contentType": "application/pdf", "data": encoded(b"%PDF-1.7")}
    assert (await content_of([document("1", pdf)]))[0]["text"] is None
    latin = {"contentType": "text/plain", "data": encoded("für".encode("latin-1"))}
    assert (await content_of([document("1", latin)]))[0]["text"] is None


@pytest.mark.parametrize("most", [-1, 0, 14])
async def test_no_more_is_given_than_is_taken(most):
    selection = f"contents {{ attachment {{ content(maxBytes: {most}) {{ size base64 text }} }} }}"
    held = [document("1", {"url": "Binary/b1"}), binary("b1")]
    answer = await asked(held, "1", selection=selection)
    assert "errors" not in answer
    assert f"'size': {len(NOTE)}, 'base64': None, 'text': None" in str(answer["data"])
    assert await content_of(held)


@pytest.mark.parametrize(
    "label",
    [
        pytest.param({"meta": {"security": [{"code": "PSY"}]}}, id="meta"),
        pytest.param({"securityLabel": [{"coding": [{"code": "R"}]}]}, id="its own element"),
        pytest.param({"description": "Methadone maintenance program"}, id="what it is called"),
    ],
)
async def test_a_labelled_document_is_the_patient_s_alone(label):
    held = [document("1", {"data": encoded(NOTE)}, **label)]
    answer = await asked(held, "1")
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert (await content_of(held, HERSELF))[0]["size"] == len(NOTE)


async def test_a_label_on_the_content_itself_closes_it():
    held = [document("1", {"url": "Binary/b1"}), binary("b1", NOTE, "text/plain", "PSY")]
    content, report = await content_of(held)
    assert content is None
    assert [(r.type, r.reason) for r in report.refusals] == [("DocumentReference", "label")]
    assert (await content_of(held, HERSELF))[0]["text"] == NOTE.decode()


async def test_a_later_version_stands_in_place_of_what_it_replaces():
    newer = document(
        "2",
        {"contentType": "text/plain", "data": encoded(NOTE)},
        relatesTo=[{"code": "replaces", "target": {"reference": "DocumentReference/1"}}],
    )
    older = document("1", {"data": encoded(b"old")}, status="superseded")
    answer = await asked([older, newer], "1", "2", selection=f"id {CONTENT}")
    first, second = answer["data"]["_entities"]
    assert first == second
    assert first["contents"][0]["attachment"]["content"]["text"] == NOTE.decode()
