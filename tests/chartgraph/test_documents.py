"""`chartgraph documents`: what is registered, and all that is refused."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest
from typer.testing import CliRunner

from chartgraph.cli import app
from chartgraph.documents import operation_names
from gateway.cache.sealed import SealedCache, connect
from gateway.documents.manifest import read_manifest
from gateway.documents.prepare import hash_text
from gateway.documents.registry import ClientDocuments, FolderRegistry, SealedRegistry
from gateway.settings import load_settings
from tests.gateway.support.subgraph import SUPERGRAPH

WEATHER = "query Weather { weather }"
NAME = 'query Name { patient(id: "p-1") { name ssn } }'
SCOPES = "user/Patient.rs ssn"


@pytest.fixture
def home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    (home / "master.key").write_bytes(b"m" * 32)
    monkeypatch.setenv("CHARTGRAPH_HOME", str(home))
    monkeypatch.delenv("CHARTGRAPH_REDIS_URL", raising=False)
    return home


@pytest.fixture
def run(home, tmp_path):
    """A command over this graph; its manifest is written where a mapping is given."""
    (tmp_path / "supergraph.graphql").write_text(SUPERGRAPH)

    def run_command(name: str, manifest=None, *options: str):
        arguments = ["documents", name]
        if manifest is not None:
            path = tmp_path / "manifest.json"
            path.write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
            arguments.append(str(path))
        if name in ("push", "check"):
            arguments += ["--supergraph", str(tmp_path / "supergraph.graphql")]
        return CliRunner().invoke(app, [*arguments, *options])

    return run_command


def registered(home, client: str = "portal") -> dict[str, str]:
    return asyncio.run(FolderRegistry(home).read(client)).documents


def test_registers_beside_what_is_there(run, home):
    result = run("push", {"w": WEATHER}, "--client", "portal", "--scopes", SCOPES)
    assert (result.exit_code, "1 documents" in result.stderr) == (0, True)
    assert run("push", {"n": NAME}, "--client", "portal").exit_code == 0
    assert asyncio.run(FolderRegistry(home).read("portal")) == ClientDocuments(
        "portal", {"w": WEATHER, "n": NAME}, ("ssn", "user/Patient.rs")
    )
    assert run("push", {"n": NAME}, "--client", "portal", "--replace").exit_code == 0
    assert registered(home) == {"n": NAME}


@pytest.mark.parametrize(
    ("manifest", "scopes", "code"),
    [
        pytest.param({"a": "{ nope }"}, SCOPES, "GRAPHQL_VALIDATION_FAILED", id="unknown field"),
        pytest.param({"a": "{ weather"}, SCOPES, "GRAPHQL_PARSE_FAILED", id="no GraphQL"),
        pytest.param({"a": "{" + "weather " * 3000 + "}"}, SCOPES, "OPERATION_TOO_LARGE", id="big"),
        pytest.param({"a": NAME}, "user/Coverage.rs", "SCOPE_REQUIRED", id="scopes"),
        pytest.param({"a": NAME}, "", "SCOPE_REQUIRED", id="no scopes"),
        pytest.param(
            {"0" * 64: WEATHER}, SCOPES, "PERSISTED_QUERY_HASH_MISMATCH", id="another's hash"
        ),
    ],
)
def test_refuses_what_cannot_run_and_then_registers_nothing(run, home, manifest, scopes, code):
    result = run("push", {"w": WEATHER, **manifest}, "--client", "portal", "--scopes", scopes)
    assert result.exit_code == 1
    assert code in result.stderr
    assert registered(home) == {}


def test_names_the_field_and_what_would_do(run):
    result = run("check", {"a": NAME}, "--client", "portal", "--scopes", "openid")
    assert "patient.ssn" in result.stderr
    assert "user/Patient.rs and ssn would" in result.stderr


def test_an_id_keeps_its_meaning(run, home):
    run("push", {"w": WEATHER}, "--client", "portal", "--scopes", SCOPES)
    result = run("push", {"w": WEATHER + " "}, "--client", "portal")
    assert (result.exit_code, "ID_TAKEN" in result.stderr) == (1, True)
    assert run("push", {"w": WEATHER + " "}, "--client", "portal", "--replace").exit_code == 0
    assert registered(home) == {"w": WEATHER + " "}


def test_what_is_for_everyone_needs_no_scopes(run, home):
    assert run("push", {"n": NAME}, "--client", "*").exit_code == 0
    assert registered(home, "*") == {"n": NAME}


def test_nobody_registers_nothing(run):
    result = run("push", {"w": WEATHER}, "--client", "", "--scopes", SCOPES)
    assert (result.exit_code, "has a name" in result.stderr) == (1, True)


def test_asks_for_scopes_it_was_never_told(run):
    result = run("push", {"w": WEATHER}, "--client", "portal")
    assert (result.exit_code, "--scopes" in result.stderr) == (1, True)


@pytest.mark.parametrize("manifest", ["", "[]", '{"a": 7}'])
def test_says_that_a_file_is_no_manifest(run, manifest):
    result = run("push", manifest, "--client", "portal", "--scopes", SCOPES)
    assert (result.exit_code, "manifest.json" in result.stderr) == (1, True)
    assert "Traceback" not in result.output


def test_says_that_a_supergraph_is_none(run, tmp_path):
    path = tmp_path / "other.graphql"
    path.write_text("type Query { a: Int }")
    options = ("--client", "portal", "--scopes", SCOPES, "--supergraph", str(path))
    result = run("push", {"w": WEATHER}, *options)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)


def test_checks_what_is_registered_against_a_schema_that_changed(run, home):
    asyncio.run(
        FolderRegistry(home).write(ClientDocuments("portal", {"old": "{ nope }"}, (SCOPES,)))
    )
    asyncio.run(FolderRegistry(home).write(ClientDocuments("app", {"w": WEATHER}, ())))
    result = run("check")
    assert (result.exit_code, "old" in result.stderr) == (1, True)
    assert run("check", None, "--client", "app").exit_code == 0


def test_checks_a_manifest_only_for_someone(run):
    result = run("check", {"w": WEATHER})
    assert (result.exit_code, "--client" in result.stderr) == (1, True)


def test_shows_the_difference(run):
    run("push", {"w": WEATHER, "n": NAME}, "--client", "portal", "--scopes", SCOPES)
    assert run("diff", {"w": WEATHER, "n": NAME}, "--client", "portal").exit_code == 0
    result = run("diff", {"w": WEATHER + " ", "x": WEATHER}, "--client", "portal")
    assert (result.exit_code, result.stdout) == (1, "+ x\n~ w\n- n\n")


def test_lists_who_registered_what(run):
    assert run("list").exit_code == 0
    run("push", {"w": WEATHER}, "--client", "portal", "--scopes", SCOPES)
    listed = run("list").stdout
    assert all(text in listed for text in ("portal", "Weather", "user/Patient.rs"))
    assert "Weather" not in run("list", None, "--client", "partner").stdout


def test_registers_in_the_redis_of_the_gateways(run, home, valkey_url, monkeypatch):
    monkeypatch.setenv("CHARTGRAPH_REDIS_URL", valkey_url)
    result = run("push", {"w": WEATHER}, "--client", "redis-portal", "--scopes", SCOPES)
    assert result.exit_code == 0, result.stderr
    assert asyncio.run(read_sealed(valkey_url, home)) == {"w": WEATHER}
    assert registered(home, "redis-portal") == {}


async def read_sealed(url: str, home) -> dict[str, str]:
    redis = connect(url)
    cache = SealedCache(redis, load_settings(home=home).key("cache"), "documents")
    found = await SealedRegistry(cache).read("redis-portal")
    await redis.aclose()
    return found.documents


def test_says_that_redis_is_out_of_reach(run, monkeypatch, tmp_path):
    monkeypatch.setenv("CHARTGRAPH_REDIS_URL", f"unix://{tmp_path}/nobody.sock")
    result = run("push", {"w": WEATHER}, "--client", "portal", "--scopes", SCOPES)
    assert (result.exit_code, "Redis" in result.stderr) == (1, True)
    assert isinstance(result.exception, SystemExit)


def test_makes_a_manifest_of_a_folder(tmp_path, run):
    folder = tmp_path / "operations"
    folder.mkdir()
    (folder / "weather.graphql").write_text(WEATHER)
    written = CliRunner().invoke(app, ["documents", "manifest", str(folder)]).stdout
    (tmp_path / "made.json").write_text(written)
    assert read_manifest(tmp_path / "made.json") == {hash_text(WEATHER): WEATHER}
    (operation,) = msgspec.json.decode(written)["operations"]
    assert (operation["name"], operation["type"]) == ("Weather", "query")
    assert operation_names(WEATHER) == "Weather"


@pytest.mark.parametrize("content", [None, "{ weather }", "query A { a } query B { b }", "{", ""])
def test_makes_none_of_what_has_no_names(tmp_path, home, content):
    folder = tmp_path / "operations"
    folder.mkdir()
    if content is not None:
        (folder / "a.graphql").write_text(content)
    result = CliRunner().invoke(app, ["documents", "manifest", str(folder)])
    assert (result.exit_code, str(folder) in result.stderr) == (1, True)
