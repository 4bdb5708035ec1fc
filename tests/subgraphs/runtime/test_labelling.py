"""Codes that speak for themselves where no source labelled."""

import pytest

from subgraphs.runtime.labelling import labels_of

ICD, SNOMED = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"


@pytest.mark.parametrize(
    ("subject", "label"),
    [
        (f"{ICD}|F11.20", "SUD"),
        (f"{ICD}|F10.10", "SUD"),
        (f"{ICD}|F19.20", "SUD"),
        (f"{ICD}|B20", "HIV"),
        (f"{ICD}|Z21", "HIV"),
        (f"{SNOMED}|75544000", "SUD"),
        ("http://loinc.org|20447-9", "HIV"),
        (f"{ICD}|F17.210", None),
        (f"{ICD}|F33.1", None),
        (f"{ICD}|E11.9", None),
        (f"{SNOMED}|B20", None),
        ("|F11.20", None),
        ("", None),
    ],
)
def test_labels_by_code(subject, label):
    assert [coding.code for coding in labels_of([subject])] == ([label] if label else [])


async def test_an_unlabelled_record_is_closed_by_its_code(notes, wire):
    notes.north.resources = [
        wire("1", "n-ada", text=f"{ICD}|F11.20"),
        wire("2", "n-ada", text=f"{ICD}|I10"),
    ]
    answer = await notes.entities(
        "... on Patient { notes { nodes { text } } }", notes.patient("ada")
    )
    assert answer["data"]["_entities"][0]["notes"]["nodes"] == [{"text": f"{ICD}|I10"}]
    assert [refusal.reason for refusal in answer["report"].refusals] == ["label"]
