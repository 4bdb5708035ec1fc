"""The encrypted store: what is kept, what takes whose place, and what the disk tells."""

import asyncio

import pytest

from subgraphs.connectors.errors import Rejected
from subgraphs.connectors.inbox.delivery import Delivery, Version
from subgraphs.connectors.inbox.server import Inbox
from subgraphs.connectors.inbox.settings import InboxSource
from subgraphs.connectors.inbox.store import inbox_url, open_inbox
from subgraphs.connectors.inbox.vault import InboxUnreadableError

KEY = b"k" * 32
MAX = {"resourceType": "Patient", "id": "max", "active": True, "name": [{"family": "Roe"}]}


@pytest.fixture
async def store(tmp_path):
    opened = await open_inbox(inbox_url(tmp_path), KEY)
    yield opened
    await opened.close()


@pytest.fixture
def inbox(store):
    return Inbox(InboxSource(id="lab", serves=("diagnostics",)), store)


def glucose(id_="o1", patient="max", at="2026-01-02T10:00:00Z", value="7.10", **others):
    return {
        "resourceType": "Observation",
        "id": id_,
        "meta": {"lastUpdated": at},
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]},
        "category": [{"coding": [{"code": "laboratory"}]}],
        "effectiveDateTime": "2026-01-02",
        "valueQuantity": {"value": value},
        **others,
    }


def delivery(number, *resources, **retired):
    return Delivery(("LAB", str(number)), resources, retired)


async def ids(inbox, patient, **others):
    found = await inbox.search_by("Observation", "patient", [patient], others)
    return sorted(row["id"] for row in found[patient])


async def test_a_message_is_taken_once(store, inbox):
    assert await store.take("lab", delivery(1, MAX, glucose()))
    assert not await store.take("lab", delivery(1, glucose("o2")))
    assert await store.take("ward", delivery(1, MAX))
    assert await ids(inbox, "max") == ["o1"]


async def test_of_two_that_bring_it_at_once_one_is_first(store):
    taken = await asyncio.gather(*(store.take("lab", delivery(1, MAX)) for _ in range(8)))
    assert sorted(taken) == [False] * 7 + [True]


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        ("2026-01-02T10:00:00Z", "2026-01-02T11:00:00Z", "second"),
        ("2026-01-02T11:00:00Z", "2026-01-02T10:00:00Z", "first"),
        ("2026-01-02T10:00:00Z", "2026-01-02T10:00:00Z", "second"),
        ("2026-01-02T10:00:00-05:00", "2026-01-02T11:00:00Z", "first"),
        (None, "2026-01-02", "second"),
        ("2026-01-02", None, "first"),
    ],
)
async def test_the_later_one_holds_in_whichever_order_they_come(store, inbox, first, second, shown):
    await store.take("lab", delivery(1, glucose(at=first, value="first")))
    await store.take("lab", delivery(2, glucose(at=second, value="second")))
    found = await inbox.search_by("Observation", "patient", ["max"])
    assert [row["valueQuantity"]["value"] for row in found["max"]] == [shown]


async def test_all_of_a_message_or_nothing(store, inbox):
    nobodys = {**glucose("o2"), "subject": {}}
    with pytest.raises(RuntimeError):
        await store.take("lab", delivery(1, glucose(), nobodys))
    assert await ids(inbox, "max") == []
    assert await store.take("lab", delivery(1, glucose()))


async def test_facts_follow_a_merge_and_so_do_those_that_come_late(store, inbox):
    await store.take("lab", delivery(1, {**MAX, "id": "old"}, glucose("o1", "old")))
    await store.take("lab", delivery(2, MAX, old="max"))
    await store.take("lab", delivery(3, glucose("o3", "old")))
    older = {**MAX, "id": "older"}
    await store.take("lab", delivery(4, older, glucose("o4", "older"), older="old"))
    assert await ids(inbox, "max") == ["o1", "o3", "o4"]
    assert await ids(inbox, "old") == []
    found = await inbox.search_by("Observation", "patient", ["max"])
    assert {row["subject"]["reference"] for row in found["max"]} == {"Patient/max"}


async def test_who_was_merged_is_told_by_whom_they_are_replaced(store, inbox):
    await store.take("lab", delivery(1, {**MAX, "id": "old"}, MAX))
    await store.take("lab", delivery(2, MAX, old="max"))
    patients = await inbox.read("Patient", ["old", "max"])
    assert patients["max"]["active"]
    assert not patients["old"]["active"]
    replaced = {"other": {"reference": "Patient/max"}, "type": "replaced-by"}
    assert patients["old"]["link"] == [replaced]


async def test_merged_back_and_forth_is_no_circle(store, inbox):
    await store.take("lab", delivery(1, MAX, {**MAX, "id": "old"}, glucose("o1", "old")))
    await store.take("lab", delivery(2, old="max"))
    await store.take("lab", delivery(3, max="old"))
    await store.take("lab", delivery(4, glucose("o4", "old"), glucose("o5", "max")))
    assert sorted(await ids(inbox, "max") + await ids(inbox, "old")) == ["o1", "o4", "o5"]


async def test_searches_by_token_and_date(store, inbox):
    sodium = {"coding": [{"system": "http://loinc.org", "code": "2951-2"}]}
    await store.take(
        "lab", delivery(1, glucose(), glucose("o2", code=sodium, effectiveDateTime="2025"))
    )
    assert await ids(inbox, "max", code="2345-7") == ["o1"]
    assert await ids(inbox, "max", code="http://loinc.org|2951-2,x") == ["o2"]
    assert await ids(inbox, "max", category="laboratory") == ["o1", "o2"]
    assert await ids(inbox, "max", date="ge2026-01-01") == ["o1"]
    assert await ids(inbox, "max", _count="1") == ["o1", "o2"]
    assert (await inbox.search_by("Observation", "patient", ["nobody"])) == {"nobody": []}
    assert (await inbox.search_by("Observation", "_id", ["o2", "no"]))["no"] == []
    latest = await inbox.latest_by("Observation", "patient", ["max"], sort="-date")
    assert [row["id"] for row in latest["max"]] == ["o1"]


async def test_what_is_pushed_contains_what_it_refers_to(store, inbox):
    orders = [
        {"resourceType": "MedicationRequest", "id": intent, "intent": intent}
        | {"subject": {"reference": "Patient/max"}}
        for intent in ("order", "plan")
    ]
    await store.take("lab", delivery(1, *orders))
    asked = {"intent": "order,proposal", "_include": "MedicationRequest:medication"}
    found = await inbox.search_including("MedicationRequest", "patient", ["max"], asked)
    assert found == ({"max": [orders[0]]}, [])


async def test_the_latest_is_so_in_whichever_zone_it_is_told(store, inbox):
    early = glucose("early", effectiveDateTime="2026-01-02T23:00:00+02:00")
    late = glucose("late", effectiveDateTime="2026-01-02T22:00:00Z")
    undated = glucose("undated")
    del undated["effectiveDateTime"]
    await store.take("lab", delivery(1, undated, early, late))
    found = await inbox.latest_by("Observation", "patient", ["max"], sort="-date", per_key=3)
    assert [row["id"] for row in found["max"]] == ["late", "early", "undated"]
    assert await ids(inbox, "max", date="ge2026-01-01") == ["early", "late"]


async def test_a_year_counts_if_any_of_its_days_may(store, inbox):
    await store.take("lab", delivery(1, glucose(effectiveDateTime="2026")))
    assert await ids(inbox, "max", date="ge2026-05-01") == ["o1"]
    assert await ids(inbox, "max", date="ge2027-01-01") == []


async def test_keys_may_come_one_by_one(store, inbox):
    await store.take("lab", delivery(1, glucose()))
    found = await inbox.search_by("Observation", "_id", iter(["o1", "no"]))
    assert [len(found["o1"]), len(found["no"])] == [1, 0]


@pytest.mark.parametrize("others", [{"performer": "x"}, {"date": "le2026"}, {"code:in": "x"}])
async def test_what_is_not_known_is_declined_and_not_ignored(inbox, others):
    with pytest.raises(Rejected):
        await inbox.search_by("Observation", "patient", ["max"], others)


async def test_a_crawl_reads_everybody_in_pages(store, inbox, monkeypatch):
    monkeypatch.setattr("subgraphs.connectors.inbox.server.PAGE", 2)
    await store.take("lab", delivery(1, *({**MAX, "id": f"p{n}"} for n in range(5))))
    pages = [[row["id"] for row in page] async for page in inbox.crawl("Patient")]
    assert pages == [["p0", "p1"], ["p2", "p3"], ["p4"]]


async def test_the_disk_tells_nothing_of_a_person(store, tmp_path):
    number = store.name("lab", "patient", "CLINIC", "MRN-778")
    await store.take("lab", delivery("MRN-778", {**MAX, "id": number}, glucose("o1", number)))
    await store.close()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert number.encode() in written
    assert not [word for word in (b"Roe", b"MRN-778", b"7.10", b"2345-7") if word in written]


async def test_another_key_cannot_read_it(store, inbox, tmp_path):
    await store.take("lab", delivery(1, glucose()))
    other = await open_inbox(inbox_url(tmp_path), b"x" * 32)
    with pytest.raises(InboxUnreadableError):
        await Inbox(inbox.config, other).search_by("Observation", "patient", ["max"])
    assert other.name("lab", "a") != store.name("lab", "a")
    assert store.name("lab", "ab", "c") != store.name("lab", "a", "bc")
    await other.close()


def version(number, *resources, at="2026-01-02T10:00:00Z", key=None):
    return Delivery(
        ("C-CDA", str(key or number), at), resources, version=Version(("set",), number, at)
    )


async def test_a_later_version_drops_what_it_does_not_tell(store, inbox):
    assert await store.take("lab", version(1, MAX, glucose("o1"), glucose("o2")))
    assert await store.take("lab", delivery(9, glucose("o9")))
    assert await store.take("lab", version(2, MAX, glucose("o2"), glucose("o3")))
    assert await ids(inbox, "max") == ["o2", "o3", "o9"]


async def test_a_former_version_that_comes_late_changes_nothing(store, inbox):
    assert await store.take("lab", version(2, MAX, glucose("o2")))
    assert not await store.take("lab", version(1, MAX, glucose("o1"), at="2027-01-01T00:00:00Z"))
    assert await ids(inbox, "max") == ["o2"]
    assert await store.take("lab", version(2, MAX, at="2027-01-01T00:00:00Z"))
    assert await ids(inbox, "max") == []
    # In another source it is another series.
    assert await store.take("ward", version(1, MAX, glucose("o1")))


async def test_a_version_of_which_nothing_is_kept_but_the_patient_may_be_followed(store, inbox):
    assert await store.take("lab", version(1, MAX))
    assert await store.take("lab", version(2, MAX, glucose("o1")))
    assert await ids(inbox, "max") == ["o1"]


async def test_versions_that_come_at_once_leave_the_last(store, inbox):
    versions = [version(n, MAX, glucose(f"o{n}")) for n in range(1, 9)]
    await asyncio.gather(*(store.take("lab", each) for each in versions))
    assert await ids(inbox, "max") == ["o8"]


async def test_what_calls_its_subject_patient_is_theirs(store, inbox):
    allergy = {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "patient": {"reference": "Patient/max"},
    }
    await store.take("lab", delivery(1, MAX, allergy))
    found = await inbox.search_by("AllergyIntolerance", "patient", ["max"])
    assert found == {"max": [allergy]}


async def test_a_period_is_a_date_and_a_code_may_be_missing(store, inbox):
    period = {"effectiveDateTime": None, "effectivePeriod": {"start": "2026-03-01"}}
    row = {**glucose("o1", **period), "code": {"coding": [{"display": "x"}], "text": "x"}}
    del row["effectiveDateTime"]
    await store.take("lab", delivery(1, MAX, row))
    assert await ids(inbox, "max", date="ge2026-02") == ["o1"]
    assert await ids(inbox, "max", date="ge2026-04") == []
    assert await ids(inbox, "max", code="2345-7") == []
