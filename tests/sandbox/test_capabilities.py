"""A client can find out by reading what works. https://hl7.org/fhir/R4/capabilitystatement.html"""

from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.searchparameter import SearchParameter

from sandbox.faults import Faults
from sandbox.fhir.parameters import PARAMETERS
from sandbox.wire import encode


def statement(ehr):
    return ehr.get("metadata", token="")["rest"][0]


def definition(ehr, type_, code):
    resource = next(r for r in statement(ehr)["resource"] if r["type"] == type_)
    link = next(p["definition"] for p in resource["searchParam"] if p["name"] == code)
    return ehr.get(link, token="")


def test_is_valid_and_needs_no_token(ehr_a):
    CapabilityStatement.model_validate_json(ehr_a.ask("GET", "metadata", token="").body)


def test_every_search_parameter_named_is_defined(ehr_a):
    count = 0
    for resource in statement(ehr_a)["resource"]:
        for named in resource["searchParam"]:
            defined = ehr_a.get(named["definition"], token="")
            SearchParameter.model_validate_json(encode(defined))
            assert (defined["code"], defined["type"]) == (named["name"], named["type"])
            assert defined["url"] == named["definition"]
            count += 1
    assert count == sum(map(len, PARAMETERS.values()))


def test_says_whether_comma_lists_work(ehr_of):
    assert definition(ehr_of([]), "Observation", "patient")["multipleOr"] is True
    off = ehr_of([], faults=Faults(multiple_or=False))
    assert definition(off, "Observation", "patient")["multipleOr"] is False
    assert definition(off, "Observation", "_id")["multipleOr"] is False


def test_says_whether_batches_work(ehr_of):
    assert {"code": "batch"} in statement(ehr_of([]))["interaction"]
    assert statement(ehr_of([], faults=Faults(batch=False)))["interaction"] == []


def test_says_where_tokens_come_from(ehr_a):
    found = ehr_a.get(".well-known/smart-configuration", token="")
    assert found["token_endpoint"] == "http://issuer.example/token"
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert ehr_a.last_call.kind == "metadata"


def test_an_unknown_definition_is_not_found(ehr_a):
    for id_ in ("Observation-shoes", "Shoe-size", "Observation-id", "Resource-patient", "x"):
        assert ehr_a.ask("GET", f"SearchParameter/{id_}").status == 404
