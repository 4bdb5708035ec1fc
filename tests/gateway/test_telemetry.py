"""A log line holds what the list allows, whoever writes it and however it fails."""

import ast
import json
from pathlib import Path

import gateway
from gateway.telemetry import KEYS, log, loggable_name, new_request_id

NAME = "Lovelace"


def test_only_listed_keys_are_written(capsys):
    log.info("refused", code="BAD_REQUEST", patient=NAME, variables={"name": NAME})
    line = json.loads(capsys.readouterr().err)
    assert line.keys() == {"event", "level", "timestamp", "code"}


def test_every_line_is_written_with_listed_keys():
    """One that is not is dropped without a word, and would be missed at night."""
    calls = [
        node
        for path in Path(gateway.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log.")
    ]
    assert calls
    used = {keyword.arg for call in calls for keyword in call.keywords}
    assert used <= KEYS | {"exc_info"}


def test_an_exception_is_told_by_its_type_and_places(capsys):
    def fail(name):
        raise KeyError(name)

    try:
        fail(NAME)
    except KeyError as error:
        log.error("unexpected", exc_info=error)
        log.exception("unexpected")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    for line in lines:
        assert NAME not in json.dumps(line)
        assert line["exception"] == "KeyError"
        assert line["places"][-1].endswith(" fail")


def test_long_values_are_cut(capsys):
    log.info("refused", reason="x" * 10_000)
    assert len(capsys.readouterr().err) < 400


def test_a_name_is_logged_if_it_is_one():
    assert loggable_name("PatientSummary") == "PatientSummary"
    assert [loggable_name(name) for name in (None, "", "a b", "Lovelace, Ada", "x" * 200)] == [
        None
    ] * 5


def test_request_ids_differ():
    assert len({new_request_id() for _ in range(1000)}) == 1000
    assert len(new_request_id()) == 24
