"""Every answer has its record, with whose data it holds and why; without one nothing leaves."""

from __future__ import annotations

import json
import sqlite3
import time

import pytest

from contract.audit_chain import DATABASE, audit_keys
from contract.errors import Code
from contract.keys import KeyRing
from gateway.audit.table import CHECKPOINTS
from gateway.audit.verify import Tampering, read_records, verify
from tests.plugins.demo import running_demo

PURPOSES = {
    "clinician": "TREAT",
    "patient": "PATRQT",
    "biller": "HPAYMT",
    "privacy-officer": "HCOMPL",
}
QUESTIONS = [
    pytest.param("{ me { subject } }", id="nobody's data"),
    pytest.param("{ patients(first: 2) { nodes { id } } }", id="a page"),
    pytest.param(
        "{ patients(first: 2) { nodes { id conditions { nodes { id } } } } }", id="two subgraphs"
    ),
    pytest.param("{ __typename }", id="no data at all"),
    pytest.param('{ patient(id: "AAAA") { id } }', id="nobody there"),
    pytest.param("{ patients(first: 2) { nodes { ssn } } }", id="refused"),
]


def keys_of(home):
    return audit_keys(KeyRing((home / "master.key").read_bytes(), {}).key)


def records(demo):
    return sorted(read_records(demo.home, keys_of(demo.home)), key=lambda each: each.recorded_at)


def shown(value):
    """Ids of the patients in an answer."""
    return {node["id"] for node in value["patients"]["nodes"] if "id" in node}


@pytest.mark.parametrize("persona", PURPOSES)
@pytest.mark.parametrize("query", QUESTIONS)
def test_every_answered_operation_has_its_record(demo, persona, query):
    before = len(records(demo))
    response = demo.post({"query": query}, persona)
    (record,) = records(demo)[before:]
    assert record.caller.purpose == PURPOSES[persona]
    assert record.caller.client_id == "chartgraph-web"
    assert record.request_id == response.headers["x-request-id"]
    assert json.loads(record.request) == {"query": query, "variables": {}}
    answer = response.json()
    assert set(record.codes) == {e["extensions"]["code"] for e in answer.get("errors", ())}
    if "{ id" in query and (answer["data"] or {}).get("patients"):
        assert set(record.patients) == shown(answer["data"])
    if "patients" not in query:
        assert record.patients == ()
    if "ssn" in query:
        assert record.denials == ("Patient.ssn",)


def test_of_a_record_that_is_withheld_the_reason_is_kept_and_not_the_record(demo):
    demo.ask("{ patients(first: 100) { nodes { conditions { nodes { id } } } } }")
    record = records(demo)[-1]
    assert {(each.type, each.reason) for each in record.refusals} == {("Condition", "label")}


def test_what_was_not_answered_has_no_record(demo):
    before = len(records(demo))
    for body in ({"query": "{ nope }"}, {"query": "{"}, {"documentId": "none"}, []):
        demo.post(body)
    demo.post({"query": "{ me { subject } }"}, None)
    assert len(records(demo)) == before


@pytest.fixture(scope="module")
def tampered(tmp_path_factory):
    """A demo of its own, whose audit is broken into."""
    with running_demo(tmp_path_factory.mktemp("tampered")) as demo:
        yield demo


def stated_to_the_end(home):
    """Wait until a checkpoint covers the last record, though nobody asks anything any more."""
    connection = sqlite3.connect(home / DATABASE)
    [[last]] = connection.execute("SELECT max(position) FROM audit")
    connection.close()
    deadline = time.monotonic() + 30
    while True:
        *_, line = (home / CHECKPOINTS).read_bytes().splitlines()
        if json.loads(line)["statement"]["position"] == last:
            return
        assert time.monotonic() < deadline, "the end of the chain is not stated"
        time.sleep(0.05)


def execute(home, *statements):
    connection = sqlite3.connect(home / DATABASE)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (
            ["UPDATE audit SET sealed = zeroblob(length(sealed)) WHERE position = 3"],
            {Tampering.EDITED},
        ),
        (["UPDATE audit SET mac = zeroblob(32) WHERE position = 3"], {Tampering.EDITED}),
        (["DELETE FROM audit WHERE position = 3"], {Tampering.DELETED}),
        (
            [
                "UPDATE audit SET position = 900 WHERE position = 2",
                "UPDATE audit SET position = 2 WHERE position = 3",
                "UPDATE audit SET position = 3 WHERE position = 900",
            ],
            {Tampering.REORDERED},
        ),
        (["DELETE FROM audit WHERE position > 2"], {Tampering.TRUNCATED}),
        (["DELETE FROM audit"], {Tampering.TRUNCATED}),
    ],
    ids=["edit", "edit the mac", "delete", "reorder", "truncate", "all"],
)
def test_tampering_is_found(tampered, tmp_path, statements, expected):
    """On a copy, as `chartgraph audit verify` reads it while the gateway runs."""
    while len(records(tampered)) < 8:
        tampered.ask("{ me { subject } }")
    keys = keys_of(tampered.home)
    stated_to_the_end(tampered.home)
    source = sqlite3.connect(tampered.home / DATABASE)
    target = sqlite3.connect(tmp_path / DATABASE)
    source.backup(target)
    source.close()
    target.close()
    (tmp_path / CHECKPOINTS).write_bytes((tampered.home / CHECKPOINTS).read_bytes())
    assert verify(tmp_path, keys) == ()
    execute(tmp_path, *statements)
    assert {finding.what for finding in verify(tmp_path, keys)} == expected


def test_without_a_writable_trail_nothing_leaves(tampered):
    """Fail closed: the answer is there, and stays."""
    query = "{ patients(first: 2) { nodes { id name { text } } } }"
    assert "data" in tampered.ask(query)
    execute(
        tampered.home,
        "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(FAIL, 'full'); END",
    )
    try:
        for _ in range(3):
            response = tampered.post({"query": query})
            assert response.status_code == 503
            (error,) = response.json()["errors"]
            assert error["extensions"]["code"] == Code.AUDIT_UNAVAILABLE
            assert "data" not in response.json()
            assert int(response.headers["retry-after"]) >= 1
    finally:
        execute(tampered.home, "DROP TRIGGER full")
    assert "data" in tampered.ask(query)
    assert verify(tampered.home, keys_of(tampered.home)) == ()
