"""Reading the trail: what is new of it, and what of it is not what was written."""

from __future__ import annotations

import os
import sqlite3
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime

import pytest

from contract.access import GlassUse, Refusal
from contract.audit_chain import DATABASE, audit_keys
from contract.audit_record import AuditRecord
from contract.context import Caller
from contract.keys import derive_key
from gateway.audit.trail import AuditTrail
from gateway.telemetry import Metrics
from subgraphs.governance.sources.disclosures import Disclosures, Mark, Question
from subgraphs.governance.sources.trail import PAGE, TrailReader
from subgraphs.governance.store.store import open_governance_store
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.database import sqlite_url

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEYS = audit_keys(lambda purpose: derive_key(b"m" * 32, purpose))
ADA, OLD, BOB = Link("ehr-a", "ada"), Link("ehr-b", "ada-too"), Link("ehr-a", "bob")


def opened(patient: str) -> Link:
    source, _, id_ = patient.partition("/")
    return Link(source, id_)


def record(at: float, *patients: Link, purpose: str = "TREAT", **more) -> AuditRecord:
    return AuditRecord(
        request_id=f"r{at}",
        recorded_at=at,
        kind="query",
        operation_name="Summary",
        operation_hash="0" * 64,
        request='{"query": "canary-of-a-query"}',
        caller=Caller("c", roles=("clinician",), purpose=purpose),
        patients=tuple("/".join(patient) for patient in patients),
        **more,
    )


@pytest.fixture
async def written(tmp_path):
    """Write records as a gateway does, each time as another process."""

    async def write(*records: AuditRecord) -> None:
        trail = AuditTrail(tmp_path, KEYS, Metrics())
        for each in records:
            await trail.commit(each)
        await trail.close()

    return write


@pytest.fixture
def reading(tmp_path):
    @asynccontextmanager
    async def open_(url: str | None = None):
        store = await open_governance_store(
            url or sqlite_url(tmp_path, "governance"), b"k" * 32, lambda: NOW
        )
        reader = TrailReader(tmp_path, KEYS)
        yield Disclosures(store.database, store.cipher, reader, opened, lambda: NOW)
        await store.database.close()

    return open_


def asked(*links: Link, **more) -> Question:
    return Question(links, **more)


async def told(disclosures, *links, **more):
    return [each.at for each in await disclosures.page(asked(*links, **more), None, 100)]


async def test_without_a_trail_nothing_can_be_said(reading):
    async with reading() as disclosures:
        assert (await disclosures.catch_up()).state == "UNAVAILABLE"


async def test_a_patient_s_rows_under_whichever_id(written, reading):
    await written(record(1, ADA), record(2, BOB), record(3, OLD), record(4, ADA, OLD))
    async with reading() as disclosures:
        report = await disclosures.catch_up()
        assert (report.state, report.as_of) == ("OK", NOW)
        assert await told(disclosures, ADA, OLD) == [4, 3, 1]
        assert await told(disclosures, ADA) == [4, 1]
        assert await told(disclosures, BOB) == [2]
        await written(record(5, BOB))
        await disclosures.catch_up()
        assert await told(disclosures, BOB) == [5, 2]
    async with reading() as again:
        assert (await again.catch_up()).state == "OK"
        assert await told(again, BOB) == [5, 2]


async def test_spans_purposes_and_pages(written, reading):
    purposes = ["TREAT", "HPAYMT", "TREAT", "TREAT"]
    await written(*(record(at, ADA, purpose=each) for at, each in enumerate(purposes, 1)))
    await written(record(4, ADA))
    async with reading() as disclosures:
        await disclosures.catch_up()
        assert await told(disclosures, ADA, first=2, last=4) == [3, 2]
        assert await told(disclosures, ADA, purposes=("HPAYMT",)) == [2]
        counted = await disclosures.purposes(asked(ADA, OLD))
        assert [(each.purpose, each.count, each.latest) for each in counted] == [
            ("HPAYMT", 1, 2),
            ("TREAT", 4, 4),
        ]
        mark, pages = None, []
        for _ in range(5):
            (found,) = await disclosures.page(asked(ADA), mark, 1)
            mark = Mark(found.at, found.process, found.position)
            pages.append(found.at)
        assert pages == [4, 4, 3, 2, 1]
        assert await disclosures.page(asked(ADA), mark, 1) == []


async def test_more_than_a_page_of_rows_at_once(written, reading):
    await written(*(record(at, ADA) for at in range(1, PAGE * 2 + 3)))
    async with reading() as disclosures:
        assert (await disclosures.catch_up()).state == "OK"
        (counted,) = await disclosures.purposes(asked(ADA))
        assert counted.count == PAGE * 2 + 2


async def test_what_was_asked_is_not_kept_and_nothing_lies_in_clear(written, reading, tmp_path):
    refused = Refusal("Condition", "label", "/".join(ADA))
    used = GlassUse("grant-1", "Condition")
    await written(record(1, ADA, refusals=(refused,), broken=(used,)))
    async with reading() as disclosures:
        await disclosures.catch_up()
        (kept,) = await disclosures.page(asked(ADA), None, 1)
        assert (kept.refusals, kept.broken) == ((refused,), (used,))
        assert "canary" not in str(kept)
        assert (await disclosures.under(["grant-1", "other"])) == {"grant-1": [kept], "other": []}
    raw = b"".join(each.read_bytes() for each in tmp_path.glob("governance.db*"))
    for secret in (b"canary", b"ada", b"Summary", b"clinician"):
        assert secret not in raw


def change(home, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(home / DATABASE)) as trail, trail:
        trail.execute(statement, values)


TAMPERING = {
    "edited": ("UPDATE audit SET sealed = ? WHERE position = 3", os.urandom(200)),
    "mac": ("UPDATE audit SET mac = ? WHERE position = 3", os.urandom(32)),
    "deleted": ("DELETE FROM audit WHERE position = 3",),
    "moved": ("UPDATE audit SET position = position + 10 WHERE position >= 3",),
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_a_row_that_does_not_fit_is_told_for_good(written, reading, tmp_path, what):
    await written(*(record(at, ADA) for at in range(1, 7)))
    change(tmp_path, *TAMPERING[what])
    async with reading() as disclosures:
        assert (await disclosures.catch_up()).state == "INVALID"
        (broken_at,) = (await disclosures.broken_at()).values()
        assert broken_at in {3, 4, 13}
        # What opens is told all the same.
        assert {1, 2} <= set(await told(disclosures, ADA))
        await written(record(9, ADA))
        assert (await disclosures.catch_up()).state == "INVALID"
        assert 9 in await told(disclosures, ADA)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit WHERE position >= 2",
        "DELETE FROM audit WHERE position = 3",
        "DELETE FROM audit",
        "UPDATE audit SET mac = x'00' WHERE position = 3",
    ],
)
async def test_what_was_read_and_is_gone_is_told(written, reading, tmp_path, statement):
    await written(*(record(at, ADA) for at in range(1, 4)))
    async with reading() as disclosures:
        assert (await disclosures.catch_up()).state == "OK"
        change(tmp_path, statement)
        assert (await disclosures.catch_up()).state == "INVALID"
        assert await told(disclosures, ADA) == [3, 2, 1]


async def test_with_another_key_nothing_opens(written, reading, tmp_path):
    await written(record(1, ADA))
    store = await open_governance_store(sqlite_url(tmp_path, "other"), b"k" * 32, lambda: NOW)
    keys = audit_keys(lambda purpose: derive_key(b"x" * 32, purpose))
    reader = TrailReader(tmp_path, keys)
    disclosures = Disclosures(store.database, store.cipher, reader, opened, lambda: NOW)
    assert (await disclosures.catch_up()).state == "INVALID"
    assert await told(disclosures, ADA) == []
    await store.database.close()


async def test_what_is_no_database_is_unavailable(reading, tmp_path):
    (tmp_path / DATABASE).write_bytes(b"garbage" * 1000)
    async with reading() as disclosures:
        assert (await disclosures.catch_up()).state == "UNAVAILABLE"


async def test_on_postgresql(written, reading, postgres_url):
    await written(record(1, ADA), record(2, ADA, broken=(GlassUse("g", "Condition"),)))
    async with reading(postgres_url) as disclosures:
        assert (await disclosures.catch_up()).state == "OK"
        assert await told(disclosures, ADA, OLD) == [2, 1]
        assert [each.at for each in (await disclosures.under(["g"]))["g"]] == [2]
