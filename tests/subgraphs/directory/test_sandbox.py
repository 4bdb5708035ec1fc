"""The directory over the sandbox's two EHRs and the payer: one node each, calls, outages."""

import httpx2
import pytest

from contract.context import Caller
from contract.keys import derive_key
from subgraphs.catalog import open_subgraphs
from subgraphs.runtime.fhir import Reference
from subgraphs.runtime.npi import NPI
from subgraphs.runtime.parties import party_ref, seal_party
from subgraphs.runtime.sealing import IdSeal
from tests.subgraphs.conftest import MASTER, Graph

FIELDS = "id npi name { text family } provenance { source } conflicts { path values { source } }"
SOURCES = ("ehr-a", "ehr-b", "payer")


def held(sandbox, source, type_):
    """Read straight from the source."""
    headers = {"authorization": f"Bearer {sandbox.system_token()}"}
    with httpx2.Client(trust_env=False) as http:
        answer = http.get(f"{sandbox.url(source)}/{type_}?_count=500", headers=headers)
    return [entry["resource"] for entry in answer.raise_for_status().json().get("entry", ())]


def numbers(resource):
    return [i["value"] for i in resource.get("identifier", ()) if i["system"] == NPI]


def representation(type_, source, reference):
    ref = party_ref(source, reference)
    sealed = seal_party(IdSeal(derive_key(MASTER, "seal:ids")), ref)
    return {"__typename": type_, "reference": sealed}


def practitioner(source, resource):
    reference = Reference(reference=f"Practitioner/{resource['id']}")
    return representation("Practitioner", source, reference)


@pytest.fixture
async def graph(calm_sandbox, sandbox_settings):
    """The directory alone: it waits for no crawl."""
    async with open_subgraphs(["directory"], sandbox_settings) as apps:
        yield Graph(apps, calm_sandbox.truth, "")


@pytest.fixture
def people(calm_sandbox):
    """Every source's practitioners."""
    found = {source: held(calm_sandbox, source, "Practitioner") for source in SOURCES}
    calm_sandbox.reset_calls()
    return found


async def test_a_number_makes_one_node_of_every_source_s_record(graph, people):
    asked = [(source, each) for source in SOURCES for each in people[source]]
    answer = await graph.entities(
        "directory",
        f"... on Practitioner {{ {FIELDS} }}",
        *(practitioner(source, each) for source, each in asked),
    )
    assert not answer.errors
    by_number = {}
    for (source, each), node in zip(asked, answer.data, strict=True):
        (number,) = numbers(each)
        known = {s for s in SOURCES for other in people[s] if number in numbers(other)}
        assert {p["source"] for p in node["provenance"]} == (known if node["npi"] else {source})
        by_number.setdefault(number, set()).add(node["id"])
    assert {len(ids) for ids in by_number.values()} == {1}
    assert any(len(node["provenance"]) == len(SOURCES) for node in answer.data)


async def test_an_invalid_number_merges_nothing_and_is_not_told(graph, people):
    (miswritten,) = [p for p in people["payer"] if p["name"][0]["family"] == "Inglewood"]
    (right,) = [p for p in people["ehr-b"] if p["name"][0]["family"] == "Inglewood"]
    answer = await graph.entities(
        "directory",
        f"... on Practitioner {{ {FIELDS} }}",
        practitioner("payer", miswritten),
        practitioner("ehr-b", right),
    )
    wrong, known = answer.data
    assert wrong["npi"] is None
    assert known["npi"] == numbers(right)[0]
    assert [p["source"] for p in wrong["provenance"]] == ["payer"]
    assert [p["source"] for p in known["provenance"]] == ["ehr-b"]
    asked = await graph.ask(
        "directory", "query($n: String!) { practitioner(npi: $n) { id } }", n=numbers(miswritten)[0]
    )
    assert (asked.data["practitioner"], asked.codes) == (None, [])


async def test_however_many_are_named_they_take_two_calls_of_each_source(
    graph, calm_sandbox, people
):
    named = [practitioner(source, each) for source in SOURCES for each in people[source]]
    await graph.entities("directory", "... on Practitioner { id }", *named)
    for source in SOURCES:
        # By id, and by number.
        assert calm_sandbox.calls()[source]["calls"]["search"] == {"Practitioner": 2}


async def test_a_practitioner_of_both_houses_has_the_roles_of_every_source(graph, people):
    (both,) = [p for p in people["ehr-b"] if p["name"][0]["family"] == "Eastwick"]
    answer = await graph.ask(
        "directory",
        """query($n: String!) { practitioner(npi: $n) {
          name { text } provenance { source } conflicts { path values { source value } }
          roles { provenance { source } specialty { text } acceptingPatients
                  organization { id name npi provenance { source } }
                  locations { name address { city } position { latitude } } } } }""",
        n=numbers(both)[0],
    )
    assert not answer.errors
    node = answer.data["practitioner"]
    assert [p["source"] for p in node["provenance"]] == list(SOURCES)
    (conflict,) = node["conflicts"]
    assert conflict["path"] == "name"
    roles = {role["provenance"][0]["source"]: role for role in node["roles"]}
    assert roles.keys() == set(SOURCES)
    assert {s: roles[s]["acceptingPatients"] for s in SOURCES} == {
        "ehr-a": None,
        "ehr-b": None,
        "payer": "existptonly",
    }
    # A payer knows the house by its number too.
    assert roles["payer"]["organization"]["id"] == roles["ehr-a"]["organization"]["id"]
    assert roles["ehr-b"]["locations"][0]["address"]["city"] == "Dayton"
    assert roles["ehr-b"]["locations"][0]["position"]["latitude"] == "39.7589"


async def test_a_node_is_found_by_its_id_and_by_the_id_of_each_record(graph, people):
    named = await graph.entities(
        "directory",
        "... on Practitioner { id }",
        *(practitioner("ehr-a", each) for each in people["ehr-a"]),
    )
    for node in named.data:
        found = await graph.ask(
            "directory",
            f"query($id: ID!) {{ practitioner(id: $id) {{ {FIELDS} }} }}",
            id=node["id"],
        )
        assert found.data["practitioner"]["id"] == node["id"]
        again = await graph.entities(
            "directory",
            "... on Practitioner { id name { text } }",
            {"__typename": "Practitioner", "id": node["id"]},
        )
        assert again.data[0]["id"] == node["id"]


async def test_a_number_finds_them_while_a_source_is_down(graph, calm_sandbox, people):
    (both,) = [p for p in people["ehr-b"] if p["name"][0]["family"] == "Eastwick"]
    query = "query($n: String!) { practitioner(npi: $n) { id provenance { source } } }"
    whole = await graph.ask("directory", query, n=numbers(both)[0])
    calm_sandbox.set_faults("ehr-a", outage="refuse")
    partial = await graph.ask("directory", query, n=numbers(both)[0])
    assert not partial.errors
    assert [p["source"] for p in partial.data["practitioner"]["provenance"]] == ["ehr-b", "payer"]
    by_id = "query($id: ID!) { practitioner(id: $id) { id provenance { source } } }"
    again = await graph.ask("directory", by_id, id=whole.data["practitioner"]["id"])
    assert again.data == partial.data
    nobody = await graph.ask("directory", query, n="1234567893")
    assert nobody.codes == ["SOURCE_UNAVAILABLE"]


async def test_an_id_and_a_number_have_both_to_fit(graph, people):
    (both,) = [p for p in people["ehr-b"] if p["name"][0]["family"] == "Eastwick"]
    (number,) = numbers(both)
    query = "query($id: ID, $n: String) { practitioner(id: $id, npi: $n) { id } }"
    found = await graph.ask("directory", query, n=number)
    id_ = found.data["practitioner"]["id"]
    assert (await graph.ask("directory", query, id=id_, n=number)).data == found.data
    for given in ({"id": id_, "n": "1234567893"}, {"id": "nonsense", "n": number}, {}):
        answer = await graph.ask("directory", query, **given)
        assert (answer.data, answer.codes) == ({"practitioner": None}, [])


async def test_a_reference_that_leads_nowhere_is_null_and_no_error(graph, calm_sandbox):
    strangers = [
        Reference(reference="Practitioner/unknown"),
        Reference(reference=f"{calm_sandbox.url('ehr-b')}x/Practitioner/1"),
        Reference(reference="https://elsewhere.example/fhir/Practitioner/1"),
        Reference(reference=f"Practitioner?identifier={NPI}|1234567893"),
    ]
    answer = await graph.entities(
        "directory",
        "... on Practitioner { id }",
        *(representation("Practitioner", "ehr-a", each) for each in strangers),
    )
    assert (answer.data, answer.errors) == ([None] * len(strangers), [])


async def test_absolute_and_conditional_references_and_identifiers_lead_to_the_same(
    graph, calm_sandbox, people
):
    one = people["ehr-b"][0]
    (number,) = numbers(one)
    names = [
        Reference(reference=f"Practitioner/{one['id']}/_history/1"),
        Reference(reference=f"{calm_sandbox.url('ehr-b')}/Practitioner/{one['id']}"),
        Reference(reference=f"Practitioner?identifier={NPI}|{number}"),
    ]
    answer = await graph.entities(
        "directory",
        "... on Practitioner { id npi }",
        *(
            representation("Practitioner", "ehr-a" if n else "ehr-b", each)
            for n, each in enumerate(names)
        ),
    )
    assert not answer.errors
    assert {node["npi"] for node in answer.data} == {number}


async def test_a_key_of_another_type_or_of_nobody_opens_nothing(graph, people):
    other = practitioner("ehr-a", people["ehr-a"][0])["reference"]
    answer = await graph.entities(
        "directory",
        "... on Practitioner { id } ... on Organization { id }",
        {"__typename": "Organization", "reference": other},
        {"__typename": "Practitioner", "reference": "made up"},
        {"__typename": "Practitioner", "id": "made up"},
    )
    assert answer.data == [None, None, None]
    assert answer.codes == ["NOT_FOUND"]


@pytest.mark.parametrize(
    ("caller", "sees"),
    [
        (Caller("c", roles=("clinician",), scopes=("user/Practitioner.rs",)), True),
        (Caller("c", roles=("biller",), scopes=("user/Practitioner.rs",)), True),
        (Caller("c", roles=("nobody-we-know",), scopes=("user/Practitioner.rs",)), False),
        (Caller("c", roles=("clinician",), scopes=("user/Patient.rs",)), False),
        (Caller("a", roles=("partner-app",), scopes=("patient/Practitioner.rs",)), False),
        (
            Caller("a", roles=("x",), scopes=("patient/Practitioner.rs",), patient="ehr-a/1"),
            True,
        ),
        (Caller("s", scopes=("system/*.rs",)), True),
    ],
)
async def test_who_may_look_someone_up(graph, people, caller, sees):
    answer = await graph.entities(
        "directory",
        "... on Practitioner { id }",
        practitioner("ehr-a", people["ehr-a"][0]),
        caller=caller,
    )
    assert (answer.data[0] is not None) is sees
    assert bool(answer.report.refusals) is not sees
    assert answer.report.patients == ()
