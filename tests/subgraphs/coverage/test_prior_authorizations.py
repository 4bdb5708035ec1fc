"""Prior authorizations as the graph shows them: every review action, the clock, whose they are."""

import pytest

from contract.context import Caller
from subgraphs.runtime.sealing import IdSeal, RecordRef
from tests.subgraphs.connectors.fhir.ehr import Ehr
from tests.subgraphs.coverage.authorizations import (
    answer,
    coded,
    extension,
    item,
    request,
    reviewed,
    x12,
)
from tests.subgraphs.coverage.graph import (
    ADA_HERSELF,
    CLINICIAN,
    EHR,
    PAYER_ORGANIZATION,
    CoverageSubgraph,
    coverage,
)
from tests.subgraphs.signed import KEY

BILLER = Caller(subject="b", roles=("biller",), scopes=("user/Coverage.rs", "user/Claim.rs"))
LIST = "priorAuthorizations { nodes { %s } sources { source state } }"
ACTION = "items { sequence decision { action number reasons { coding { code } } } }"


def subgraph(*rows: dict) -> CoverageSubgraph:
    return CoverageSubgraph(Ehr([PAYER_ORGANIZATION, *rows]))


async def listed(graph: CoverageSubgraph, selection: str, name="ada", caller=BILLER) -> list[dict]:
    answered = await graph.patients(LIST % selection, name, caller=caller)
    assert "errors" not in answered, answered["errors"]
    return answered["data"]["_entities"][0]["priorAuthorizations"]["nodes"]


@pytest.mark.parametrize(
    ("action", "shown", "state"),
    [
        ("A1", "CERTIFIED", "CERTIFIED"),
        ("A2", "PARTIAL", "PARTIAL"),
        ("A3", "DENIED", "DENIED"),
        ("A4", "PENDED", "PENDED"),
        ("A6", "MODIFIED", "MODIFIED"),
        ("CT", "CONTACT_PAYER", "UNCLEAR"),
        ("NA", "NOT_REQUIRED", "CERTIFIED"),
        ("XYZ", None, "UNCLEAR"),
    ],
)
async def test_what_the_payer_decided(action, shown, state):
    told = reviewed(1, action, number="N-1", reason="0A", second_opinion=True)
    graph = subgraph(request("ada", "q1"), answer("ada", "r1", "q1", told))
    selection = "state items { decision { action number code { coding { code } } "
    selection += "reasons { coding { code } } secondOpinionNeeded } }"
    (node,) = await listed(graph, selection)
    assert node == {
        "state": state,
        "items": [
            {
                "decision": {
                    "action": shown,
                    "number": "N-1",
                    "code": {"coding": [{"code": action}]},
                    "reasons": [{"coding": [{"code": "0A"}]}],
                    "secondOpinionNeeded": True,
                }
            }
        ],
    }


@pytest.mark.parametrize(
    ("actions", "state"),
    [
        (("A1", "A1"), "CERTIFIED"),
        (("A1", "A3"), "PARTIAL"),
        (("A3", "A3"), "DENIED"),
        (("A1", "A6"), "MODIFIED"),
        (("A3", "A6"), "PARTIAL"),
        (("A1", "A4"), "PENDED"),
        (("A1", "C"), "CERTIFIED"),
        (("C", "C"), "WITHDRAWN"),
        (("A1", "XYZ"), "UNCLEAR"),
    ],
)
async def test_items_speak_for_the_whole_only_together(actions, state):
    asked = request("ada", "q1", item=[item(n) for n in range(1, len(actions) + 1)])
    told = [reviewed(n, action) for n, action in enumerate(actions, start=1)]
    graph = subgraph(asked, answer("ada", "r1", "q1", *told))
    assert await listed(graph, "state") == [{"state": state}]


@pytest.mark.parametrize(
    ("created", "level", "due", "is_overdue"),
    [
        # The subgraph's clock stands at midnight of the 22nd.
        ("2026-11-19T00:00:01Z", "U", "2026-11-22T00:00:01Z", False),
        ("2026-11-18T23:59:59Z", "U", "2026-11-21T23:59:59Z", True),
        ("2026-11-18T23:59:59Z", "E", "2026-11-25T23:59:59Z", False),
        ("2026-11-14T23:59:59Z", "E", "2026-11-21T23:59:59Z", True),
        ("2026-11-14T19:00:00-06:00", "E", "2026-11-22T01:00:00Z", False),
        ("2026-11-14", "E", "2026-11-21T00:00:00Z", True),
        ("gibberish", "E", None, False),
    ],
)
@pytest.mark.parametrize("answered", [(), ("A4",)])
async def test_the_clock_runs_until_the_payer_decides(created, level, due, is_overdue, answered):
    urgent = extension("levelOfServiceCode", valueCodeableConcept=x12("1338", level))
    rows = [request("ada", "q1", created, extension=[urgent])]
    rows += [answer("ada", "r1", "q1", reviewed(1, action)) for action in answered]
    selection = "urgency dueAt isOverdue decidedAt decidedInTime"
    assert await listed(subgraph(*rows), selection) == [
        {
            "urgency": "EXPEDITED" if level == "U" else "STANDARD",
            "dueAt": due,
            "isOverdue": is_overdue,
            "decidedAt": None,
            "decidedInTime": None,
        }
    ]


@pytest.mark.parametrize(
    ("created", "in_time"), [("2026-11-18T10:00:00Z", True), ("2026-11-18T09:59:59Z", False)]
)
async def test_a_decision_ends_the_clock(created, in_time):
    urgent = coded("http://terminology.hl7.org/CodeSystem/processpriority", "stat")
    rows = [request("ada", "q1", created, priority=urgent)]
    rows.append(answer("ada", "r1", "q1", reviewed(1, "A3")))
    selection = "urgency isOverdue decidedAt decidedInTime"
    assert await listed(subgraph(*rows), selection) == [
        {
            "urgency": "EXPEDITED",
            "isOverdue": False,
            "decidedAt": "2026-11-21T10:00:00Z",
            "decidedInTime": in_time,
        }
    ]


async def test_the_newest_answer_counts():
    first = answer("ada", "r1", "q1", reviewed(1, "A4"), created="2026-11-20T10:00:00Z")
    second = answer("ada", "r2", "q1", reviewed(1, "A1"), created="2026-11-21T10:00:00Z")
    graph = subgraph(request("ada", "q1"), second, first)
    assert await listed(graph, "state") == [{"state": "CERTIFIED"}]


async def test_an_answer_that_names_no_request_is_known_by_its_trace_number():
    told = answer("ada", "r1", None, reviewed(1, "A1"), identifier=[{"value": "T-q1"}])
    graph = subgraph(request("ada", "q1"), told)
    assert await listed(graph, "state") == [{"state": "CERTIFIED"}]


async def test_an_answer_alone_is_shown_as_far_as_it_goes():
    (node,) = await listed(
        subgraph(answer("ada", "r1", None, reviewed(1, "A3"))),
        "id state submittedAt dueAt decidedAt items { service { text } decision { action } }",
    )
    assert node.pop("id")
    assert node == {
        "state": "DENIED",
        "submittedAt": None,
        "dueAt": None,
        "decidedAt": "2026-11-21T10:00:00Z",
        "items": [{"service": None, "decision": {"action": "DENIED"}}],
    }


async def test_items_of_one_number_are_told_apart_by_their_trace_numbers():
    """As in a published example of the guide, whose two items are both the first."""
    traces = [extension("itemTraceNumber", valueIdentifier={"value": v}) for v in ("a", "b")]
    asked = request("ada", "q1", item=[item(1, trace) for trace in traces])
    told = [reviewed(1, "A3", traces[1]), reviewed(1, "A1", traces[0])]
    graph = subgraph(asked, answer("ada", "r1", "q1", *told))
    (node,) = await listed(graph, "state items { decision { action } }")
    assert [each["decision"]["action"] for each in node["items"]] == ["CERTIFIED", "DENIED"]


async def test_a_withdrawal_takes_the_place_of_what_it_withdraws():
    cancel = extension("certificationType", valueCodeableConcept=x12("1322", "3"))
    withdrawal = request(
        "ada",
        "q2",
        extension=[cancel],
        related=[{"claim": {"reference": "Claim/q1"}}],
    )
    graph = subgraph(request("ada", "q1"), answer("ada", "r1", "q1", reviewed(1, "A4")), withdrawal)
    (node,) = await listed(graph, "id state isOverdue")
    assert (node["state"], node["isOverdue"]) == ("WITHDRAWN", False)
    older = IdSeal(KEY).seal("coverage", RecordRef("payer", "Claim", "q1", "p-ada"))
    found = await graph.entities(
        "... on PriorAuthorization { id state }",
        {"__typename": "PriorAuthorization", "id": older},
        caller=BILLER,
    )
    assert found["data"]["_entities"] == [{"id": node["id"], "state": "WITHDRAWN"}]


async def test_errors_are_told_with_what_to_do():
    error = {
        "code": x12("901", "T4"),
        "extension": [
            extension("errorFollowupAction", valueCodeableConcept=x12("889", "C")),
            extension("errorElement", extension=[{"url": "error", "valueString": "2010A-NM103"}]),
            extension("errorPath", valueString="Bundle.entry[1].resource.name"),
        ],
    }
    told = answer("ada", "r1", "q1", outcome="error", error=[error])
    selection = "state outcome errors { code { coding { code } } followUp { coding { code } } "
    (node,) = await listed(subgraph(request("ada", "q1"), told), selection + "element path }")
    assert node == {
        "state": "REJECTED",
        "outcome": "error",
        "errors": [
            {
                "code": {"coding": [{"code": "T4"}]},
                "followUp": {"coding": [{"code": "C"}]},
                "element": "2010A-NM103",
                "path": "Bundle.entry[1].resource.name",
            }
        ],
    }


async def test_claims_for_payment_are_no_prior_authorizations():
    assert await listed(subgraph(request("ada", "q1", use="claim")), "id") == []


async def test_fifty_patients_take_as_many_calls_as_one():
    names = [f"n{number}" for number in range(50)]
    rows = [
        row
        for name in names
        for row in (
            request(name, f"q-{name}"),
            answer(name, f"r-{name}", f"q-{name}", reviewed(1, "A1")),
            coverage(name),
        )
    ]
    graph = subgraph(*rows)
    answered = await graph.patients(
        LIST % "state insurer requestor coverage { plan }", *names, caller=BILLER
    )
    assert "errors" not in answered
    (node,) = answered["data"]["_entities"][49]["priorAuthorizations"]["nodes"]
    assert node["coverage"] == {"plan": "Gold"}
    assert (node["insurer"], node["requestor"]) == ("Meadow Mutual", "Meadow Mutual")
    # Requests, answers, coverages, and the organization that they all name; there are no
    # explanations of benefit at this payer.
    assert graph.ehr.data_calls == 4


async def test_a_coverage_lists_what_it_is_to_pay():
    rows = [request("ada", "q1"), request("ada", "q2", insurance=[]), coverage("ada")]
    graph = subgraph(*rows)
    answered = await graph.patients(
        "coverages { nodes { priorAuthorizations { nodes { traceNumbers { value } } } } }",
        "ada",
        caller=BILLER,
    )
    (node,) = answered["data"]["_entities"][0]["coverages"]["nodes"]
    assert node["priorAuthorizations"]["nodes"] == [{"traceNumbers": [{"value": "T-q1"}]}]


def ordered(id_: str, at: str = EHR) -> dict:
    reference = {"reference": f"{at}/MedicationRequest/{id_}"}
    return extension("requestedService", valueReference=reference)


async def test_a_request_and_the_order_it_carries_out_name_each_other():
    graph = subgraph(request("ada", "q1", item=[item(1, ordered("m1"))]))
    (node,) = await listed(graph, "id items { order { resourceType medicationRequest { id } } }")
    order = node["items"][0]["order"]
    assert order["resourceType"] == "MedicationRequest"
    sealed = order["medicationRequest"]["id"]
    seal = IdSeal(KEY)
    expected = RecordRef("ehr-a", "MedicationRequest", "m1", "e-ada")
    assert seal.open("medications", "MedicationRequest", sealed) == expected
    other = seal.seal("medications", expected._replace(id="m2"))
    found = await graph.entities(
        "... on MedicationRequest { priorAuthorization { id } }",
        *({"__typename": "MedicationRequest", "id": id_} for id_ in (sealed, other, "nonsense")),
        caller=CLINICIAN,
    )
    linked, unlinked, none = found["data"]["_entities"]
    assert linked == {"priorAuthorization": {"id": node["id"]}}
    assert unlinked == {"priorAuthorization": None}
    assert none == {"priorAuthorization": None}
    assert [e["extensions"]["code"] for e in found["errors"]] == ["NOT_FOUND"]


@pytest.mark.parametrize("at", ["https://elsewhere.example/fhir", "https://ehr-a.example/fhirs"])
async def test_an_order_that_lies_elsewhere_is_not_linked(at):
    graph = subgraph(request("ada", "q1", item=[item(1, ordered("m1", at))]))
    (node,) = await listed(graph, "items { order { medicationRequest { id } } }")
    assert node["items"][0]["order"] == {"medicationRequest": None}


async def test_prices_are_for_billing_and_the_patient():
    price = {"unitPrice": {"value": 100.5, "currency": "USD"}}
    detail = extension(
        "itemAuthorizedDetail",
        extension=[{"url": "unitPrice", "valueMoney": {"value": 90.25, "currency": "USD"}}],
    )
    rows = [request("ada", "q1", item=[item(1, **price)])]
    rows.append(answer("ada", "r1", "q1", reviewed(1, "A6", detail)))
    selection = "items { unitPrice { value } decision { authorized { unitPrice { value } } } }"
    shown = {"unitPrice": {"value": "100.5"}}
    shown["decision"] = {"authorized": {"unitPrice": {"value": "90.25"}}}
    hidden = {"unitPrice": None, "decision": {"authorized": {"unitPrice": None}}}
    for caller, expected in ((BILLER, shown), (ADA_HERSELF, shown), (CLINICIAN, hidden)):
        assert await listed(subgraph(*rows), selection, caller=caller) == [{"items": [expected]}]


@pytest.mark.parametrize(
    "caller",
    [
        pytest.param(ADA_HERSELF, id="another patient"),
        pytest.param(Caller(subject="s", roles=("scheduler",), scopes=("user/*.rs",)), id="role"),
        pytest.param(
            Caller(subject="b", roles=("biller",), scopes=("user/Coverage.rs",)), id="scope"
        ),
        pytest.param(
            Caller(subject="b", roles=("biller",), scopes=("user/Claim.rs?use=claim",)),
            id="a scope for other claims",
        ),
    ],
)
async def test_what_is_not_the_caller_s_to_see_looks_like_nothing_on_every_way(caller):
    rows = [request("bob", "q1", item=[item(1, ordered("m1"))]), coverage("bob")]
    graph = subgraph(*rows)
    seal = IdSeal(KEY)
    own = seal.seal("coverage", RecordRef("payer", "Claim", "q1", "p-bob"))
    order = seal.seal("medications", RecordRef("ehr-a", "MedicationRequest", "m1", "e-bob"))
    answered = await graph.entities(
        "... on Patient { priorAuthorizations { edges { cursor } pageInfo { hasNextPage } } } "
        "... on PriorAuthorization { state } "
        "... on MedicationRequest { priorAuthorization { state } }",
        graph.patient("bob"),
        {"__typename": "PriorAuthorization", "id": own},
        {"__typename": "MedicationRequest", "id": order},
        caller=caller,
    )
    patient, entity, ordering = answered["data"]["_entities"]
    assert patient["priorAuthorizations"] == {"edges": [], "pageInfo": {"hasNextPage": False}}
    assert (entity, ordering) == (None, {"priorAuthorization": None})


async def test_a_sensitive_reason_closes_the_request():
    reason = coded("http://hl7.org/fhir/sid/icd-10-cm", "F11.20")
    asked = request("ada", "q1", diagnosis=[{"sequence": 1, "diagnosisCodeableConcept": reason}])
    graph = subgraph(asked)
    assert await listed(graph, "id", caller=CLINICIAN) == []
    assert len(await listed(graph, "id", caller=ADA_HERSELF)) == 1


def wish(id_, name="ada", **more):
    return {
        "resourceType": "CommunicationRequest",
        "id": id_,
        "identifier": [{"value": "ACN-1"}],
        "status": "active",
        "subject": {"reference": f"Patient/p-{name}"},
        "category": [x12("755", "09")],
        "medium": [x12("756", "EL")],
        "authoredOn": "2026-11-21T10:00:00Z",
        "payload": [
            {
                "extension": [
                    extension("serviceLineNumber", valuePositiveInt=1),
                    extension("communicatedDiagnosis", valueCodeableConcept=x12("1", "G47.33")),
                    extension("contentModifier", valueCodeableConcept=x12("2", "18805-2")),
                ],
                "contentString": "Sleep study",
            }
        ],
        **more,
    }


WISHED = """requestedInformation { controlNumber authoredAt categories { coding { code } }
  media { coding { code } } contents { text itemSequence diagnoses { coding { code } }
    modifiers { coding { code } } } }"""


async def test_what_the_payer_wants_to_know_besides_is_read_and_shown():
    wanted = {"communicationRequest": [{"reference": "CommunicationRequest/w1"}]}
    graph = subgraph(
        request("ada", "q1"), answer("ada", "r1", "q1", reviewed(1, "A4"), **wanted), wish("w1")
    )
    (node,) = await listed(graph, WISHED)
    assert node["requestedInformation"] == [
        {
            "controlNumber": "ACN-1",
            "authoredAt": "2026-11-21T10:00:00Z",
            "categories": [{"coding": [{"code": "09"}]}],
            "media": [{"coding": [{"code": "EL"}]}],
            "contents": [
                {
                    "text": "Sleep study",
                    "itemSequence": 1,
                    "diagnoses": [{"coding": [{"code": "G47.33"}]}],
                    "modifiers": [{"coding": [{"code": "18805-2"}]}],
                }
            ],
        }
    ]


async def test_what_is_about_somebody_else_or_is_not_there_is_not_shown():
    wanted = {"communicationRequest": [{"reference": f"CommunicationRequest/w{n}"} for n in (1, 2)]}
    graph = subgraph(
        request("ada", "q1"),
        answer("ada", "r1", "q1", reviewed(1, "A4"), **wanted),
        wish("w1", "bob"),
    )
    (node,) = await listed(graph, WISHED)
    assert node["requestedInformation"] == []


async def test_what_many_requests_wait_for_is_one_question():
    names = [f"n{number}" for number in range(20)]
    rows = [
        row
        for name in names
        for row in (
            request(name, f"q-{name}"),
            answer(
                name,
                f"r-{name}",
                f"q-{name}",
                reviewed(1, "A4"),
                communicationRequest=[{"reference": f"CommunicationRequest/w-{name}"}],
            ),
            wish(f"w-{name}", name),
        )
    ]
    graph = subgraph(*rows)
    answered = await graph.patients(LIST % WISHED, *names, caller=BILLER)
    found = [
        each["requestedInformation"]
        for patient in answered["data"]["_entities"]
        for each in patient["priorAuthorizations"]["nodes"]
    ]
    assert [len(each) for each in found] == [1] * 20
    assert graph.ehr.paths.count("CommunicationRequest/_search") == 1


async def test_the_patient_s_condition_the_care_at_home_and_the_visit_are_shown():
    told = [
        extension(
            "conditionCode",
            extension=[
                {"url": "category", "valueCodeableConcept": x12("1136", "75")},
                {"url": "indicator", "valueBoolean": True},
                {"url": "code", "valueCodeableConcept": x12("1321", "12")},
                {"url": "code", "valueCodeableConcept": x12("1321", "14")},
            ],
        ),
        extension(
            "homeHealthCareInformation",
            extension=[
                {"url": "prognosis", "valueCodeableConcept": x12("923", "1")},
                {"url": "date", "valueDate": "2026-11-30"},
            ],
        ),
        {
            "url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-Claim.encounter",
            "valueReference": {"reference": f"{EHR}/Encounter/v1"},
        },
    ]
    selection = """conditions { category { coding { code } } applies codes { coding { code } } }
      homeHealthCare { prognosis { coding { code } } startsOn } encounter { id }"""
    (node,) = await listed(subgraph(request("ada", "q1", extension=told)), selection)
    visit = RecordRef("ehr-a", "Encounter", "v1", "e-ada")
    assert node == {
        "conditions": [
            {
                "category": {"coding": [{"code": "75"}]},
                "applies": True,
                "codes": [{"coding": [{"code": "12"}]}, {"coding": [{"code": "14"}]}],
            }
        ],
        "homeHealthCare": {"prognosis": {"coding": [{"code": "1"}]}, "startsOn": "2026-11-30"},
        "encounter": {"id": IdSeal(KEY).seal("records", visit)},
    }


@pytest.mark.parametrize("at", ["Encounter/v1", "https://elsewhere.example/fhir/Encounter/v1"])
async def test_a_visit_that_lies_elsewhere_is_not_linked(at):
    told = {
        "url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-Claim.encounter",
        "valueReference": {"reference": at},
    }
    (node,) = await listed(
        subgraph(request("ada", "q1", extension=[told])), "encounter { id } conditions { applies }"
    )
    assert node == {"encounter": None, "conditions": []}
