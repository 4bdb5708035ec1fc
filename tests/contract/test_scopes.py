"""Every scope the SMART specification writes out, and what is none.

The strings are those of SMART App Launch 2.2.0 (scopes and launch context, app state, backend
services, the examples), of Inferno's test kit for it, and of US Core's granular scopes.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.scopes import alternatives, is_malformed, parse_scope

CATEGORY = "http://terminology.hl7.org/CodeSystem"
US_CORE = "http://hl7.org/fhir/us/core/CodeSystem"

SPECIFICATION = """
patient/*.rs                        patient *                  rs
patient/*.r                         patient *                  r
patient/*.cruds                     patient *                  cruds
patient/*.read                      patient *                  rs
patient/*.*                         patient *                  cruds
patient/Observation.rs              patient Observation        rs
patient/Observation.read            patient Observation        rs
patient/Observation.c               patient Observation        c
patient/Observation.cu              patient Observation        cu
patient/Patient.r                   patient Patient            r
patient/Patient.rs                  patient Patient            rs
patient/Immunization.read           patient Immunization       rs
patient/Condition.rs                patient Condition          rs
patient/AllergyIntolerance.rs       patient AllergyIntolerance rs
patient/AllergyIntolerance.cud      patient AllergyIntolerance cud
patient/AllergyIntolerance.cruds    patient AllergyIntolerance cruds
patient/MedicationRequest.rs        patient MedicationRequest  rs
patient/MedicationOrder.rs          patient MedicationOrder    rs
patient/Basic.cuds                  patient Basic              cuds
user/*.rs                           user    *                  rs
user/*.cruds                        user    *                  cruds
user/*.read                         user    *                  rs
user/*.*                            user    *                  cruds
user/Patient.rs                     user    Patient            rs
user/Observation.rs                 user    Observation        rs
user/Encounter.rs                   user    Encounter          rs
user/Appointment.rs                 user    Appointment        rs
user/Appointment.cruds              user    Appointment        cruds
user/Basic.s                        user    Basic              s
user/Basic.cuds                     user    Basic              cuds
system/*.rs                         system  *                  rs
system/*.read                       system  *                  rs
system/*.cruds                      system  *                  cruds
system/Patient.read                 system  Patient            rs
system/Observation.rs               system  Observation        rs
system/Encounter.rs                 system  Encounter          rs
system/Encounter.cud                system  Encounter          cud
http://smarthealthit.org/fhir/scopes/patient/*.r  patient *    r
"""

GRANULAR = {
    f"patient/Observation.rs?category={CATEGORY}/observation-category|{code}": (
        "category",
        f"{CATEGORY}/observation-category|{code}",
    )
    for code in ("laboratory", "social-history", "vital-signs", "survey")
} | {
    f"patient/Condition.rs?category={CATEGORY}/condition-category|encounter-diagnosis": (
        "category",
        f"{CATEGORY}/condition-category|encounter-diagnosis",
    ),
    f"patient/Condition.rs?category={CATEGORY}/condition-category|problem-list-item": (
        "category",
        f"{CATEGORY}/condition-category|problem-list-item",
    ),
    f"patient/Condition.rs?category={US_CORE}/condition-category|health-concern": (
        "category",
        f"{US_CORE}/condition-category|health-concern",
    ),
    f"patient/Observation.rs?category={US_CORE}/us-core-category|sdoh": (
        "category",
        f"{US_CORE}/us-core-category|sdoh",
    ),
    "user/Basic.s?code=https://myapp.example.org|hospital-config": (
        "code",
        "https://myapp.example.org|hospital-config",
    ),
    "patient/Basic.cuds?code=https://myapp.example.org|encrypted-phr-access-keys": (
        "code",
        "https://myapp.example.org|encrypted-phr-access-keys",
    ),
    "patient/Basic.s?code=https://app|1": ("code", "https://app|1"),
    # Experimental in the specification: parsed, and matched by nothing a subgraph evaluates.
    "patient/Observation.rs?code:in=http://valueset.example.org/ValueSet/diabetes-codes": (
        "code:in",
        "http://valueset.example.org/ValueSet/diabetes-codes",
    ),
    "patient/Observation.rs?patient.birthdate=1990": ("patient.birthdate", "1990"),
    "patient/Observation.rs?_filter=code eq x": ("_filter", "code eq x"),
    "patient/Observation.rs?_filter=code+eq+x": ("_filter", "code eq x"),
    "patient/Observation.rs?code=a%26b%3Dc": ("code", "a&b=c"),
    "patient/Observation.rs?category=http%3A%2F%2Fx.org%7Claboratory": (
        "category",
        "http://x.org|laboratory",
    ),
}

PLAIN = """
openid fhirUser profile launch launch/patient launch/encounter launch/diagnosticreport
launch/imagingstudy launch/relatedperson?role=friend
launch/list?role=https://example.org/med-list-at-home offline_access online_access
https://ehr.example.org/scopes/profilePhoto.manage __profilePhoto.manage
Observation.rs Observation.r practitioner/Observation.rs read:orders api://graph/.default
"""

MALFORMED = [
    "patient/Observation.",
    "patient/Observation",
    "patient/",
    "patient/.rs",
    "patient/Observation.dus",  # the specification's own example
    "patient/Observation.sr",
    "patient/Observation.rr",
    "patient/Observation.rd.",
    "patient/Observation.reads",
    "patient/Observation.READ",
    "patient/Observation.RS",
    "patient/observation.rs",
    "patient/**.rs",
    "patient/Obs*.rs",
    "patient/Observation/1.rs",
    "PATIENT/Observation.rs",
    "Patient/Observation.rs",
    "User/*.cruds",
    "patient/Observation.rs ",
    "patient/Observation.rs\n",
    "patient/Observation.r.s",
    "patient/Observation.rs,user/Observation.rs",
    "patient/Observation.rs?",
    "patient/Observation.rs??category=x",
    "patient/Observation.rs?category",
    "patient/Observation.rs?category=",
    "patient/Observation.rs?=x",
    "patient/Observation.rs?category=x&",
    "patient/Observation.rs?&category=x",
    "patient/Observation.rs?category=x&&code=y",
    "patient/Observation.rs?category=%",
    "patient/Observation.rs?category=%4",
    "patient/Observation.rs?category=%zz",
    "patient/Observation.rs?category=%FF",
    "patient/Observation.rs?category=%00",
    "patient/Observation.rs?category=a%0Ab",
    "patient/Observation.rs?%3F=x",
    "patient/Observation.rs?cat egory=x",
    "patient/Observation%2Ers",
    "patient%2FObservation.rs",
    "patient/Observation.read?category=x",  # the first version has no parameters
    "patient/Оbservation.rs",  # noqa: RUF001 - a Cyrillic letter
    "http://smarthealthit.org/fhir/scopes/patient/*.sr",
]


@pytest.mark.parametrize("line", SPECIFICATION.strip().splitlines(), ids=lambda x: x.split()[0])
def test_reads_what_the_specification_writes(line):
    text, level, type_, letters = line.split()
    scope = parse_scope(text)
    assert (scope.level, scope.type, scope.letters) == (level, type_, set(letters))
    assert scope.params == ()
    assert not is_malformed(text)


@pytest.mark.parametrize(("text", "param"), GRANULAR.items())
def test_reads_parameters(text, param):
    assert parse_scope(text).params == (param,)


def test_parameters_are_many_and_their_order_says_nothing():
    one = parse_scope("user/Observation.rs?status=final&category=a&category=b")
    other = parse_scope("user/Observation.rs?category=b&category=a&status=final")
    assert one == other
    assert one.params == (("category", "a"), ("category", "b"), ("status", "final"))


@pytest.mark.parametrize("text", PLAIN.split())
def test_other_scopes_are_plain(text):
    assert parse_scope(text) is None
    assert not is_malformed(text)


@pytest.mark.parametrize("text", MALFORMED)
def test_refuses(text):
    assert parse_scope(text) is None


@pytest.mark.parametrize("text", [each for each in MALFORMED if not each.startswith("patient%")])
def test_tells_what_is_malformed_from_what_is_plain(text):
    assert is_malformed(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", {"a"}),
        ("a,b", {"a", "b"}),
        (r"a\,b", {"a,b"}),
        (r"a\\,b", {"a\\", "b"}),
        (r"system\|code", {r"system\|code"}),
        ("a\\", {"a\\"}),
        (",", set()),
    ],
)
def test_a_comma_separates_unless_it_is_escaped(value, expected):
    assert alternatives(value) == expected


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    for prefix in ("", "patient/", "user/*.rs?", "system/Patient."):
        scope = parse_scope(prefix + text)
        assert scope is None or scope.letters <= set("cruds")
