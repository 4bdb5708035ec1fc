"""Practitioners by name and specialty, over the sandbox's two EHRs and the payer."""

import pytest

from contract.context import Caller
from subgraphs.catalog import open_subgraphs
from tests.subgraphs.conftest import CLINICIAN, Graph

QUERY = """query($search: String, $specialty: String, $first: Int, $after: String) {
  practitioners(search: $search, specialty: $specialty, first: $first, after: $after) {
    nodes { id npi name { family } provenance { source } }
    pageInfo { hasNextPage hasPreviousPage endCursor } sources { source state } } }"""
CARDIOLOGY = "http://nucc.org/provider-taxonomy|207RC0000X"


@pytest.fixture
async def graph(calm_sandbox, sandbox_settings):
    async with open_subgraphs(["directory"], sandbox_settings) as apps:
        yield Graph(apps, calm_sandbox.truth, "")


async def find(graph, caller=CLINICIAN, **variables):
    answer = await graph.ask("directory", QUERY, caller, **variables)
    assert not answer.errors
    return answer.data["practitioners"]


def families(found):
    return [node["name"]["family"] for node in found["nodes"]]


async def test_by_the_beginning_of_a_name_each_once(graph):
    found = await find(graph, search="eastw")
    assert families(found) == ["Eastwick"]
    assert [p["source"] for p in found["nodes"][0]["provenance"]] == ["ehr-a", "ehr-b", "payer"]
    # EHR-A knows her by an initial only.
    assert families(await find(graph, search="gwen EAST")) == ["Eastwick"]
    assert families(await find(graph, search="wick")) == []


async def test_by_specialty_those_whom_only_the_payer_knows_too(graph):
    found = await find(graph, specialty=CARDIOLOGY)
    assert families(found) == ["Delacroix", "Inglewood", "Inglewood", "Kestrel"]
    assert found["nodes"][-1]["provenance"] == [{"source": "payer"}]
    assert families(await find(graph, specialty="207RC0000X", search="kestr")) == ["Kestrel"]
    assert families(await find(graph, specialty="no-such")) == []


async def test_page_by_page_in_the_order_of_names(graph):
    whole = await find(graph, specialty=CARDIOLOGY)
    seen, after = [], None
    for _ in whole["nodes"]:
        page = await find(graph, specialty=CARDIOLOGY, first=1, after=after)
        seen += page["nodes"]
        after = page["pageInfo"]["endCursor"]
    assert seen == whole["nodes"]
    assert page["pageInfo"]["hasNextPage"] is False
    assert page["pageInfo"]["hasPreviousPage"] is True


@pytest.mark.parametrize(
    "variables", [{}, {"search": ""}, {"search": "a"}, {"search": "ab c"}, {"specialty": ""}]
)
async def test_what_is_too_wide_finds_nobody(graph, variables):
    answer = await graph.ask("directory", QUERY, **variables)
    assert (answer.data["practitioners"]["nodes"], answer.codes) == ([], [])


async def test_calls_do_not_grow_with_who_is_found(graph, calm_sandbox):
    for wanted in ({"specialty": CARDIOLOGY}, {"search": "kestrel"}):
        await find(graph, **wanted)
    calm_sandbox.reset_calls()
    await find(graph, specialty=CARDIOLOGY)
    for source in ("ehr-a", "ehr-b", "payer"):
        searched = calm_sandbox.calls()[source]["calls"]["search"]
        assert searched == {"PractitionerRole": 1, "Practitioner": 2}
    calm_sandbox.reset_calls()
    await find(graph, search="kestrel")
    for source in ("ehr-a", "ehr-b", "payer"):
        assert calm_sandbox.calls()[source]["calls"]["search"] == {"Practitioner": 2}


async def test_a_source_that_is_down_is_told(graph, calm_sandbox):
    calm_sandbox.set_faults("ehr-b", outage="refuse")
    found = await find(graph, specialty=CARDIOLOGY)
    assert "Kestrel" in families(found)
    assert {s["source"]: s["state"] for s in found["sources"]} == {
        "ehr-a": "OK",
        "ehr-b": "UNAVAILABLE",
        "payer": "OK",
    }


async def test_nothing_is_listed_or_asked_for_whom_may_see_nothing(graph, calm_sandbox):
    for scopes in (("user/Patient.rs",), ("user/Practitioner.rs",)):
        caller = Caller("c", roles=("clinician",), scopes=scopes)
        found = await find(graph, caller, specialty=CARDIOLOGY)
        assert found["nodes"] == []
        assert found["pageInfo"]["hasNextPage"] is False
    narrow = Caller(
        "c",
        roles=("clinician",),
        scopes=("user/Practitioner.rs?active=true", "user/PractitionerRole.rs"),
    )
    # A parameter nobody evaluates matches nobody; no page tells that there was somebody.
    found = await find(graph, narrow, specialty=CARDIOLOGY)
    assert (found["nodes"], found["pageInfo"]["hasNextPage"]) == ([], False)
