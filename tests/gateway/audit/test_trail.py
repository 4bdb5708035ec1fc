"""The trail: safe before an answer leaves, and unable to hide what was done to it."""

from __future__ import annotations

import asyncio
import sqlite3
import stat

import pytest

from contract.access import Refusal
from contract.audit_chain import DATABASE, AuditKeys
from contract.audit_record import AuditRecord
from contract.context import Caller
from contract.errors import Code
from gateway.audit.table import CHECKPOINTS
from gateway.audit.trail import AuditTrail
from gateway.audit.verify import Finding, Tampering, read_records, verify
from gateway.errors import BusyError
from gateway.telemetry import Metrics

KEYS = AuditKeys(chain=b"c" * 32, seal=b"s" * 32, checkpoint=b"p" * 32)
PATIENT = "lovelace-1815"


def record(number: int = 1) -> AuditRecord:
    return AuditRecord(
        request_id=f"request-{number}",
        recorded_at=1_700_000_000.0 + number,
        kind="query",
        operation_name="Summary",
        operation_hash="0" * 64,
        request='{"query":"{ me { subject } }"}',
        caller=Caller(subject="practitioner-7"),
        patients=(PATIENT,),
        refusals=(Refusal("Observation", "label"),),
        codes=(Code.SCOPE_REQUIRED,),
    )


@pytest.fixture
def metrics():
    return Metrics()


async def write(home, count: int, metrics=None) -> str:
    trail = AuditTrail(home, KEYS, metrics or Metrics())
    for number in range(1, count + 1):
        await trail.commit(record(number))
    await trail.close()
    return trail._writer._process


def execute(home, statement: str, *values) -> None:
    with sqlite3.connect(home / DATABASE) as connection:
        connection.execute(statement, values)
    connection.close()


async def test_keeps_what_it_was_told(tmp_path):
    await write(tmp_path, 3)
    assert list(read_records(tmp_path, KEYS)) == [record(1), record(2), record(3)]
    assert verify(tmp_path, KEYS) == ()


async def test_is_on_the_disk_when_commit_returns(tmp_path, metrics):
    trail = AuditTrail(tmp_path, KEYS, metrics)
    await trail.commit(record())
    assert [each.request_id for each in read_records(tmp_path, KEYS)] == ["request-1"]
    await trail.close()


async def test_commits_together_what_comes_together(tmp_path, metrics):
    trail = AuditTrail(tmp_path, KEYS, metrics)
    await asyncio.gather(*(trail.commit(record(number)) for number in range(100)))
    await trail.close()
    assert metrics.audit_records._value.get() == 100
    assert metrics.audit_commits._value.get() <= 3
    assert len(list(read_records(tmp_path, KEYS))) == 100
    assert verify(tmp_path, KEYS) == ()


async def test_stores_nothing_that_can_be_read(tmp_path):
    await write(tmp_path, 1)
    for path in tmp_path.iterdir():
        assert PATIENT.encode() not in path.read_bytes()
        assert b"practitioner-7" not in path.read_bytes()
    assert stat.S_IMODE((tmp_path / CHECKPOINTS).stat().st_mode) == 0o600


async def test_two_processes_have_a_chain_each(tmp_path):
    first = await write(tmp_path, 2)
    second = await write(tmp_path, 2)
    assert first != second
    assert verify(tmp_path, KEYS) == ()
    assert len(list(read_records(tmp_path, KEYS))) == 4


async def test_a_record_that_cannot_be_written_is_refused_and_leaves_no_gap(tmp_path, metrics):
    trail = AuditTrail(tmp_path, KEYS, metrics)
    await trail.commit(record(1))
    execute(tmp_path, "ALTER TABLE audit RENAME TO elsewhere")
    with pytest.raises(BusyError) as raised:
        await trail.commit(record(2))
    assert raised.value.code == Code.AUDIT_UNAVAILABLE
    execute(tmp_path, "ALTER TABLE elsewhere RENAME TO audit")
    await trail.commit(record(3))
    await trail.close()
    assert [each.request_id for each in read_records(tmp_path, KEYS)] == ["request-1", "request-3"]
    assert verify(tmp_path, KEYS) == ()


async def test_a_client_that_leaves_does_not_stop_the_others(tmp_path, metrics):
    trail = AuditTrail(tmp_path, KEYS, metrics)
    leaving = asyncio.create_task(trail.commit(record(1)))
    staying = asyncio.create_task(trail.commit(record(2)))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    await trail.close()
    assert len(list(read_records(tmp_path, KEYS))) == 2


async def test_whoever_waits_is_told_whatever_fails(tmp_path, monkeypatch):
    trail = AuditTrail(tmp_path, KEYS, Metrics())
    with monkeypatch.context() as broken:
        broken.setattr(trail._writer, "write", lambda _: {}["a fault of ours"])
        with pytest.raises(BusyError):
            await asyncio.wait_for(trail.commit(record()), 5)
    await trail.commit(record())
    await trail.close()
    assert len(list(read_records(tmp_path, KEYS))) == 1


async def test_closing_waits_for_records_nobody_waits_for(tmp_path):
    trail = AuditTrail(tmp_path, KEYS, Metrics())
    given_up = [asyncio.create_task(trail.commit(record(number))) for number in range(3)]
    await asyncio.sleep(0)
    for task in given_up:
        task.cancel()
    await trail.close()
    assert verify(tmp_path, KEYS) == ()
    assert len(list(read_records(tmp_path, KEYS))) == 3


async def test_says_whether_it_can_be_written(tmp_path, metrics):
    trail = AuditTrail(tmp_path, KEYS, metrics)
    assert await trail.is_writable()
    lock = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    lock.execute("PRAGMA busy_timeout = 0")
    lock.execute("BEGIN IMMEDIATE")
    trail._writer._engine.dispose()
    with trail._writer._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 1")
    assert not await trail.is_writable()
    lock.close()
    await trail.close()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param(
            "UPDATE audit SET sealed = zeroblob(200) WHERE position = 3",
            [(Tampering.EDITED, 3)],
            id="edited",
        ),
        pytest.param(
            "UPDATE audit SET mac = zeroblob(32) WHERE position = 3",
            [(Tampering.EDITED, 3)],
            id="its MAC edited",
        ),
        pytest.param(
            "UPDATE audit SET sealed = (SELECT sealed FROM audit WHERE position = 2),"
            " mac = (SELECT mac FROM audit WHERE position = 2) WHERE position = 3",
            [(Tampering.REORDERED, 3)],
            id="repeated",
        ),
        pytest.param(
            "UPDATE audit SET position = CASE position WHEN 2 THEN -4 ELSE -2 END"
            " WHERE position IN (2, 4)",
            [(Tampering.REORDERED, 2), (Tampering.REORDERED, 4)],
            id="swapped",
        ),
        pytest.param(
            "DELETE FROM audit WHERE position = 3", [(Tampering.DELETED, 3)], id="deleted"
        ),
        pytest.param(
            "DELETE FROM audit WHERE position = 1", [(Tampering.DELETED, 1)], id="first deleted"
        ),
        pytest.param(
            "DELETE FROM audit WHERE position > 3", [(Tampering.TRUNCATED, 4)], id="truncated"
        ),
        pytest.param("DELETE FROM audit", [(Tampering.TRUNCATED, 1)], id="emptied"),
    ],
)
async def test_names_what_was_done_to_it(tmp_path, statement, expected):
    process = await write(tmp_path, 5)
    execute(tmp_path, statement)
    execute(tmp_path, "UPDATE audit SET position = -position WHERE position < 0")
    assert verify(tmp_path, KEYS) == tuple(Finding(what, process, at) for what, at in expected)


async def test_a_record_of_another_process_does_not_fit(tmp_path):
    first = await write(tmp_path, 2)
    second = await write(tmp_path, 2)
    execute(
        tmp_path,
        "UPDATE audit SET sealed = (SELECT sealed FROM audit WHERE process = ? AND position = 2)"
        " WHERE process = ? AND position = 2",
        first,
        second,
    )
    assert verify(tmp_path, KEYS) == (Finding(Tampering.EDITED, second, 2),)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda lines: [lines[0], b"{}"], id="nonsense"),
        pytest.param(lambda lines: [lines[0].replace(b'"position":1', b'"position":2')], id="edit"),
        pytest.param(lambda lines: lines[1:], id="the first taken out"),
    ],
)
async def test_names_changed_checkpoints(tmp_path, change):
    await write(tmp_path, 3)
    path = tmp_path / CHECKPOINTS
    lines = path.read_bytes().splitlines()
    assert len(lines) == 2  # the first record's, and the end's
    path.write_bytes(b"\n".join(change(lines)))
    assert Tampering.CHECKPOINTS in {finding.what for finding in verify(tmp_path, KEYS)}


async def test_a_trail_without_its_key_is_of_no_use(tmp_path):
    await write(tmp_path, 1)
    other = AuditKeys(chain=b"x" * 32, seal=b"x" * 32, checkpoint=b"x" * 32)
    assert list(read_records(tmp_path, other)) == []
    assert verify(tmp_path, other)
