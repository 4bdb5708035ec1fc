"""What one node shows of several records: the leading one's values, and what only others say."""

import msgspec

from subgraphs.diagnostics.model import Observation
from subgraphs.medications.model import MedicationRequest
from subgraphs.records.model import Condition
from subgraphs.runtime.combining import combine

LOINC = {"system": "http://loinc.org", "code": "4548-4"}
OLDER = {"system": "urn:oid:2.16.840.1.113883.6.1", "code": "4548-4"}
LOCAL = {"system": "urn:oid:1.2.3", "code": "GLY"}


def observation(**wire):
    return msgspec.convert({"id": "1", **wire}, Observation)


def condition(**wire):
    return msgspec.convert({"id": "1", **wire}, Condition)


def test_an_amount_comes_with_the_interpretation_of_its_own_record():
    high = [{"coding": [{"code": "H"}]}]
    lead = observation(valueQuantity={"value": 6, "unit": "%"})
    other = observation(valueQuantity={"value": 7, "unit": "%"}, interpretation=high)
    assert combine(lead, [other]).interpretation == ()
    nothing = observation()
    found = combine(nothing, [other, lead])
    assert (found.value_quantity.value, len(found.interpretation)) == (7, 1)


def test_a_choice_is_of_one_record():
    lead = condition(onsetPeriod={"start": "2019"})
    other = condition(onsetDateTime="2020-05-17", abatementDateTime="2021")
    found = combine(lead, [other])
    assert found.onset == "2019"
    assert found.onset_date_time is None
    assert found.abatement == "2021"


def test_every_code_is_shown_once_and_the_first_words():
    lead = condition(code={"coding": [LOINC]})
    other = condition(code={"coding": [LOCAL, OLDER], "text": "A1c"})
    code = combine(lead, [other]).code
    assert [(each.system, each.code) for each in code.coding] == [
        (LOINC["system"], "4548-4"),
        (LOCAL["system"], "GLY"),
    ]
    assert code.text == "A1c"
    assert combine(condition(), [condition()]).code is None


def test_lists_hold_what_every_source_adds_and_nothing_twice():
    coded = {"coding": [{"system": "http://c", "code": "x"}]}
    lead = condition(category=[coded], note=[{"text": "a"}])
    other = condition(category=[{**coded, "text": "X"}], note=[{"text": "b"}, {"text": "a"}])
    found = combine(lead, [other])
    assert len(found.category) == 1
    assert [note.text for note in found.note] == ["a", "b"]


def test_what_refers_to_its_own_source_is_never_another_s():
    lead = condition(meta={"lastUpdated": "2026"})
    other = condition(id="2", encounter={"reference": "Encounter/9"}, meta={"versionId": "7"})
    found = combine(lead, [other])
    assert (found.id, found.encounter, found.meta.version_id) == ("1", None, None)


def test_a_product_comes_with_its_own_instructions():
    """One tablet of 20 mg is not two of 10."""

    def prescription(strength, **wire):
        concept = {"coding": [{"code": strength}]}
        return msgspec.convert(
            {"id": "1", "medicationCodeableConcept": concept, **wire}, MedicationRequest
        )

    lead = prescription("20", note=[{"text": "in the morning"}])
    other = prescription(
        "10", dosageInstruction=[{"text": "Take 2"}], dispenseRequest={}, authoredOn="2020"
    )
    found = combine(lead, [other])
    assert [coding.code for coding in found.medication.coding] == ["20"]
    assert (found.dosage_instruction, found.dispense_request) == ((), None)
    assert found.authored_on == "2020"
    named = combine(msgspec.convert({"id": "1"}, MedicationRequest), [other])
    assert named.dosage_instruction[0].text == "Take 2"
