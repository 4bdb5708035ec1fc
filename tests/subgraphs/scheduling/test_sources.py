"""Appointments of a FHIR source: asked by date where it takes one, and whose they are."""

from datetime import date

from subgraphs.connectors.errors import Rejected
from subgraphs.runtime.gathering import Answer
from subgraphs.scheduling.loaders import day_before
from subgraphs.scheduling.model import Span
from subgraphs.scheduling.sources.calendars import FhirCalendars
from subgraphs.scheduling.sources.fhir import FhirSchedule
from tests.subgraphs.sources import FhirServerHolding, SourceContract

DAY = date(2026, 11, 22)
WEEK = Span("2026-11-21T00:00:00Z", "2026-11-28T00:00:00Z")


def appointment(id_, *actors, **fields):
    return {"id": id_, "participant": [{"actor": {"reference": a}} for a in actors], **fields}


class FakeServer:
    def __init__(self, *rows, takes_date=True) -> None:
        self.rows = list(rows)
        self.takes_date = takes_date
        self.asked = []

    async def search_by(self, resource_type, param, keys, others=None):
        self.asked.append((resource_type, param, others))
        if others and not self.takes_date:
            raise Rejected(400)
        return dict.fromkeys(keys, self.rows)


async def test_asks_from_a_day_on():
    server = FakeServer()
    await FhirSchedule(server).appointments(["p1"], DAY)
    await FhirSchedule(server).appointments(["p1"], None)
    assert server.asked == [
        ("Appointment", "patient", {"date": "ge2026-11-22"}),
        ("Appointment", "patient", {}),
    ]


async def test_a_server_that_knows_no_date_is_asked_for_all_from_then_on():
    server = FakeServer(appointment("1", "Patient/p1"), takes_date=False)
    source = FhirSchedule(server)
    for _ in range(2):
        answer = await source.appointments(["p1"], DAY)
        assert [found.id for found in answer.rows["p1"]] == ["1"]
    assert [others for _, _, others in server.asked] == [{"date": "ge2026-11-22"}, {}, {}]


async def test_a_group_s_appointment_is_everyone_s_and_a_stranger_s_is_nobody_s():
    group = appointment("1", "Practitioner/d", "Patient/p1", "Patient/p2")
    answer = await FhirSchedule(FakeServer(group)).appointments(["p1", "p2", "p3"], None)
    assert [len(answer.rows[patient]) for patient in ("p1", "p2", "p3")] == [1, 1, 0]
    assert answer.damaged == {"p3"}


def test_the_day_before_any_moment():
    assert day_before("2026-11-22T00:30:00+02:00") == date(2026, 11, 20)
    assert day_before("2026") == date(2025, 12, 31)
    assert day_before("") is None


class TestFhirSchedule(SourceContract):
    def row(self, id_, patient):
        return appointment(id_, f"Patient/{patient}")

    async def ask(self, patients, held, error=None):
        return await FhirSchedule(FhirServerHolding(held, error)).appointments(patients, DAY)


class TestAppointmentsWith(SourceContract):
    """By practitioner."""

    def row(self, id_, patient):
        return appointment(id_, f"Practitioner/{patient}", start="2026-11-22T09:00:00Z")

    async def ask(self, patients, held, error=None):
        return await FhirCalendars(FhirServerHolding(held, error)).appointments_with(patients, WEEK)


class TestSchedules(SourceContract):
    """By whose they are."""

    def row(self, id_, patient):
        return {"id": id_, "actor": [{"reference": f"Practitioner/{patient}"}]}

    async def ask(self, patients, held, error=None):
        server = FhirServerHolding({_of(key): rows for key, rows in held.items()}, error)
        found = await FhirCalendars(server).schedules_of([_of(key) for key in patients])
        rows = {_key(actor): rows for actor, rows in found.rows.items()}
        return Answer(rows, frozenset(map(_key, found.damaged)))


class TestFreeSlots(SourceContract):
    """By schedule."""

    def row(self, id_, patient):
        schedule = {"reference": f"Schedule/{patient}"}
        times = {"start": "2026-11-22T09:00:00Z", "end": "2026-11-22T09:30:00Z"}
        return {"id": id_, "schedule": schedule, "status": "free", **times}

    async def ask(self, patients, held, error=None):
        return await FhirCalendars(FhirServerHolding(held, error)).free_slots(patients, WEEK)


def _of(key):
    return f"Practitioner/{key}"


def _key(actor):
    return actor.partition("/")[2]
