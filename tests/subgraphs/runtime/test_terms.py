"""Code systems by any of their names, codes in any spelling, and a source's own codes."""

import pytest

from subgraphs.connectors.config import ConfigError
from subgraphs.runtime.fhir import CodeableConcept, Coding, canonical_code, tokens
from subgraphs.runtime.terms.codes import ingredient_name, ingredient_of, token_of
from subgraphs.runtime.terms.dialect import Dialect, Interpreted, load_dialect
from subgraphs.runtime.terms.systems import canonical_system, code_systems

LOINC, ICD = "http://loinc.org", "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("2.16.840.1.113883.6.1", LOINC),
        ("urn:oid:2.16.840.1.113883.6.1", LOINC),
        ("LN", LOINC),
        (LOINC, LOINC),
        ("I10C", ICD),
        ("2.16.840.1.113883.6.88", RXNORM),
        ("urn:oid:2.16.840.1.113883.12.292", "http://hl7.org/fhir/sid/cvx"),
        ("http://hl7.org/fhir/condition-clinical",
         "http://terminology.hl7.org/CodeSystem/condition-clinical"),
        ("1.2.840.114350.1", "urn:oid:1.2.840.114350.1"),
        ("urn:oid:1.2.840.114350.1", "urn:oid:1.2.840.114350.1"),
        ("L", "L"),
        ("", ""),
        (None, ""),
    ],
)  # fmt: skip
def test_one_name_for_each_code_system(name, uri):
    assert canonical_system(name) == uri


def test_no_name_stands_for_two_systems():
    names = [name for system in code_systems() for name in (system.uri, *system.also)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("system", "code", "token"),
    [
        ("I10C", "E119", f"{ICD}|E11.9"),
        (ICD, "E11.9", f"{ICD}|E11.9"),
        (ICD, "I10", f"{ICD}|I10"),
        (ICD, "S52521A", f"{ICD}|S52.521A"),
        (ICD, "e119", f"{ICD}|e119"),
        ("CVX", "8", "http://hl7.org/fhir/sid/cvx|08"),
        ("CVX", "", "http://hl7.org/fhir/sid/cvx|"),
        ("LN", " 4548-4 ", f"{LOINC}|4548-4"),
        (None, "x", "|x"),
        (LOINC, None, f"{LOINC}|"),
    ],
)
def test_one_spelling_for_each_code(system, code, token):
    assert token_of(system, code) == token


def test_what_decides_is_the_system_most_share_under_whatever_name():
    local = Coding(system="urn:oid:1.2.840.114350.1", code="77")
    older = Coding(system="urn:oid:2.16.840.1.113883.6.1", code="4548-4")
    assert canonical_code(CodeableConcept((local, older))) == f"{LOINC}|4548-4"
    assert f"{LOINC}|4548-4" in tokens([CodeableConcept((older,))])
    assert "urn:oid:2.16.840.1.113883.6.1|4548-4" in tokens([CodeableConcept((older,))])


def test_a_product_is_its_ingredient():
    assert ingredient_of(f"{RXNORM}|860975") == f"{RXNORM}|6809"
    assert ingredient_of(f"{RXNORM}|6809") == f"{RXNORM}|6809"
    assert ingredient_of(f"{LOINC}|860975") == f"{LOINC}|860975"
    assert ingredient_name(f"{RXNORM}|6809") == "metformin"
    assert ingredient_name(f"{RXNORM}|860975") is None


OWN = Dialect({"1.2.3|GLY": f"{LOINC}|4548-4", "urn:oid:1.2.3|GLY2": f"{LOINC}|4548-4"})


def test_a_source_is_asked_by_its_own_codes_too():
    assert OWN.asked("4548-4") == "4548-4,GLY,GLY2"
    assert OWN.asked(f"{LOINC}|4548-4,2160-0") == f"{LOINC}|4548-4,2160-0,GLY,GLY2"
    assert OWN.asked("GLY") == "GLY"


def test_what_it_sends_says_what_everyone_says_behind_its_own():
    coding = {"system": "urn:oid:1.2.3", "code": "GLY", "display": "Glyco"}
    sent = {
        "code": {"coding": [coding], "text": "t"},
        "component": [{"code": {"coding": [coding]}}],
        "contained": [{"code": {"coding": [coding]}}],
        "medicationCodeableConcept": {"coding": [coding]},
    }
    found = OWN.translate(sent)
    shared = {"system": LOINC, "code": "4548-4"}
    assert found["code"] == {"coding": [coding, shared], "text": "t"}
    assert found["component"][0]["code"]["coding"] == [coding, shared]
    assert found["contained"][0]["code"]["coding"] == [coding, shared]
    assert found["medicationCodeableConcept"]["coding"] == [coding, shared]
    assert sent["code"]["coding"] == [coding]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"code": None},
        {"code": {"coding": "x"}},
        {"code": {"coding": [None, {"system": 1, "code": []}]}},
        {"component": [None]},
        {"component": "x"},
    ],
)
def test_what_is_broken_stays_as_it_is(broken):
    assert OWN.translate(broken) == broken


async def test_a_server_with_codes_of_its_own_is_one_that_speaks_everyones():
    row = {"code": {"coding": [{"system": "urn:oid:1.2.3", "code": "GLY"}]}}

    class Server:
        async def search_by(self, _type, _param, _keys, others=None):
            self.asked = others
            return {"p": [row]}

        async def search_including(self, type_, param, keys, others=None):
            return await self.search_by(type_, param, keys, others), [row]

        async def read(self, _type, ids):
            return dict.fromkeys(ids, row)

        async def latest_by(self, type_, param, keys, others=None, **_):
            return await self.search_by(type_, param, keys, others)

    server = Server()
    spoken = Interpreted(server, OWN)
    for ask in (
        spoken.search_by("Observation", "patient", ["p"], {"code": "4548-4"}),
        spoken.latest_by("Observation", "patient", ["p"], {"code": "4548-4"}, sort="-date"),
    ):
        (found,) = (await ask)["p"]
        assert found["code"]["coding"][1]["code"] == "4548-4"
        assert server.asked == {"code": "4548-4,GLY,GLY2"}
    await spoken.search_by("Condition", "patient", ["p"])
    assert server.asked is None
    asked = {"code": "4548-4", "_include": "X:y"}
    rows, (brought,) = await spoken.search_including("X", "patient", ["p"], asked)
    assert server.asked == {"code": "4548-4,GLY,GLY2", "_include": "X:y"}
    read = await spoken.read("Medication", ["m"])
    for found in (*rows["p"], brought, read["m"]):
        assert found["code"]["coding"][1]["code"] == "4548-4"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("- x", "expected a shared"),
        ("GLY: http://loinc.org|1", "expected a shared"),
        ("'a|b': '4548-4'", "expected a shared"),
        ("\xff", "expected a shared"),
        (None, "is not YAML"),
    ],
)
def test_a_file_of_codes_that_is_none_says_so(tmp_path, text, message):
    path = tmp_path / "codes.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_dialect(path)
