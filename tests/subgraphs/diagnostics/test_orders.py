"""Orders and what answers them, specimens and images: one read of each source, nothing leaks."""

import pytest

from contract.context import Caller
from subgraphs.diagnostics.schema import SCHEMA
from subgraphs.diagnostics.sources.fhir import FhirDiagnostics
from subgraphs.runtime.crosswalk import Crosswalk, Link, Linked, RecordKey
from tests.must_support.passing import SOURCE, WRITTEN, Domain, Holding, opened, seal
from tests.subgraphs.signed import KEY, ask_entities

CLINICIAN = Caller("c", roles=("clinician",), scopes=("user/*.rs",))
HERSELF = Caller("p", roles=("patient",), scopes=("patient/*.rs",), patient=f"{SOURCE}/ada")
LABORATORY = [{"coding": [{"system": "http://snomed.info/sct", "code": "108252007"}]}]
DIAGNOSTICS = {
    "diagnostics": Domain(SCHEMA, lambda servers: {SOURCE: FhirDiagnostics(servers[SOURCE])})
}


def resource(type_, id_, patient="ada", *labels, **fields):
    return {
        "resourceType": type_,
        "id": id_,
        "meta": {
            "versionId": "1",
            "lastUpdated": WRITTEN,
            "security": [{"code": label} for label in labels],
        },
        "subject": {"reference": f"Patient/{patient}"},
        **fields,
    }


def order(id_, status="active", intent="order", *labels, **fields):
    code = {"coding": [{"system": "http://loinc.org", "code": "24323-8"}]}
    asked = {"status": status, "intent": intent, "code": code, "category": LABORATORY}
    return resource("ServiceRequest", id_, "ada", *labels, **{**asked, **fields})


def result(id_, *labels, patient="ada", status="final", **fields):
    code = {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}
    category = [{"coding": [{"code": "laboratory"}]}]
    found = {"status": status, "code": code, "category": category, **fields}
    return resource("Observation", id_, patient, *labels, **found)


def to(type_, id_):
    return {"reference": f"{type_}/{id_}"}


def patient(name="ada"):
    links = Crosswalk(KEY).seal_links(name, [Link(SOURCE, name)])
    return {"__typename": "Patient", "id": name, "links": links}


def node(type_, id_, whose="ada"):
    return {"__typename": type_, "id": seal("diagnostics", type_, id_, whose)}


async def asked(held, selection, *representations, caller=CLINICIAN, network=None):
    async with opened(held, DIAGNOSTICS, network) as apps:
        answer = await ask_entities(
            apps["diagnostics"], "diagnostics", selection, *representations, caller=caller
        )
    assert "errors" not in answer, answer["errors"]
    return answer["data"]["_entities"]


async def ids_of_orders(held, arguments="", **options):
    selection = f"... on Patient {{ orders{arguments} {{ nodes {{ id }} }} }}"
    (found,) = await asked(held, selection, patient(), **options)
    return {each["id"] for each in found["orders"]["nodes"]}


def sealed(*ids):
    return {seal("diagnostics", "ServiceRequest", id_, "ada") for id_ in ids}


OUTSTANDING = "(outstanding: true)"


async def test_an_order_stands_until_something_finished_answers_it():
    held = [
        order("open"),
        order("held", "on-hold"),
        order("done", "completed"),
        order("gone", "revoked"),
        order("plan", intent="plan"),
        order("never", doNotPerform=True),
        order("measured"),
        order("under-way"),
        order("reported"),
        result("r1", basedOn=[to("ServiceRequest", "measured")]),
        result("r2", status="preliminary", basedOn=[to("ServiceRequest", "under-way")]),
        resource(
            "DiagnosticReport", "d", status="final", basedOn=[to("ServiceRequest", "reported")]
        ),
    ]
    assert await ids_of_orders(held, OUTSTANDING) == sealed("open", "held", "under-way")
    assert len(await ids_of_orders(held)) == 9
    assert await ids_of_orders(held, '(categories: ["363679005"])') == set()
    assert len(await ids_of_orders(held, '(categories: ["108252007"])')) == 9


async def test_outstanding_orders_of_many_patients_are_one_search_of_each_type():
    held = [order("open"), result("r1"), *(result(f"r-{n}", patient=f"p{n}") for n in range(30))]
    network = Holding(held)
    selection = f"... on Patient {{ orders{OUTSTANDING} {{ nodes {{ id }} }} }}"
    whom = [patient(), *(patient(f"p{n}") for n in range(30))]
    await asked(held, selection, *whom, network=network)
    data_calls = [path for path in network.calls if "metadata" not in path and "Sea" not in path]
    assert len(data_calls) <= 3 * 2


async def test_an_order_and_its_results_lead_to_each_other():
    held = [
        order("o", specimen=[to("Specimen", "s")]),
        result("r", basedOn=[to("ServiceRequest", "o")], specimen=to("Specimen", "s")),
        resource("Specimen", "s", type={"text": "Blood"}),
    ]
    selection = """... on ServiceRequest { results { id orders { id } specimen { type { text } } }
      specimens { type { text } } reports { id } }"""
    (found,) = await asked(held, selection, node("ServiceRequest", "o"))
    blood = {"type": {"text": "Blood"}}
    assert found["specimens"] == [blood]
    (measured,) = found["results"]
    assert measured["id"] == node("Observation", "r")["id"]
    assert measured["orders"] == [{"id": node("ServiceRequest", "o")["id"]}]
    assert (measured["specimen"], found["reports"]) == (blood, [])


@pytest.mark.parametrize("labelled", ["order", "result", "specimen"])
async def test_what_is_labelled_is_closed_on_every_way_to_it(labelled):
    labels = {
        each: ("PSY",) if each == labelled else () for each in ("order", "result", "specimen")
    }
    held = [
        order("o", "active", "order", *labels["order"]),
        result(
            "r",
            *labels["result"],
            basedOn=[to("ServiceRequest", "o")],
            specimen=to("Specimen", "s"),
        ),
        resource("Specimen", "s", "ada", *labels["specimen"]),
    ]
    ways = {
        "order": ("Observation", "r", "orders { id }"),
        "result": ("ServiceRequest", "o", "results { id }"),
        "specimen": ("Observation", "r", "specimen { id }"),
    }
    type_, id_, way = ways[labelled]
    selection = f"... on {type_} {{ {way} }}"
    for caller, seen in ((CLINICIAN, False), (HERSELF, True)):
        (found,) = await asked(held, selection, node(type_, id_), caller=caller)
        assert bool(next(iter(found.values()))) is seen
    if labelled == "order":
        assert await ids_of_orders(held) == set()
        assert await ids_of_orders(held, OUTSTANDING) == set()


async def test_a_specimen_by_its_id_is_decided_like_any_other():
    held = [resource("Specimen", "s"), resource("Specimen", "secret", "ada", "HIV")]
    async with opened(held, DIAGNOSTICS) as apps:
        answer = await ask_entities(
            apps["diagnostics"],
            "diagnostics",
            "... on Specimen { patient { id } }",
            node("Specimen", "s"),
            node("Specimen", "secret"),
            node("Specimen", "s", "someone-else"),
            node("Specimen", "nowhere"),
            {"__typename": "Specimen", "id": "junk"},
            caller=CLINICIAN,
        )
    first, *others = answer["data"]["_entities"]
    assert first == {"patient": {"id": "ada"}}
    assert others == [None] * 4
    assert {e["extensions"]["code"] for e in answer["errors"]} == {"NOT_FOUND"}


async def test_what_belongs_to_a_visit_is_found_by_all_of_its_records():
    held = [
        result("r1", encounter=to("Encounter", "e1")),
        result("r2", encounter=to("Encounter", "e2")),
        order("o", encounter=to("Encounter", "e1")),
    ]
    whose = Linked((Link(SOURCE, "ada"),))
    key = RecordKey("ada", whose, (Link(SOURCE, "e1"), Link("elsewhere", "e2")))
    sealed_key = Crosswalk(KEY).seal_record_key("visit", key)
    visit = {"__typename": "Encounter", "id": "visit", "recordKey": sealed_key}
    selection = """... on Encounter { observations { nodes { id } sources { state } }
      orders { nodes { id } } diagnosticReports { nodes { id } } }"""
    (found,) = await asked(held, selection, visit)
    assert found["observations"]["nodes"] == [{"id": node("Observation", "r1")["id"]}]
    assert found["orders"]["nodes"] == [{"id": node("ServiceRequest", "o")["id"]}]
    async with opened(held, DIAGNOSTICS) as apps:
        forged = {**visit, "id": "another"}
        answer = await ask_entities(
            apps["diagnostics"], "diagnostics", selection, forged, caller=CLINICIAN
        )
    assert {e["extensions"]["code"] for e in answer["errors"]} == {"NOT_FOUND"}
