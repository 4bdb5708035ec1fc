"""Identity over the sandbox: roots, ids, links, and who may see whom."""

import pytest

from contract.context import Caller

PATIENT = "query($id:ID!){patient(id:$id){id name{text family} birthDate sources{source state}}}"


def herself(graph) -> Caller:
    return Caller(
        "p", roles=("patient",), scopes=("patient/*.rs",), patient=f"ehr-a/{graph.launch}"
    )


async def test_everyone_is_listed_once_as_the_truth_has_it(graph, calm_sandbox):
    patients = await graph.patients(200)
    assert len(patients) == len(graph.truth["people"])
    assert calm_sandbox.calls()["ehr-a"]["total"] == 0  # the index answers


async def test_any_source_s_id_finds_the_same_patient(graph):
    person = next(p for p in graph.truth["people"] if len(p["ids"]) == 3)
    found = [await graph.patient(source, id_) for source, id_ in person["ids"].items()]
    assert len({patient["id"] for patient in found}) == 1
    assert len({patient["links"] for patient in found}) == 1
    answer = await graph.ask("identity", PATIENT, id=found[0]["id"])
    patient = answer.data["patient"]
    assert patient["id"] == found[0]["id"]
    assert patient["name"]["family"]
    assert [s["state"] for s in patient["sources"]] == ["OK"] * 3
    assert answer.report.patients == (patient["id"],)


@pytest.mark.parametrize("id_", ["", "nonsense", "AAAA"])
async def test_an_unknown_id_is_nobody_s(graph, id_):
    answer = await graph.ask("identity", PATIENT, id=id_)
    assert (answer.data["patient"], answer.codes) == (None, [])


async def test_a_patient_sees_herself_alone(graph):
    caller = herself(graph)
    own = await graph.patient("ehr-a", graph.launch)
    other = next(p for p in await graph.patients(10) if p["id"] != own["id"])
    seen = await graph.ask("identity", PATIENT, caller, id=own["id"])
    assert seen.data["patient"]["id"] == own["id"]
    refused = await graph.ask("identity", PATIENT, caller, id=other["id"])
    assert (refused.data["patient"], refused.codes) == (None, [])
    assert [(r.reason, r.patient) for r in refused.report.refusals] == [
        ("compartment", other["id"])
    ]
    page = "{patients{nodes{id} pageInfo{hasNextPage} sources{source state}}}"
    listed = await graph.ask("identity", page, caller)
    assert listed.data["patients"] == {
        "nodes": [{"id": own["id"]}],
        "pageInfo": {"hasNextPage": False},
        "sources": [{"source": s, "state": "OK"} for s in ("ehr-a", "ehr-b", "payer")],
    }
    me = await graph.ask("identity", "{me{subject roles patient{id}}}", caller)
    assert me.data["me"] == {"subject": "p", "roles": ["patient"], "patient": {"id": own["id"]}}


async def test_who_has_no_patient_scope_sees_nobody(graph):
    caller = Caller("d", roles=("developer",), scopes=("openid",))
    answer = await graph.ask("identity", "{patients{nodes{id}} me{patient{id}}}", caller)
    assert answer.data == {"patients": {"nodes": []}, "me": {"patient": None}}


async def test_pages_and_searches(graph):
    page = "query($a:String){patients(first:7,after:$a){nodes{id} pageInfo{endCursor hasNextPage}}}"
    seen, after = [], None
    while True:
        found = (await graph.ask("identity", page, a=after)).data["patients"]
        seen += [node["id"] for node in found["nodes"]]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len(set(seen)) == len(graph.truth["people"])
    patient = (await graph.ask("identity", PATIENT, id=seen[0])).data["patient"]
    search = "query($s:String){patients(search:$s){nodes{id name{text}}}}"
    asked = f"{patient['name']['family']} {patient['birthDate']}"
    found = (await graph.ask("identity", search, s=asked)).data["patients"]["nodes"]
    assert patient["id"] in [node["id"] for node in found]
    assert (await graph.ask("identity", search, s="zzz")).data["patients"]["nodes"] == []


async def test_ssn_is_for_identity_stewards(graph):
    query = "query($id:ID!){patient(id:$id){ssn identifiers{system}}}"
    own = await graph.patient("ehr-a", graph.launch)
    answer = await graph.ask("identity", query, id=own["id"])
    assert (answer.data["patient"]["ssn"], answer.codes) == (None, ["FORBIDDEN"])
    assert all("ssn" not in i["system"] for i in answer.data["patient"]["identifiers"])
    steward = Caller("s", roles=("identity-steward",), scopes=("user/Patient.rs",))
    answer = await graph.ask("identity", query, steward, id=own["id"])
    assert answer.data["patient"]["ssn"].startswith("999-")


async def test_disagreements_are_shown(graph):
    slip = next(p for p in graph.truth["people"] if "birthdate-slip" in p["variations"])
    patient = await graph.patient("ehr-a", slip["ids"]["ehr-a"])
    answer = await graph.ask(
        "identity",
        "query($id:ID!){patient(id:$id){birthDate disagreements{field values{value sources}}}}",
        id=patient["id"],
    )
    (found,) = answer.data["patient"]["disagreements"]
    assert found["field"] == "birthDate"
    assert {source for value in found["values"] for source in value["sources"]} >= {
        "ehr-a",
        "ehr-b",
    }


async def test_lookalikes_are_apart(graph):
    for pair in graph.truth["lookalikes"]:
        one = {(await graph.patient(*record.split("/", 1)))["id"] for record in pair["one"]}
        other = {(await graph.patient(*record.split("/", 1)))["id"] for record in pair["other"]}
        assert len(one) == len(other) == 1
        assert one != other, pair["likeness"]
