"""One practitioner of several sources: every record is followed, in slots, days and news."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest

from contract.context import Caller
from subgraphs.connectors.errors import TimedOut
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.gathering import Answer
from subgraphs.runtime.practitioners import Numbered
from subgraphs.runtime.sealing import RecordRef
from subgraphs.scheduling.practitioners import Practitioners
from tests.subgraphs.scheduling.test_calendars import DAY
from tests.subgraphs.scheduling.test_subscription import after, listening, push
from tests.subgraphs.test_inbox import message, person, settings, the_patient, ward

__all__ = ["settings", "ward"]
NPI = "http://hl7.org/fhir/sid/us-npi"
NUMBER, OTHER = "1234567893", "1999999984"


class Calendar:
    def __init__(self, **numbers):
        self.numbers = numbers
        self.error = None
        self.asked = 0

    async def numbers_of(self, ids):
        return self._answer({id_: [id_] for id_ in ids if id_ in self.numbers})

    async def numbered(self, numbers):
        return self._answer(
            {number: [id_ for id_, n in self.numbers.items() if n == number] for number in numbers}
        )

    def _answer(self, found):
        self.asked += 1
        if self.error:
            raise self.error
        return Answer({key: [self._row(id_) for id_ in ids] for key, ids in found.items()})

    def _row(self, id_):
        number = {"system": NPI, "value": self.numbers[id_]}
        return msgspec.convert({"id": id_, "identifier": [number]}, Numbered)


class Asking:
    class subgraph:  # noqa: N801 - as a request has it
        @staticmethod
        def now():
            return datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def calendars():
    return {"ehr-a": Calendar(dr=NUMBER, other=OTHER), "ehr-b": Calendar(y=NUMBER)}


async def test_who_has_the_same_number_is_one_and_is_asked_for_once(calendars):
    known = Practitioners(calendars, ["ward"])
    own = Link("ehr-a", "dr")
    found = await known.records_of(Asking, own)
    assert found.rows == (own, Link("ehr-b", "y"), Link("ward", NUMBER))
    assert [each.asked for each in calendars.values()] == [1, 1]
    assert await known.records_of(Asking, own) == found
    assert [each.asked for each in calendars.values()] == [1, 1]
    told = await known.records_of(Asking, Link("ehr-a", "other"), OTHER)
    assert told.rows == (Link("ehr-a", "other"), Link("ward", OTHER))


async def test_a_source_that_cannot_tell_is_told_of_and_asked_again(calendars):
    known = Practitioners(calendars, [])
    own = Link("ehr-a", "dr")
    calendars["ehr-b"].error = TimedOut("late")
    found = await known.records_of(Asking, own)
    assert found.rows == (own,)
    assert [(each.source, each.state) for each in found.sources] == [("ehr-b", "TIMEOUT")]
    calendars["ehr-b"].error = None
    found = await known.records_of(Asking, own)
    assert found.rows == (own, Link("ehr-b", "y"))
    assert found.sources == ()


def with_doctor(number: str, npi: str = NUMBER, sent_at: str = "11", hour: str = "10") -> bytes:
    sch = f"SCH|P-{number}|F-1|||||^Check-up||||^^^20270102{hour}0000+0000^20270102{hour}3000+0000"
    aip = f"AIP|1||{npi}^Attend^Ann^^^^^^NPI|||||||||"
    sent = f"20260102{sent_at}0000+0000"
    return message("SIU^S12", number, sent, sch, person(), "RGS|1", aip)


def doctor(ward):
    """Whom a feed alone knows: by an id of the directory that tells the number."""
    ids = ward.apps["scheduling"].subgraph.ids
    return ids.seal("directory", RecordRef("elsewhere", "Practitioner", "dr", NUMBER))


async def test_what_a_feed_tells_is_in_a_clinician_s_day(ward):
    await push(ward, with_doctor("B1"))
    await the_patient(ward)
    caller = Caller(
        "c", roles=("clinician",), scopes=("user/*.rs",), fhir_user="elsewhere/Practitioner/dr"
    )
    practitioners = ward.apps["scheduling"].subgraph.services.practitioners
    practitioners._calendars = {"elsewhere": Calendar(dr=NUMBER)}
    within = {"from": "2027-01-01T00:00:00Z", "to": "2027-01-08T00:00:00Z"}

    async def day(**asked):
        answer = await ward.ask("scheduling", DAY, caller, **(within | asked))
        assert not answer.errors
        return [node["start"] for node in answer.data["myAppointments"]["nodes"]]

    assert await day() == ["2027-01-02T10:00:00+00:00"]
    assert await day(to="2027-01-02T00:00:00Z") == []
    # Moved, and then given to somebody else: it is in her day no longer.
    await push(ward, with_doctor("B2", sent_at="12", hour="14"))
    assert await day() == ["2027-01-02T14:00:00+00:00"]
    await push(ward, with_doctor("B3", OTHER, sent_at="13"))
    assert await day() == []


async def test_a_feed_s_news_reach_who_listens_for_the_practitioner(ward):
    await push(ward, with_doctor("B1"))
    await the_patient(ward)
    ward.apps["scheduling"].subgraph.services.practitioners._calendars = {}
    async with listening(ward, practitioner=doctor(ward)) as events:
        answer, _ = await after(ward, events, with_doctor("B2", sent_at="12", hour="14"))
    changed = answer["data"]["appointmentChanged"]["appointment"]
    assert changed["start"] == "2027-01-02T14:00:00+00:00"
    assert json.dumps(answer).count(NUMBER) == 0
