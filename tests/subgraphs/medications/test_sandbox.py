"""Prescriptions over the sandbox's two EHRs: merged, in conflict, dispensed, labelled."""

from collections import defaultdict

from contract.context import Caller

FIELDS = """id status intent authoredOn reported requester { display } reason { text }
  medication { rxcui display code { coding { code } } ingredient { rxcui display } }
  dosageInstructions { text dose { value unit } frequency period periodUnit }
  repeatsAllowed quantity { value unit } encounter { id }
  conflicts { path values { source value } } provenance { source } securityLabels { code }"""
REQUESTS = f"""... on Patient {{ medicationRequests {{
  nodes {{ {FIELDS} dispenses {{ id whenHandedOver }} }} sources {{ source state }} }} }}"""
BUPRENORPHINE, SERTRALINE, LISINOPRIL = "1010600", "312941", "314076"


async def requests(graph, *patients, selection=REQUESTS, caller=None):
    extra = {"caller": caller} if caller else {}
    answer = await graph.entities("medications", selection, *patients, **extra)
    assert not answer.errors
    return [found["medicationRequests"]["nodes"] for found in answer.data]


def herself(graph, patient):
    (launch, *_) = graph.links(patient)
    link = "/".join(launch)
    return Caller("p", roles=("patient",), scopes=("patient/*.rs",), patient=link)


async def everyone(graph):
    """Each person's representation with the sources that know her."""
    found = []
    for person in graph.truth["people"]:
        source = min(name for name in person["ids"] if name != "payer")
        found.append((await graph.patient(source, person["ids"][source]), person["ids"]))
    return found


async def test_requests_and_dispenses_are_a_call_each_per_source(graph, calm_sandbox):
    patient = await graph.patient("ehr-a", graph.launch)
    calm_sandbox.reset_calls()
    (nodes,) = await requests(graph, patient)
    assert any(node["dispenses"] for node in nodes)
    for source in ("ehr-a", "ehr-b"):
        calls = calm_sandbox.calls()[source]["calls"]
        # The drugs of EHR-B come along.
        assert calls["search"] == {"MedicationRequest": 1, "MedicationDispense": 1}
        assert "read" not in calls
    assert all(node["medication"]["rxcui"] for node in nodes)


async def test_fifty_patients_are_one_question_to_each_source(graph, calm_sandbox):
    patients = await graph.patients(50)
    await requests(graph, *patients)
    calm_sandbox.reset_calls()
    await requests(graph, *patients)
    for source in ("ehr-a", "ehr-b"):
        calls = calm_sandbox.calls()[source]["calls"]
        assert sum(n for kind in ("search", "batch") for n in calls.get(kind, {}).values()) <= 4


async def test_a_prescription_both_ehrs_keep_is_one_node_that_shows_the_doubled_dose(graph):
    patient = await graph.patient("ehr-a", graph.launch)
    (nodes,) = await requests(graph, patient, caller=herself(graph, patient))
    both = [n for n in nodes if [p["source"] for p in n["provenance"]] == ["ehr-a", "ehr-b"]]
    assert {node["medication"]["rxcui"] for node in both} >= {LISINOPRIL, SERTRALINE}
    (disputed,) = (node for node in nodes if node["conflicts"])
    assert disputed["medication"]["rxcui"] == LISINOPRIL
    assert disputed["conflicts"] == [
        {
            "path": "dosageInstructions",
            "values": [
                {"source": "ehr-a", "value": "Take 1 daily"},
                {"source": "ehr-b", "value": "Take 2 daily"},
            ],
        }
    ]


async def test_a_product_is_named_with_its_ingredient_and_its_instructions(graph):
    patient = await graph.patient("ehr-a", graph.launch)
    (nodes,) = await requests(graph, patient)
    node = next(n for n in nodes if n["medication"]["rxcui"] == LISINOPRIL)
    assert node["medication"] == {
        "rxcui": LISINOPRIL,
        "display": "lisinopril 10 MG Oral Tablet",
        "code": {"coding": [{"code": LISINOPRIL}]},
        "ingredient": {"rxcui": "29046", "display": "lisinopril"},
    }
    (how,) = node["dosageInstructions"]
    assert (how["dose"]["unit"], how["frequency"], how["period"], how["periodUnit"]) == (
        ("tablet", 1, "1", "d")
    )
    assert node["reason"]
    assert node["repeatsAllowed"] == 3


async def test_status_and_intent_narrow_the_list(graph):
    patient = await graph.patient("ehr-a", graph.launch)
    (everything,) = await requests(graph, patient)
    wanted = '(status: ["completed"], intent: ["order"])'
    narrowed = REQUESTS.replace("medicationRequests {", f"medicationRequests{wanted} {{")
    (some,) = await requests(graph, patient, selection=narrowed)
    assert [n["id"] for n in some] == [n["id"] for n in everything if n["status"] == "completed"]
    assert 0 < len(some) < len(everything)
    none = REQUESTS.replace("medicationRequests {", 'medicationRequests(intent: ["plan"]) {')
    assert await requests(graph, patient, selection=none) == [[]]


async def test_a_prescription_and_its_dispenses_lead_to_each_other_by_their_ids(graph):
    patient = await graph.patient("ehr-a", graph.launch)
    (nodes,) = await requests(graph, patient)
    dispensed = {d["id"]: n["id"] for n in nodes for d in n["dispenses"]}
    assert dispensed
    found = await graph.entities(
        "medications",
        "... on MedicationDispense { id whenHandedOver quantity { value } daysSupply { code } "
        "performers { display } prescription { id authoredOn } patient { id } }",
        *({"__typename": "MedicationDispense", "id": id_} for id_ in dispensed),
    )
    assert not found.errors
    for each in found.data:
        assert each["prescription"]["id"] == dispensed[each["id"]]
        assert each["prescription"]["authoredOn"] < each["whenHandedOver"]
        assert each["patient"]["id"] == patient["id"]
    listed = await graph.entities(
        "medications", "... on Patient { medicationDispenses { nodes { id } } }", patient
    )
    ids = [node["id"] for node in listed.data[0]["medicationDispenses"]["nodes"]]
    assert dispensed.keys() <= set(ids)
    by_id = await graph.entities(
        "medications",
        "... on MedicationRequest { id provenance { source } }",
        *({"__typename": "MedicationRequest", "id": node["id"]} for node in nodes),
    )
    assert [n["provenance"] for n in by_id.data] == [n["provenance"] for n in nodes]


async def test_what_treats_addiction_is_the_patient_s_alone_whoever_labelled_it(graph):
    """EHR-B labels neither what it copied nor what it gave out."""
    dispenses = """... on Patient { medicationDispenses { nodes {
      medication { rxcui } provenance { source } securityLabels { code } } } }"""
    seen = defaultdict(set)
    for patient, _ in await everyone(graph):
        own = herself(graph, patient)
        for kind, selection in (
            ("medicationRequests", REQUESTS),
            ("medicationDispenses", dispenses),
        ):
            mine = await graph.entities("medications", selection, patient, caller=own)
            treating = [
                node
                for node in mine.data[0][kind]["nodes"]
                if node["medication"]["rxcui"] == BUPRENORPHINE
            ]
            for node in treating:
                assert "SUD" in {label["code"] for label in node["securityLabels"]}
                seen[kind].update(p["source"] for p in node["provenance"])
            theirs = await graph.entities("medications", selection, patient)
            codes = {n["medication"]["rxcui"] for n in theirs.data[0][kind]["nodes"]}
            assert not codes & {BUPRENORPHINE, SERTRALINE}
            if treating:
                assert any(r.reason == "label" for r in theirs.report.refusals)
    assert seen["medicationRequests"] == seen["medicationDispenses"] == {"ehr-a", "ehr-b"}


async def test_one_ehr_down_leaves_the_other(graph, calm_sandbox):
    patient = await graph.patient("ehr-a", graph.launch)
    with calm_sandbox.broken("ehr-b", outage="503"):
        answer = await graph.entities("medications", REQUESTS, patient)
    found = answer.data[0]["medicationRequests"]
    assert {s["source"]: s["state"] for s in found["sources"]} == {
        "ehr-a": "OK",
        "ehr-b": "UNAVAILABLE",
    }
    assert {p["source"] for n in found["nodes"] for p in n["provenance"]} == {"ehr-a"}


async def test_without_the_right_to_dispenses_there_are_prescriptions_alone(graph):
    patient = await graph.patient("ehr-a", graph.launch)
    caller = Caller("c", roles=("clinician",), scopes=("user/MedicationRequest.rs",))
    (nodes,) = await requests(graph, patient, caller=caller)
    assert nodes
    assert not any(node["dispenses"] for node in nodes)
    completed = Caller(
        "c", roles=("clinician",), scopes=("user/MedicationRequest.rs?status=completed",)
    )
    (nodes,) = await requests(graph, patient, caller=completed)
    assert {node["status"] for node in nodes} == {"completed"}


async def test_a_drug_is_found_by_its_number(graph):
    keys = ["29046", LISINOPRIL, "99999999", "drop table", None, 7]
    answer = await graph.entities(
        "medications",
        "... on Medication { rxcui display code { coding { system } } ingredient { rxcui } }",
        *({"__typename": "Medication", "rxcui": key} for key in keys),
    )
    assert [each and (each["rxcui"], each["display"]) for each in answer.data] == [
        ("29046", "lisinopril"),
        (LISINOPRIL, None),
        ("99999999", None),
        None,
        None,
        None,
    ]
    assert [each and each["ingredient"] for each in answer.data[:3]] == [
        {"rxcui": "29046"},
        {"rxcui": "29046"},
        None,
    ]
    assert set(answer.codes) == {"NOT_FOUND"}
