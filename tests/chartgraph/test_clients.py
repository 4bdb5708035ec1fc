"""`chartgraph clients`, and what the registry says to `chartgraph documents`."""

from __future__ import annotations

import asyncio
import json

import pytest
import yaml
from redis.asyncio import Redis
from typer.testing import CliRunner

from chartgraph.cli import app
from gateway.bounds import Budget, Limits
from gateway.clients.registry import read_clients
from gateway.clients.uses import Uses
from gateway.documents.registry import FolderRegistry
from sandbox.personas import CLIENTS, PARTNER_CLIENT, USER_CLIENT, personas
from tests.gateway.support.subgraph import SUPERGRAPH

NAME = '{ patient(id: "p-1") { name } }'
SSN = '{ patient(id: "p-1") { ssn } }'


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    (home / "master.key").write_bytes(b"m" * 32)
    monkeypatch.setenv("CHARTGRAPH_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.delenv("CHARTGRAPH_REDIS_URL", raising=False)
    return home


@pytest.fixture
def registry(tmp_path):
    def write(**clients):
        path = tmp_path / "clients.yaml"
        entries = {
            name: {"name": "A partner", "contact": "a@b.example"} | given
            for name, given in clients.items()
        }
        path.write_text(yaml.safe_dump({"clients": entries}))
        return str(path)

    return write


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_lists_who_is_registered(registry):
    path = registry(
        partner={
            "scopes": ["patient/Patient.rs"],
            "budget": {"points": {"maximum": 70, "restore_rate": 2.5}},
        }
    )
    result = run("clients", "list", path)
    assert result.exit_code == 0
    for shown in ("partner", "A partner", "a@b.example", "patient/Patient.rs", "70, 2.5 a", "any"):
        assert shown in result.stdout
    assert "never" in result.stdout
    assert "Without Redis" in result.stderr


def test_tells_when_a_client_was_last_seen(registry, valkey_url, monkeypatch):
    monkeypatch.setenv("CHARTGRAPH_REDIS_URL", valkey_url)

    async def see():
        async with Redis.from_url(valkey_url) as redis:
            uses = Uses(redis, clock=lambda: 1_700_000_000.0)
            uses.note("partner")
            await uses.flush()

    asyncio.run(see())
    result = run("clients", "list", registry(partner={}, other={}))
    assert "2023-11-14 22:13:20 UTC" in result.stdout
    assert "never" in result.stdout


def test_a_redis_that_is_away_is_told(registry, monkeypatch):
    monkeypatch.setenv("CHARTGRAPH_REDIS_URL", "redis://127.0.0.1:1")
    result = run("clients", "list", registry(partner={}))
    assert (result.exit_code, "cannot be reached" in result.stderr) == (0, True)


def test_checks_a_registry_and_the_manifests_it_names(registry, tmp_path):
    (tmp_path / "good.json").write_text(json.dumps({"a": NAME}))
    (tmp_path / "bad.json").write_text("[]")
    good = registry(partner={"documents": {"manifest": "good.json"}})
    assert run("clients", "check", good).exit_code == 0
    bad = registry(partner={"documents": {"manifest": "bad.json"}})
    assert run("clients", "check", bad).exit_code == 1
    wrong = run("clients", "check", registry(partner={"scopes": ["patient/*.sr"]}))
    assert (wrong.exit_code, "clients.partner.scopes.0" in wrong.stderr) == (1, True)
    unset = run("clients", "check")
    assert (unset.exit_code, "no registry of clients is set" in unset.stderr) == (1, True)


@pytest.fixture
def push(tmp_path):
    (tmp_path / "supergraph.graphql").write_text(SUPERGRAPH)

    def run_push(manifest, *options, clients, command="push", **settings):
        config = tmp_path / "config.yaml"
        config.write_text(yaml.safe_dump({"clients": clients} | settings))
        path = tmp_path / "manifest.json"
        path.write_text(json.dumps(manifest))
        arguments = [str(path)] if manifest is not None else []
        given = ["--config", str(config), "--supergraph", str(tmp_path / "supergraph.graphql")]
        return run("documents", command, *arguments, *given, *options)

    return run_push


def test_documents_are_judged_by_the_registry_s_scopes(push, registry, home):
    clients = registry(partner={"scopes": ["user/Patient.rs"]}, whole={})
    assert push({"n": NAME}, "--client", "partner", clients=clients).exit_code == 0
    kept = asyncio.run(FolderRegistry(home).read("partner"))
    assert kept.scopes == ("user/Patient.rs",)
    refused = push({"s": SSN}, "--client", "partner", clients=clients)
    assert (refused.exit_code, "SCOPE_REQUIRED" in refused.stderr) == (1, True)
    # Whatever is told, it reaches no further than the registry.
    told = push({"s": SSN}, "--client", "partner", "--scopes", "user/*.rs ssn", clients=clients)
    assert (told.exit_code, "SCOPE_REQUIRED" in told.stderr) == (1, True)
    whole = push({"s": SSN}, "--client", "whole", "--scopes", "user/*.rs ssn", clients=clients)
    assert whole.exit_code == 0


def test_a_stranger_s_documents_are_refused(push, registry):
    clients = registry(partner={})
    options = ("--client", "stranger", "--scopes", "user/*.rs")
    refused = push({"n": NAME}, *options, clients=clients)
    assert (refused.exit_code, "is not in the registry" in refused.stderr) == (1, True)
    assert push({"n": NAME}, *options, clients=clients, unknown_clients="allow").exit_code == 0
    checked = push(None, clients=clients, command="check")
    assert (checked.exit_code, "CLIENT_UNKNOWN" in checked.stderr) == (1, True)


def test_documents_are_judged_by_the_client_s_limits(push, registry):
    options = ("--client", "partner", "--scopes", "user/*.rs")
    small = registry(partner={"limits": {"fields": 1}})
    refused = push({"n": NAME}, *options, clients=small)
    assert (refused.exit_code, "OPERATION_TOO_LARGE" in refused.stderr) == (1, True)
    large = registry(partner={"limits": {"aliases": 40}})
    aliased = "{ patient(id: 1) {" + " ".join(f"a{n}: id" for n in range(35)) + "} }"
    assert push({"n": aliased}, *options, clients=large).exit_code == 0
    assert push(None, clients=large, command="check").exit_code == 0


def test_the_demo_s_registry_fits_its_personas():
    registered = read_clients(CLIENTS, Limits(), Budget())
    assert {USER_CLIENT, PARTNER_CLIENT} <= set(registered)
    partner = personas("p", "c")["partner"]
    bounds = registered[PARTNER_CLIENT].scopes
    assert set(partner.scopes) <= bounds
