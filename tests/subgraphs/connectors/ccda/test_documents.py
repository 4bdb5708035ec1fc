"""Published documents say here what a reader finds in them, under ids that last."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from subgraphs.connectors.ccda.documents import read_ccda
from subgraphs.connectors.ccda.resources import KEPT
from subgraphs.connectors.errors import ProtocolViolation, Unsupported
from tests.shared_data import shared_data

EXPECTED: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "facts" / "expected.yaml").read_text()
)
CCD = "C-CDA_R2-1_CCD.xml.ccda"
LEFT_OUT = {
    CCD: {
        "advance directive": 1,
        "coverage": 1,
        "device": 2,
        "family history": 1,
        "functional status": 1,
        "medication": 2,
        "plan": 1,
    },
    "CCD.ccda": {},
    "Discharge_Summary.ccda": {
        "family history": 1,
        "medication": 1,
        "plan": 1,
        "section of text alone": 9,
    },
    "sample.ccda": {"unstructured body": 1},
}

pytestmark = pytest.mark.shared_data


def name(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


def read(content: str | bytes):
    return read_ccda(content.encode() if isinstance(content, str) else content, name)


def published(file: str) -> str:
    return shared_data("ccda", file).read_text()


def test_the_table_names_every_published_document():
    assert {path.name for path in shared_data("ccda").glob("*.ccda")} == set(EXPECTED)


@pytest.mark.parametrize("file", EXPECTED)
def test_the_facts_of_a_published_document(file):
    document = read(published(file))
    assert facts(document) == EXPECTED[file]
    assert document.left_out == LEFT_OUT[file]


@pytest.mark.parametrize("file", EXPECTED)
def test_every_reference_leads_to_a_resource_or_is_a_display(file):
    document = read(published(file))
    ids = [f"{each['resourceType']}/{each['id']}" for each in document.resources]
    assert len(set(ids)) == len(ids)
    assert {each["resourceType"] for each in document.resources} <= set(KEPT)
    found = list(references(list(document.resources)))
    assert set(found) <= set(ids)
    assert "urn:uuid" not in {each.partition(":")[0] for each in found}
    assert "2.25." not in str(document.resources)


@pytest.mark.parametrize("file", EXPECTED)
def test_ids_last_from_one_reading_to_the_next(file):
    assert read(published(file)) == read(published(file))


def test_a_corrected_value_keeps_its_id_and_another_series_has_others():
    text = published(CCD)
    corrected = text.replace('value="13.2"', 'value="13.20"').replace(
        '<versionNumber value="1"/>', '<versionNumber value="2"/>'
    )
    former, later = read(text), read(corrected)
    assert (former.header.version, later.header.version) == (1, 2)
    assert {each["id"] for each in later.resources} == {each["id"] for each in former.resources}
    value = next(
        each["valueQuantity"]["value"]
        for each in later.resources
        if code(each) == "718-7" and each["resourceType"] == "Observation"
    )
    # How exact a result is, its digits tell.
    assert str(value) == "13.20"
    another = read(text.replace('extension="sTT988"', 'extension="another"'))
    shared = {each["id"] for each in another.resources} & {each["id"] for each in former.resources}
    assert shared == {former.patient}


def test_facts_that_share_an_id_stay_apart():
    document = read(published("Discharge_Summary.ccda"))
    conditions = [each for each in document.resources if each["resourceType"] == "Condition"]
    assert len({each["id"] for each in conditions}) == len(conditions) == 5


def test_an_allergy_that_is_denied_is_none():
    text = published("CCD.ccda")

    def allergies(content):
        found = read(content).resources
        return [each for each in found if each["resourceType"] == "AllergyIntolerance"]

    (none_known,) = allergies(text)
    assert none_known["code"]["text"] == "No known allergy"
    (penicillin,) = allergies(text.replace('code="105590001"', 'code="7980"'))
    assert code(penicillin) == "7980"
    assert code({"code": penicillin["verificationStatus"]}) == "refuted"
    assert code({"code": penicillin["clinicalStatus"]}) == "inactive"


def test_a_section_or_else_the_document_says_how_confidential_it_is():
    text = published(CCD)
    found = read(text).resources
    assert {labels(each) for each in found} == {("N",), ()}
    assert [each["resourceType"] for each in found if not labels(each)] == ["Patient"]
    title = text.index("<title>PROBLEMS")
    restricted = text[:title] + '<confidentialityCode code="R"/>' + text[title:]
    told = {(each["resourceType"], labels(each)) for each in read(restricted).resources}
    assert ("Condition", ("R",)) in told
    assert ("Condition", ("N",)) not in told
    assert ("Procedure", ("N",)) in told
    whole = text.replace('<confidentialityCode code="N"', '<confidentialityCode code="other"', 1)
    assert {labels(each) for each in read(whole).resources} == {("R",), ()}


def labels(resource) -> tuple[str, ...]:
    return tuple(each["code"] for each in resource.get("meta", {}).get("security", ()))


def test_people_and_places_are_displayed():
    resources = read(published(CCD)).resources
    assert any(
        each.get("location") == {"display": "Community Gastroenterology Clinic"}
        for each in resources
        if each["resourceType"] == "Procedure"
    )
    performers = [
        one["actor"] for each in resources for one in each.get("performer", ()) if "actor" in one
    ]
    assert {"display": "Harold Hippocrates"} in performers


def test_the_patient_is_who_a_message_means_by_the_same_number():
    document = read(published("CCD.ccda"))
    assert document.patient == name("patient", "1.3.6.1.4.1.16517.1", "98765432")
    named = published("CCD.ccda").replace(
        'extension="98765432"', 'extension="98765432" assigningAuthorityName="WARD"'
    )
    assert read(named).patient == name("patient", "WARD", "98765432")


def test_one_damaged_entry_costs_itself_alone_and_is_counted():
    text = published(CCD)
    # A result organizer has to say what it is.
    damaged = re.sub(
        r'<statusCode code="completed"/>(?=\s*<effectiveTime>\s*<low value="200803190830)',
        "",
        text,
        count=1,
    )
    damaged = damaged.replace('xsi:type="PQ" value="13.2"', 'xsi:type="PQ" value="a lot"')
    whole, rest = read(text), read(damaged)
    lost = len(whole.resources) - len(rest.resources)
    assert 0 < lost < 10
    told = {kind: count for kind, count in rest.left_out.items() if kind in KEPT}
    assert sum(told.values()) >= lost


def test_a_fact_where_none_belongs_is_counted():
    template = '<templateId root="2.16.840.1.113883.10.20.22.4.27"/><code code="8480-6"/>'
    misplaced = f'<observation classCode="OBS" moodCode="EVN">{template}</observation>'
    text = published("sample.ccda").replace("</recordTarget>", f"</recordTarget>{misplaced}")
    assert read(text).left_out == {"Observation": 1, "unstructured body": 1}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("2.16.840.1.113883.10.20.22.1.", "1.2."), "a CDA document that names no template"),
        (("urn:hl7-org:v3", "urn:other"), "XML that is no ClinicalDocument"),
    ],
)
def test_another_kind_of_document_is_refused_by_name(change, told):
    with pytest.raises(Unsupported, match=told):
        read(published("sample.ccda").replace(*change))


def test_a_document_about_nobody_or_about_several_is_refused():
    text = published("sample.ccda")
    with pytest.raises(ProtocolViolation, match="which patient it is"):
        read(text.replace('<id extension="12345" root="2.16.840.1.113883.19"/>', ""))
    start, end = text.index("<patient>"), text.index("</patient>") + len("</patient>")
    with pytest.raises(ProtocolViolation, match="nothing of its patient"):
        read(text[:start] + text[end:])
    start, end = text.index("<recordTarget>"), text.index("</recordTarget>")
    target = text[start:end] + "</recordTarget>"
    with pytest.raises(Unsupported, match="several patients"):
        read(text.replace(target, target + target))


def facts(document) -> dict[str, Any]:
    by_type: dict[str, list[Any]] = {kind: [] for kind in KEPT}
    for each in document.resources:
        by_type[each["resourceType"]].append(each)
    (patient,) = by_type["Patient"]
    (person, *_) = patient["name"]
    told = {
        "patient": words(
            person["family"], person["given"][0], patient["birthDate"], patient["gender"][0].upper()
        ),
        "ids": [each["value"] for each in patient["identifier"]],
        "conditions": [
            words(code(each), each.get("onsetDateTime"), each.get("abatementDateTime"))
            for each in by_type["Condition"]
        ],
        "allergies": [allergy(each) for each in by_type["AllergyIntolerance"]],
        "encounters": [
            words(*(code({"code": kind}) for kind in each.get("type", ())), *period(each["period"]))
            for each in by_type["Encounter"]
        ],
        "procedures": [procedure(each) for each in by_type["Procedure"]],
        "immunizations": [
            words(
                code({"code": each["vaccineCode"]}),
                "not" if each["status"] == "not-done" else "",
                each["occurrenceDateTime"],
            )
            for each in by_type["Immunization"]
        ],
        "observations": [fact for each in by_type["Observation"] for fact in observation(each)],
        "reports": [
            words(code(each), len(each["result"]), each.get("effectiveDateTime"))
            for each in by_type["DiagnosticReport"]
        ],
    }
    ordered = {
        kind: sorted(rows) if isinstance(rows, list) and kind != "ids" else rows
        for kind, rows in told.items()
    }
    return {kind: rows for kind, rows in ordered.items() if rows}


def allergy(resource) -> str:
    reactions = (
        code({"code": manifestation})
        for reaction in resource.get("reaction", ())
        for manifestation in reaction["manifestation"]
    )
    return words(code(resource), resource.get("onsetDateTime"), *reactions)


def procedure(resource) -> str:
    status = {"stopped": "aborted"}.get(resource["status"], resource["status"])
    times = period(resource.get("performedPeriod", {}))
    return words(code(resource), status, resource.get("performedDateTime"), *times)


def observation(resource):
    """A panel says nothing of its own; two of blood pressure say one thing each."""
    if resource.get("hasMember"):
        return
    for each in resource.get("component") or [resource]:
        quantity = each.get("valueQuantity", {})
        value = quantity.get("value")
        coded = code({"code": each.get("valueCodeableConcept", {})})
        when = resource.get("effectiveDateTime") or resource["effectivePeriod"]["start"]
        yield words(
            code(each), None if value is None else Decimal(value), coded, quantity.get("unit"), when
        )


def period(told) -> tuple[str | None, str | None]:
    return told.get("start"), told.get("end")


def code(resource) -> str:
    return next((each["code"] for each in resource.get("code", {}).get("coding", ())), "")


def references(value):
    if isinstance(value, dict):
        if "reference" in value:
            yield value["reference"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from references(each)


def words(*values: object) -> str:
    return " ".join(str(value) for value in values if value not in (None, ""))
