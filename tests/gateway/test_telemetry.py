"""A log line holds what the list allows, whoever writes it and however it fails."""

import ast
import json
import logging
from pathlib import Path

import gateway
from gateway.telemetry import KEYS, _LibraryLines, log, loggable_name, new_request_id

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


def test_what_libraries_fill_into_their_words_is_not_written(capsys):
    library, server = logging.getLogger("library.test"), logging.getLogger("uvicorn.test")
    handler = _LibraryLines()
    for each in (library, server):
        each.addHandler(handler)
        # A server that another test ran may have put handlers of its own above.
        each.propagate = False
    try:
        library.warning("lost %s after %d tries", NAME, 3)
        library.warning(f"future: <Task exception=ValueError({NAME!r})>")
        server.error("address already in use")
        try:
            int(NAME)
        except ValueError:
            server.exception("Exception in ASGI application\n")
    finally:
        for each in (library, server):
            each.removeHandler(handler)
    text = capsys.readouterr().err
    assert NAME not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line.get("reason") for line in lines] == [
        "lost %s after %d tries",
        None,
        "address already in use",
        "Exception in ASGI application",
    ]
    assert [line["level"] for line in lines] == ["warning", "warning", "error", "error"]
    assert lines[-1]["exception"] == "ValueError"
    assert all(line["places"] for line in lines)


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
