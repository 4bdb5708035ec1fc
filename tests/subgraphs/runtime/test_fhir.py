"""Wire datatypes: references, codes, exact decimals."""

from decimal import Decimal

import msgspec
import pytest

from subgraphs.runtime.fhir import CodeableConcept, Coding, Quantity, Reference, canonical_code

ICD, SNOMED = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"


@pytest.mark.parametrize(
    ("reference", "type_", "id_"),
    [
        ("Patient/7", "Patient", "7"),
        ("https://ehr.example/fhir/Patient/7", "Patient", "7"),
        ("Patient/7/_history/2", "Patient", "7"),
        ("urn:uuid:2f1c", None, None),
        ("#contained", None, None),
        ("Patient/", None, None),
        ("Patient", None, None),
        ("/7", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_reads_a_literal_reference(reference, type_, id_):
    found = Reference(reference=reference)
    assert found.resource_type == type_
    assert found.id_of("Patient") == id_
    assert found.id_of("Practitioner") is None


def test_a_concept_is_compared_by_the_system_most_sources_share():
    icd, snomed = Coding(system=ICD, code="E11.9"), Coding(system=SNOMED, code="44054006")
    for codings in ([icd], [snomed, icd], [icd, snomed]):
        assert canonical_code(CodeableConcept(coding=tuple(codings))) == f"{ICD}|E11.9"
    assert canonical_code(CodeableConcept(text="sugar")) is None
    assert canonical_code(None) is None


def test_hl7_s_own_code_counts_wherever_it_stands():
    local = Coding(system="urn:ours", code="A")
    own = Coding(system="http://terminology.hl7.org/CodeSystem/condition-clinical", code="active")
    unsaid = Coding(code="resolved")
    assert CodeableConcept(coding=(local, own)).code == "active"
    assert CodeableConcept(coding=(Coding(display="?"), unsaid, local)).code == "resolved"
    assert CodeableConcept(text="active").code is None


def test_decimals_keep_their_zeros_and_unknown_elements_are_dropped():
    wire = b'{"value": 72.50, "unit": "kg", "extension": [{"url": "x"}]}'
    assert str(msgspec.json.decode(wire, type=Quantity).value) == "72.50"
    assert msgspec.convert({"value": Decimal("1.0")}, Quantity).value == Decimal("1.0")
