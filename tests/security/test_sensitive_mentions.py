"""A sensitive condition must not be told by another record that mentions it, unlabelled.

Health.md's medplum #7641 in our shape: hidden as a Condition, told by a visit's type, a procedure's
reason, a finding's value, a line on a bill.
"""

from __future__ import annotations

import msgspec
import pytest

from subgraphs.coverage.model.explanations import EXPLANATION, ExplanationResource
from subgraphs.diagnostics.kinds import OBSERVATIONS, REPORTS
from subgraphs.diagnostics.model import DiagnosticReport, Observation
from subgraphs.medications.kinds import DISPENSES, REQUESTS
from subgraphs.medications.model import MedicationDispense, MedicationRequest
from subgraphs.records.kinds import CONDITIONS, ENCOUNTERS, PROCEDURES
from subgraphs.records.model import Condition, Encounter, Procedure
from subgraphs.runtime.labelling import labels_of
from subgraphs.runtime.sensitivity import SENSITIVE
from subgraphs.scheduling.loaders import APPOINTMENTS
from subgraphs.scheduling.model import Appointment

SNOMED = "http://snomed.info/sct"
DEPENDENCE = {"coding": [{"system": SNOMED, "code": "75544000"}]}
REHABILITATION = {"coding": [{"system": SNOMED, "code": "56876005"}]}
HIV = {"coding": [{"system": SNOMED, "code": "86406008"}]}
HARMLESS = {"coding": [{"system": SNOMED, "code": "54150009"}]}

MENTIONS = [
    pytest.param(CONDITIONS, Condition, {"code": DEPENDENCE}, id="condition"),
    pytest.param(ENCOUNTERS, Encounter, {"reasonCode": [DEPENDENCE]}, id="visit's reason"),
    pytest.param(ENCOUNTERS, Encounter, {"type": [REHABILITATION]}, id="visit's type"),
    pytest.param(PROCEDURES, Procedure, {"code": REHABILITATION}, id="procedure"),
    pytest.param(PROCEDURES, Procedure, {"reasonCode": [DEPENDENCE]}, id="procedure's reason"),
    pytest.param(OBSERVATIONS, Observation, {"valueCodeableConcept": HIV}, id="finding"),
    pytest.param(
        OBSERVATIONS,
        Observation,
        {"component": [{"code": HARMLESS, "valueCodeableConcept": HIV}]},
        id="finding's part",
    ),
    pytest.param(REPORTS, DiagnosticReport, {"conclusionCode": [HIV]}, id="conclusion"),
    pytest.param(APPOINTMENTS, Appointment, {"reasonCode": [DEPENDENCE]}, id="booking's reason"),
    pytest.param(APPOINTMENTS, Appointment, {"serviceType": [REHABILITATION]}, id="service"),
    pytest.param(REQUESTS, MedicationRequest, {"reasonCode": [DEPENDENCE]}, id="drug's reason"),
    pytest.param(
        REQUESTS,
        MedicationRequest,
        {"reasonReference": [{"display": "Heroin addiction"}]},
        id="name of a drug's reason",
    ),
    pytest.param(
        REQUESTS,
        MedicationRequest,
        {"dosageInstruction": [{"text": "HIV: detected"}]},
        id="instruction",
    ),
    pytest.param(
        DISPENSES,
        MedicationDispense,
        {"dosageInstruction": [{"asNeededCodeableConcept": DEPENDENCE}]},
        id="what a drug is needed for",
    ),
    pytest.param(
        DISPENSES,
        MedicationDispense,
        {"medicationResource": {"ingredient": [{"itemCodeableConcept": HIV}]}},
        id="what is in a drug",
    ),
    pytest.param(
        EXPLANATION,
        ExplanationResource,
        {"item": [{"sequence": 1, "productOrService": REHABILITATION}]},
        id="line on a bill",
    ),
    pytest.param(
        EXPLANATION,
        ExplanationResource,
        {"diagnosis": [{"diagnosisCodeableConcept": DEPENDENCE}]},
        id="diagnosis on a bill",
    ),
    pytest.param(CONDITIONS, Condition, {"code": {"text": "Heroin addiction"}}, id="words alone"),
    pytest.param(
        OBSERVATIONS, Observation, {"valueString": "HIV: detected"}, id="a finding's words"
    ),
]


@pytest.mark.parametrize(("kind", "model", "content"), MENTIONS)
def test_what_mentions_a_sensitive_condition_is_sensitive(kind, model, content):
    record = msgspec.convert({"id": "1", **content}, model)
    assert {
        label.code for label in labels_of(kind.subject(record) | kind.mentions(record))
    } & SENSITIVE


@pytest.mark.parametrize(("kind", "model", "content"), MENTIONS)
def test_what_mentions_a_harmless_one_is_not(kind, model, content):
    text = msgspec.json.encode({"id": "1", **content})
    for each in (DEPENDENCE, REHABILITATION, HIV):
        text = text.replace(msgspec.json.encode(each), msgspec.json.encode(HARMLESS))
    for said in (b"Heroin addiction", b"HIV: detected"):
        text = text.replace(said, b"Sore throat")
    record = msgspec.json.decode(text, type=model)
    assert not labels_of(kind.subject(record) | kind.mentions(record))
