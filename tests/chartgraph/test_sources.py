"""`chartgraph sources`: what is configured, and what each of them says to us."""

from __future__ import annotations

import pytest
import yaml
from typer.testing import CliRunner

from chartgraph.cli import app
from tests.subgraphs.conftest import write_sources


def run(*arguments: object):
    return CliRunner().invoke(app, ["sources", *map(str, arguments)])


@pytest.fixture
def file(calm_sandbox, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "sources.yaml"
    write_sources(calm_sandbox.ready, path)
    return path


def change(file, source: str, **settings) -> None:
    content = yaml.safe_load(file.read_text())
    content["sources"][source] |= settings
    file.write_text(yaml.safe_dump(content))


def count(file) -> int:
    return len(yaml.safe_load(file.read_text())["sources"])


def test_lists_what_is_configured_and_asks_nobody(file, calm_sandbox):
    calm_sandbox.reset_calls()
    result = run("list", "--sources", file)
    assert result.exit_code == 0
    for text in ("ehr-a", "fhir-r4", "x12-270", "telehealth-rest", "smart-backend", "bearer-file"):
        assert text in result.stdout
    assert calm_sandbox.ready["upstreams"]["ehr-a"]["url"] in result.stdout
    assert not any(each["total"] for each in calm_sandbox.calls().values())


def test_finds_the_file_in_the_home(file, tmp_path, monkeypatch):
    monkeypatch.setenv("CHARTGRAPH_HOME", str(tmp_path))
    monkeypatch.delenv("CHARTGRAPH_SOURCES", raising=False)
    assert "ehr-a" in run("list").stdout


def test_every_source_is_well(file):
    result = run("check", "--sources", file)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("OK") == count(file)
    assert "FHIR 4.0.1" in result.stdout


def test_one_that_is_gone_is_told_beside_the_others(file):
    change(file, "ehr-b", url="http://127.0.0.1:1/fhir")
    result = run("check", "--sources", file)
    assert result.exit_code == 1
    others = count(file) - 1
    assert (result.stdout.count("OK"), "UNAVAILABLE" in result.stdout) == (others, True)
    assert f"1 of {others + 1}" in result.stderr


def test_credentials_that_are_refused_are_told(file, tmp_path):
    (tmp_path / "token").write_text("not-the-key")
    change(file, "telehealth", auth={"kind": "bearer-file", "token_file": "token"})
    result = run("check", "telehealth", "--sources", file)
    assert (result.exit_code, "REFUSED" in result.stdout) == (1, True)
    assert "not-the-key" not in result.output


def test_a_key_that_is_none_fails_its_source_alone(file, tmp_path):
    (tmp_path / "key.jwk").write_text("{}")
    auth = yaml.safe_load(file.read_text())["sources"]["ehr-a"]["auth"]
    change(file, "ehr-a", auth=auth | {"key_file": "key.jwk"})
    result = run("check", "ehr-a", "ehr-b", "--sources", file)
    assert result.exit_code == 1
    assert "key.jwk" in result.stdout
    assert result.stdout.count("OK") == 1


def test_an_unknown_source_is_told(file):
    result = run("check", "ehr-z", "--sources", file)
    assert (result.exit_code, "ehr-z" in result.stderr) == (1, True)


@pytest.mark.parametrize("content", [None, "", "sources: 7", "sources: {a: {kind: fax}}"])
def test_a_file_that_cannot_be_used_is_told(tmp_path, content):
    path = tmp_path / "sources.yaml"
    if content is not None:
        path.write_text(content)
    for command in ("list", "check"):
        result = run(command, "--sources", path)
        assert (result.exit_code, "sources.yaml" in result.stderr) == (1, True)
