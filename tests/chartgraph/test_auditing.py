"""`chartgraph audit`: what the home's trail says, and that it is whole."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from typer.testing import CliRunner

from chartgraph.cli import app
from contract.audit_chain import DATABASE, audit_keys
from contract.audit_record import AuditRecord
from contract.context import Caller
from gateway.audit.trail import AuditTrail
from gateway.settings import load_settings
from gateway.telemetry import Metrics

DAY = 24 * 3600.0


def record(number: int) -> AuditRecord:
    return AuditRecord(
        request_id=f"request-{number}",
        recorded_at=number * DAY,
        kind="query",
        operation_name="Summary",
        operation_hash="0" * 64,
        request='{"query":"{ me { subject } }"}',
        caller=Caller(subject="practitioner-7"),
        patients=("ada", f"patient-{number}"),
    )


async def write(home, count: int) -> None:
    trail = AuditTrail(home, audit_keys(load_settings(home=home).key), Metrics())
    for number in range(1, count + 1):
        await trail.commit(record(number))
    await trail.close()


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "master.key").write_bytes(b"m" * 32)
    monkeypatch.setenv("CHARTGRAPH_HOME", str(tmp_path))
    asyncio.run(write(tmp_path, 3))
    return tmp_path


def run(*arguments: str):
    return CliRunner().invoke(app, ["audit", *arguments])


def tamper(home, statement: str) -> None:
    with sqlite3.connect(home / DATABASE) as connection:
        connection.execute(statement)
    connection.close()


def exported(result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_whole_trail_is_whole(home):
    result = run("verify")
    assert (result.exit_code, result.stdout) == (0, "3 records, all as they were written.\n")


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("DELETE FROM audit WHERE position = 2", "deleted: record 2"),
        ("DELETE FROM audit WHERE position = 3", "truncated: record 3"),
        ("UPDATE audit SET sealed = zeroblob(60) WHERE position = 1", "edited: record 1"),
    ],
)
def test_names_what_was_done_to_it(home, statement, finding):
    tamper(home, statement)
    result = run("verify")
    assert result.exit_code == 1
    assert finding in result.stderr


def test_with_another_key_nothing_fits(home):
    (home / "master.key").write_bytes(b"x" * 32)
    assert run("verify").exit_code == 1


@pytest.mark.parametrize("command", ["verify", "export"])
def test_says_that_there_is_no_trail(tmp_path, monkeypatch, command):
    monkeypatch.setenv("CHARTGRAPH_HOME", str(tmp_path / "absent"))
    result = run(command)
    assert (result.exit_code, "no audit trail" in result.stderr) == (1, True)
    assert not (tmp_path / "absent").exists()


def test_says_that_there_is_no_key(home, monkeypatch):
    (home / "master.key").unlink()
    monkeypatch.delenv("CHARTGRAPH_MASTER_KEY", raising=False)
    result = run("verify")
    assert (result.exit_code, "CHARTGRAPH_KEY_AUDIT_CHAIN" in result.stderr) == (1, True)


def test_exports_events_that_fhir_knows(home):
    events = exported(run("export"))
    assert [each["subtype"][0]["code"] for each in events] == ["search", "read", "read"] * 3
    for event in events:
        AuditEvent.model_validate(event)


def test_exports_one_patients_reads_alone(home):
    events = exported(run("export", "--patient", "patient-2"))
    assert [each["subtype"][0]["code"] for each in events] == ["search", "read"]
    assert "ada" not in json.dumps(events)
    assert exported(run("export", "--patient", "nobody")) == []


def test_exports_a_stretch_of_time(home):
    events = exported(run("export", "--since", "1970-01-02", "--until", "1970-01-03"))
    assert {each["recorded"][:10] for each in events} == {"1970-01-02"}


def test_a_file_is_for_its_owner_alone(home, tmp_path):
    output = tmp_path / "events.ndjson"
    result = run("export", "--output", str(output))
    assert (result.exit_code, result.stdout) == (0, "")
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert len(output.read_text().splitlines()) == 9


def test_an_export_of_what_is_not_whole_says_so(home):
    tamper(home, "UPDATE audit SET sealed = zeroblob(60) WHERE position = 1")
    result = run("export")
    assert result.exit_code == 1
    assert len(exported(result)) == 6
    assert "findings" in result.stderr


def test_a_place_that_cannot_be_written_is_told(home):
    result = run("export", "--output", "/nowhere/events.ndjson")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
