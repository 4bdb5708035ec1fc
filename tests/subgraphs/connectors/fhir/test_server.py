"""The FHIR connector against servers that offer much, little, or less than they say."""

import asyncio
import json
from decimal import Decimal

import httpx2
import pytest

from chartgraph.testing.connectors import PHI, ConnectorContract
from chartgraph.testing.scripted import HANGS, Scripted
from subgraphs.connectors.errors import ProtocolViolation, Rejected, TimedOut
from subgraphs.connectors.fhir import asking, offers
from subgraphs.connectors.fhir.server import FhirServer
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.connectors.transport import open_client
from tests.subgraphs.connectors.fhir.ehr import BASE, HL7, Ehr, observation

PATIENTS = [f"p{number}" for number in range(50)]


def source(**settings) -> FhirSource:
    return FhirSource(id="ehr-a", url=BASE, serves=("records",), **settings)


def connect(ehr: Ehr, **settings) -> FhirServer:
    config = source(**settings)
    return FhirServer(config, open_client(config, network=ehr.network))


def three_each() -> list[dict]:
    return [
        observation(f"{patient}-{n}", patient, when=n) for patient in PATIENTS for n in range(3)
    ]


def ids(rows: dict[str, list[dict]]) -> dict[str, list[str]]:
    return {key: [row["id"] for row in found] for key, found in rows.items()}


EVERY = {patient: [f"{patient}-{n}" for n in range(3)] for patient in PATIENTS}
NEWEST = {patient: [f"{patient}-2"] for patient in PATIENTS}

OFFERS = {
    "or and batch": {},
    "or": {"says_batch": False, "takes_batch": False},
    "batch": {"says_or": False, "takes_or": False},
    "neither": {"says_or": False, "takes_or": False, "says_batch": False, "takes_batch": False},
    "less than it says": {"takes_or": False, "takes_batch": False},
}


class TestTheContract(ConnectorContract):
    def config(self):
        return source()

    def good(self):
        row = observation("1", "p1", note=PHI)
        entry = [{"resource": row}]
        return httpx2.Response(200, json={"type": "searchset", "entry": entry})

    async def ask(self, client):
        rows = await FhirServer(source(), client).search_by(
            "Observation", "patient", ["p1"], {"code": PHI}
        )
        return rows["p1"]

    async def test_a_next_link_to_another_server_gets_no_token(self):
        links = [{"relation": "next", "url": f"https://evil.example/?name={PHI}"}]
        with pytest.raises(ProtocolViolation, match="another server"):
            await self.asked(httpx2.Response(200, json={"type": "searchset", "link": links}))
        assert len(self.server.requests) == 1


@pytest.mark.parametrize("offer", OFFERS)
async def test_gives_every_row_of_every_key_whatever_the_server_offers(offer):
    ehr = Ehr(three_each(), **OFFERS[offer])
    rows = await connect(ehr).search_by("Observation", "patient", [*PATIENTS, "unknown"])
    assert ids(rows) == EVERY | {"unknown": []}


@pytest.mark.parametrize("offer", OFFERS)
async def test_gives_the_newest_row_of_every_key_whatever_the_server_offers(offer):
    ehr = Ehr(three_each(), **OFFERS[offer])
    rows = await connect(ehr).latest_by("Observation", "patient", PATIENTS, sort="-date")
    assert ids(rows) == NEWEST


@pytest.mark.parametrize("definitions", [f"{BASE}/SearchParameter", HL7])
async def test_finds_out_that_lists_are_taken(definitions):
    ehr = Ehr(three_each(), definitions=definitions, **OFFERS["or"])
    await connect(ehr).latest_by("Observation", "patient", PATIENTS, sort="-date")
    assert ehr.paths[-1] == "Observation/_search"
    assert ehr.metadata_calls == 2


@pytest.mark.parametrize("definition", [None, f"{HL7}/unknown", f"{BASE}/SearchParameter/none"])
async def test_what_is_not_defined_is_not_offered(definition):
    ehr = Ehr(three_each(), **OFFERS["neither"])
    param = {"name": "patient"} | ({"definition": definition} if definition else {})
    resource = {"type": "Observation", "searchParam": [param]}
    statement = {"resourceType": "CapabilityStatement", "rest": [{"resource": [resource]}]}

    def respond(request: httpx2.Request) -> httpx2.Response:
        if "SearchParameter" in request.url.path:
            return httpx2.Response(404)
        if "metadata" in request.url.path:
            return httpx2.Response(200, json=statement)
        return ehr.answer(request)

    server = FhirServer(source(), open_client(source(), network=httpx2.MockTransport(respond)))
    assert ids(await server.search_by("Observation", "patient", PATIENTS)) == EVERY
    assert ehr.data_calls == len(PATIENTS)


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(404),
        httpx2.Response(403),
        # As Medplum's router has it: another resource.
        httpx2.Response(200, json={"resourceType": "Bundle", "type": "searchset", "total": 0}),
    ],
)
async def test_without_a_statement_nothing_is_offered(answer):
    ehr = Ehr(three_each(), **OFFERS["neither"])

    def respond(request: httpx2.Request) -> httpx2.Response:
        return answer if "metadata" in request.url.path else ehr.answer(request)

    server = FhirServer(source(), open_client(source(), network=httpx2.MockTransport(respond)))
    assert ids(await server.search_by("Observation", "patient", PATIENTS)) == EVERY


@pytest.mark.parametrize(
    ("offer", "calls"), [("or and batch", 1), ("or", 1), ("batch", 1), ("neither", 50)]
)
async def test_fifty_patients_take_one_call(offer, calls):
    ehr = Ehr([observation(patient, patient) for patient in PATIENTS], **OFFERS[offer])
    await connect(ehr).search_by("Observation", "patient", PATIENTS)
    assert ehr.data_calls == calls


@pytest.mark.parametrize(
    ("offer", "calls"), [("or and batch", 1), ("or", 2), ("batch", 1), ("neither", 50)]
)
async def test_the_newest_rows_of_fifty_patients_take_at_most_two_calls(offer, calls):
    # One patient has more new rows than a page holds; by OR list the others need a second call.
    crowd = [observation(f"crowd-{n}", "p0", when=100 + n) for n in range(100)]
    ehr = Ehr([*crowd, *three_each()], **OFFERS[offer])
    rows = await connect(ehr).latest_by("Observation", "patient", PATIENTS, sort="-date")
    assert ids(rows) == NEWEST | {"p0": ["crowd-99"]}
    assert ehr.data_calls == calls


async def test_crowded_or_lists_end_after_a_bounded_number_of_calls():
    crowds = [
        observation(f"{patient}-{n}", patient, when=1000 - 10 * order - n)
        for order, patient in enumerate(PATIENTS)
        for n in range(5)
    ]
    ehr = Ehr(crowds, page_cap=5, **OFFERS["or"])
    rows = await connect(ehr).latest_by("Observation", "patient", PATIENTS, sort="-date")
    assert ids(rows) == {patient: [f"{patient}-0"] for patient in PATIENTS}
    # Each crowded page settles one patient; the others are then asked one by one.
    assert ehr.data_calls == asking.OR_ROUNDS + len(PATIENTS) - asking.OR_ROUNDS


@pytest.mark.parametrize("offer", OFFERS)
async def test_more_than_one_row_per_key(offer):
    ehr = Ehr(three_each(), page_cap=100, **OFFERS[offer])
    rows = await connect(ehr).latest_by("Observation", "patient", PATIENTS, sort="-date", per_key=2)
    assert ids(rows) == {patient: [f"{patient}-2", f"{patient}-1"] for patient in PATIENTS}


async def test_a_patient_without_rows_costs_no_call_of_its_own():
    ehr = Ehr([observation("1", "p0")], **OFFERS["or"])
    rows = await connect(ehr).latest_by("Observation", "patient", PATIENTS, sort="-date")
    assert (len(rows), ehr.data_calls) == (50, 1)


async def test_pages_are_walked_in_every_way():
    for offer in OFFERS.values():
        ehr = Ehr(three_each(), page_cap=2, **offer)
        assert ids(await connect(ehr).search_by("Observation", "patient", PATIENTS)) == EVERY


async def test_rows_that_crowd_a_list_go_by_batch_and_so_from_then_on():
    ehr = Ehr(three_each(), page_cap=50)
    server = connect(ehr)
    for count in (20, 20, 10, 50):
        rows = await server.search_by("Observation", "patient", PATIENTS[:count])
        assert ids(rows) == {patient: EVERY[patient] for patient in PATIENTS[:count]}
    asked = [path for path in ehr.paths if not path.startswith(("metadata", "SearchParameter"))]
    # A list that is crowded, so a batch; a batch at once; a list for a few; a batch for many.
    assert asked == ["Observation/_search", "", "", "Observation/_search", ""]


async def test_a_crowded_list_is_walked_where_there_are_no_batches():
    ehr = Ehr(three_each(), page_cap=100, **OFFERS["or"])
    assert ids(await connect(ehr).search_by("Observation", "patient", PATIENTS)) == EVERY
    assert ehr.data_calls == 2


async def test_remembers_that_a_way_was_declined():
    ehr = Ehr(three_each(), takes_or=False)
    server = connect(ehr)
    await server.search_by("Observation", "patient", PATIENTS[:20])
    assert ehr.data_calls == 2  # the OR list, then the batch
    await server.search_by("Observation", "patient", PATIENTS[:20])
    assert ehr.data_calls == 3


async def test_a_batch_that_is_not_permitted_is_another_way_declined():
    ehr = Ehr(three_each(), permits_batch=False)
    rows = await connect(ehr).latest_by("Observation", "patient", PATIENTS, sort="-date")
    assert ids(rows) == NEWEST
    assert ehr.paths[-1] == "Observation/_search"


async def test_a_list_that_was_declined_is_not_sent_again():
    ehr = Ehr(three_each(), takes_or=False, takes_batch=False)
    await connect(ehr).search_by("Observation", "patient", PATIENTS[:20])
    assert ehr.data_calls == 1 + 1 + 20


async def test_a_crowded_list_is_walked_after_all_where_the_batch_is_declined():
    ehr = Ehr(three_each(), page_cap=50, takes_batch=False)
    rows = await connect(ehr).search_by("Observation", "patient", PATIENTS[:20])
    assert ids(rows) == {patient: EVERY[patient] for patient in PATIENTS[:20]}
    assert ehr.data_calls == 1 + 1 + 2


async def test_a_question_no_way_can_answer_withdraws_none():
    ehr = Ehr(three_each(), declines=True)
    server = connect(ehr)
    with pytest.raises(Rejected):
        await server.search_by("Observation", "patient", ["p0", "p1"], {"nonsense": "1"})
    ehr.declines, ehr.data_calls = False, 0
    await server.search_by("Observation", "patient", ["p0", "p1"])
    assert (ehr.data_calls, ehr.paths[-1]) == (1, "Observation/_search")


async def test_the_operator_may_overrule_the_statement():
    ehr = Ehr(three_each(), says_or=False, says_batch=False)
    await connect(ehr, multiple_or="yes").search_by("Observation", "patient", PATIENTS)
    assert ehr.paths == ["metadata", "Observation/_search", "Observation"]
    ehr = Ehr(three_each())
    await connect(ehr, multiple_or="no").search_by("Observation", "patient", PATIENTS)
    assert ehr.paths == ["metadata", ""]


async def test_a_server_that_changes_its_offer_is_followed(monkeypatch):
    monkeypatch.setattr(offers, "FRESH", 0)
    ehr = Ehr(three_each())
    server = connect(ehr)
    calls = []
    for change in ("batch", "or", "batch", "neither", "or", "or and batch"):
        for name in ("says_or", "takes_or", "says_batch", "takes_batch"):
            setattr(ehr, name, OFFERS[change].get(name, True))
        ehr.data_calls = 0
        rows = await server.latest_by("Observation", "patient", PATIENTS, sort="-date")
        assert ids(rows) == NEWEST
        calls.append(ehr.data_calls)
    # A way that is gone costs the one call that is declined.
    assert calls == [1, 1 + 1, 1 + 1, 1 + 50, 1, 1]


async def test_capabilities_are_read_once_for_all():
    ehr = Ehr(three_each())
    server = connect(ehr)
    for _ in range(3):
        await server.search_by("Observation", "patient", PATIENTS[:20])
        await server.latest_by("Observation", "patient", PATIENTS[:20], sort="-date")
    assert ehr.metadata_calls == 2  # the statement, and what `patient` is


async def test_a_server_that_hangs_is_waited_for_once():
    network = Scripted([HANGS])
    config = source(timeout=0.05)
    server = FhirServer(config, open_client(config, network=network))
    questions = [server.search_by(f"Type{n}", "patient", PATIENTS) for n in range(5)]
    outcomes = await asyncio.gather(*questions, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {TimedOut}
    assert len(network.requests) == 1


async def test_one_key_needs_no_capabilities():
    ehr = Ehr(three_each())
    await connect(ehr).search_by("Observation", "patient", ["p1"])
    assert ehr.paths == ["Observation/_search"]


async def test_no_keys_no_call():
    ehr = Ehr(three_each())
    server = connect(ehr)
    assert await server.search_by("Observation", "patient", []) == {}
    assert await server.latest_by("Observation", "patient", [], sort="-date") == {}
    assert await server.read("Observation", []) == {}
    assert ehr.paths == []


async def test_many_keys_go_in_chunks():
    many = [f"q{n}" for n in range(250)]
    ehr = Ehr([observation(patient, patient) for patient in many])
    rows = await connect(ehr).search_by("Observation", "patient", many)
    assert (len(rows), all(rows.values()), ehr.data_calls) == (250, True, 3)


async def test_reads_by_id_and_leaves_out_what_is_absent():
    ehr = Ehr(three_each())
    found = await connect(ehr).read("Observation", ["p1-0", "p2-1", "gone"])
    assert {id_: row["id"] for id_, row in found.items()} == {"p1-0": "p1-0", "p2-1": "p2-1"}
    assert ehr.data_calls == 1


@pytest.mark.parametrize("offer", OFFERS)
async def test_wants_to_be_told_of_parameters_that_are_not_known(offer):
    ehr = Ehr(three_each(), **OFFERS[offer])
    headers = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        headers.append((request.method, request.headers.get("Prefer")))
        return ehr.answer(request)

    server = FhirServer(source(), open_client(source(), network=httpx2.MockTransport(respond)))
    await server.search_by("Observation", "patient", PATIENTS)
    assert {prefer for method, prefer in headers if method == "POST"} == {"handling=strict"}


async def test_crawls_page_by_page():
    ehr = Ehr(three_each())
    pages = [page async for page in connect(ehr, page_size=60).crawl("Observation")]
    assert [len(page) for page in pages] == [60, 60, 30]


async def test_rows_of_nobody_who_was_asked_for_are_dropped():
    def careless(_: httpx2.Request) -> httpx2.Response:
        rows = [
            observation("mine", "p1"),
            observation("foreign", "p2"),
            observation("elsewhere", "p1")
            | {"subject": {"reference": "https://x.example/Patient/p1"}},
            observation("group", "p1") | {"subject": {"reference": "Group/p1"}},
            observation("nobody", "p1") | {"subject": {}},
            observation("other type", "p1") | {"resourceType": "Condition"},
            observation("mine", "p1"),
        ]
        entry = [{"resource": row} for row in rows]
        return httpx2.Response(200, json={"type": "searchset", "entry": entry})

    server = FhirServer(source(), open_client(source(), network=httpx2.MockTransport(careless)))
    assert ids(await server.search_by("Observation", "patient", ["p1"])) == {"p1": ["mine"]}


async def test_an_absolute_reference_below_the_servers_own_url_counts():
    row = observation("1", "p1") | {"subject": {"reference": f"{BASE}/Patient/p1/_history/3"}}
    answer = {"type": "searchset", "entry": [{"resource": row}]}
    network = httpx2.MockTransport(lambda _: httpx2.Response(200, json=answer))
    server = FhirServer(source(), open_client(source(), network=network))
    assert ids(await server.search_by("Observation", "patient", ["p1"])) == {"p1": ["1"]}


async def test_an_appointment_belongs_to_each_patient_who_takes_part():
    actors = ["Patient/p1", "Practitioner/p2", "Patient/p3", "Patient/p1"]
    row = {
        "resourceType": "Appointment",
        "id": "1",
        "participant": [{"actor": {"reference": actor}} for actor in actors],
    }
    answer = {"type": "searchset", "entry": [{"resource": row}]}
    network = httpx2.MockTransport(lambda _: httpx2.Response(200, json=answer))
    config = source(multiple_or="yes")
    server = FhirServer(config, open_client(config, network=network))
    rows = await server.search_by("Appointment", "patient", ["p1", "p2", "p3"])
    assert ids(rows) == {"p1": ["1"], "p2": [], "p3": ["1"]}


async def test_decimals_keep_every_digit():
    text = (
        '{"type":"searchset","entry":[{"resource":{"resourceType":"Observation","id":"1",'
        '"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":72.50}}}]}'
    )
    headers = {"Content-Type": "application/fhir+json"}
    network = httpx2.MockTransport(lambda _: httpx2.Response(200, text=text, headers=headers))
    server = FhirServer(source(), open_client(source(), network=network))
    rows = await server.search_by("Observation", "patient", ["p1"])
    value = rows["p1"][0]["valueQuantity"]["value"]
    assert isinstance(value, Decimal)
    assert str(value) == "72.50"


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ({"type": "searchset"}, "batch-response"),
        ({"type": "batch-response", "entry": []}, "entry by entry"),
        (
            {"type": "batch-response", "entry": [{"response": {"status": PHI}}] * 2},
            "without a status",
        ),
        ({"type": "batch-response", "entry": [{"response": {"status": "200"}}] * 2}, "searchset"),
    ],
)
async def test_refuses_a_batch_answered_otherwise(answer, complaint):
    statement = {
        "resourceType": "CapabilityStatement",
        "rest": [{"interaction": [{"code": "batch"}]}],
    }

    def respond(request: httpx2.Request) -> httpx2.Response:
        is_metadata = request.url.path.endswith("metadata")
        return httpx2.Response(
            200,
            text=json.dumps(statement if is_metadata else answer),
            headers={"Content-Type": "application/fhir+json"},
        )

    server = FhirServer(source(), open_client(source(), network=httpx2.MockTransport(respond)))
    with pytest.raises(ProtocolViolation, match=complaint):
        await server.search_by("Observation", "patient", ["p1", "p2"])


@pytest.mark.parametrize("offer", OFFERS)
async def test_what_is_included_comes_along_in_every_way_of_asking(offer):
    """With the same calls, and never as a row: not even what looks like one."""
    brings = [{"resourceType": "Medication", "id": "m1"}, observation("other", "p1")]
    plain, including = (Ehr(three_each(), brings=brings, **OFFERS[offer]) for _ in range(2))
    expected = await connect(plain).search_by("Observation", "patient", PATIENTS)
    rows, included = await connect(including).search_including(
        "Observation", "patient", PATIENTS, {"_include": "Observation:part"}
    )
    assert ids(rows) == ids(expected) == EVERY
    assert {row["id"] for row in included} == {"m1", "other"}
    assert including.data_calls == plain.data_calls


async def test_what_is_included_on_later_pages_counts_too():
    server = Ehr(three_each(), brings=[{"resourceType": "Medication", "id": "m1"}], page_cap=2)
    rows, included = await connect(server).search_including(
        "Observation", "patient", ["p1"], {"_include": "Observation:part"}
    )
    assert ids(rows) == {"p1": EVERY["p1"]}
    assert [row["id"] for row in included] == ["m1", "m1"]
