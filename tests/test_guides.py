"""The guides: every setting and command is named, and what they show is taken."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from graphql import parse
from joserfc.jwk import ECKey
from typer.testing import CliRunner

from chartgraph.cli import app
from chartgraph.keyset import PURPOSES
from contract.keys import key_variable
from gateway.bounds import Budget, Cost, Limits
from gateway.clients.registry import read_clients
from gateway.demand.demand import Price
from gateway.demand.weights import read_weights
from gateway.federation.supergraph import load_supergraph
from gateway.operation.normalize import normalize
from gateway.settings import load_settings
from gateway.trust import ClientCertificates, Introspection, Issuer, ServerTls
from schema import SUPERGRAPH
from subgraphs.connectors.config import BearerFile, SmartBackend, SourceConfig, UsernameToken
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.connectors.pas.client import DaVinciPasSource
from subgraphs.connectors.sources_file import load_sources
from subgraphs.connectors.telehealth.client import TelehealthSource
from subgraphs.connectors.x12.settings import CoreSource, X12Source
from subgraphs.runtime.settings import RuntimeSettings

DOCS = Path(__file__).parents[1] / "docs"
SOURCES = (DOCS / "sources.md").read_text()
DOCUMENTS = (DOCS / "documents.md").read_text()
SIGNING_IN = (DOCS / "signing-in.md").read_text()
OPERATING = (DOCS / "operating.md").read_text()
LIMITS = (DOCS / "limits.md").read_text()
TRUSTED = {
    name
    for model in (Issuer, Introspection, ClientCertificates, ServerTls)
    for name in model.model_fields
}
OTHERS = (CoreSource, UsernameToken, TelehealthSource, BearerFile, SmartBackend)
CONFIGURED = {
    name
    for type_ in (
        SourceConfig,
        FhirSource,
        X12Source,
        DaVinciPasSource,
        TelehealthSource,
        BearerFile,
        SmartBackend,
    )
    for name in type_.__struct_fields__
} - {"id"}


@pytest.mark.parametrize("name", sorted(CONFIGURED))
def test_the_guide_to_sources_names_every_setting(name):
    assert re.search(rf"`{name}[`:]|\b{name}:", SOURCES)


@pytest.mark.parametrize(
    ("field", "default"),
    [
        (field.name, field.default)
        for type_ in (SourceConfig, FhirSource, X12Source)
        for field in msgspec.structs.fields(type_)
        if isinstance(field.default, int | float) and not isinstance(field.default, bool)
    ],
)
def test_the_guide_to_sources_tells_the_defaults(field, default):
    assert f"`{field}` | {default:.15g} " in SOURCES


def test_the_sources_that_the_guide_shows_are_taken(tmp_path):
    (shown,) = re.findall(r"```yaml\n(.*?)```", SOURCES, re.DOTALL)
    for name in re.findall(r"_file: ([\w.]+)", shown):
        (tmp_path / name).write_text("x")
    (tmp_path / "sources.yaml").write_text(shown)
    sources = load_sources(tmp_path / "sources.yaml")
    assert [each.id for each in sources] == [
        "lakeside",
        "meadow",
        "meadow-eligibility",
        "meadow-authorization",
        "hearthside",
        "ward",
        "cards",
        "clearinghouse",
    ]


def test_the_key_that_the_guide_makes_is_taken(tmp_path, monkeypatch, capsys):
    (script,) = re.findall(r"<<'PY'\n(.*?)\nPY", SOURCES, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(script, {})
    key = ECKey.import_key(msgspec.json.decode((tmp_path / "lakeside.jwk").read_bytes()))
    assert (key.is_private, key.curve_name) == (True, "P-384")
    (published,) = msgspec.json.decode(capsys.readouterr().out)["keys"]
    assert published["kid"] == key.kid
    assert "d" not in published


@pytest.mark.parametrize("guide", [SOURCES, DOCUMENTS, OPERATING])
def test_every_command_shown_exists(guide):
    shown = set(re.findall(r"chartgraph (documents|sources|audit) ([a-z]+)", guide))
    assert shown
    for group, command in shown:
        outcome = CliRunner().invoke(app, [group, command, "--help"])
        assert outcome.exit_code == 0, (group, command)


@pytest.mark.parametrize("name", sorted(RuntimeSettings.model_fields))
def test_the_operators_guide_names_every_setting_of_a_subgraph(name):
    assert f"CHARTGRAPH_{name.upper()}" in OPERATING


@pytest.mark.parametrize("purpose", [each for each in PURPOSES if not each.startswith("context:")])
def test_the_operators_guide_names_every_key(purpose):
    assert key_variable(purpose) in OPERATING


@pytest.mark.parametrize("name", sorted(TRUSTED))
def test_the_guide_to_signing_in_names_every_setting(name):
    assert re.search(rf"`{name}`|\b{name}:", SIGNING_IN)


def test_the_settings_that_the_guide_to_signing_in_shows_are_taken(tmp_path):
    shown = re.findall(r"```yaml\n(.*?)```", SIGNING_IN, re.DOTALL)
    config = tmp_path / "gateway.yaml"
    config.write_text("".join(shown))
    settings = load_settings(config)
    assert [each.patient_source for each in settings.issuers][-1] == "lakeside"
    assert settings.client_certificates.trusts("10.1.2.3")
    assert settings.client_certificates.trusts(None)
    assert not settings.client_certificates.trusts("10.2.0.1")
    assert settings.tls is not None


def blocks(guide: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", guide, re.DOTALL)


def test_the_guide_to_limits_tells_the_defaults(tmp_path):
    limits, cost, budgets, _ = blocks(LIMITS, "yaml")
    (tmp_path / "settings.yaml").write_text(limits + cost)
    told = load_settings(tmp_path / "settings.yaml")
    assert (told.limits, told.cost) == (Limits(), Cost())
    assert told.limits.model_fields_set == set(Limits.model_fields)
    assert told.cost.model_fields_set == set(Cost.model_fields)
    assert told.max_body_bytes == load_settings().max_body_bytes
    (tmp_path / "settings.yaml").write_text(budgets)
    assert load_settings(tmp_path / "settings.yaml").budget.points.maximum == 10_000


def test_the_guide_s_registry_of_clients_is_one(tmp_path):
    (tmp_path / "clients.yaml").write_text(blocks(LIMITS, "yaml")[-1])
    (client,) = read_clients(tmp_path / "clients.yaml", Limits(), Budget()).values()
    assert (client.id, client.limits.depth) == ("partner-app", 10)
    assert client.keys.jwks is not None


def test_the_guide_to_limits_works_its_example_out_right():
    graph = load_supergraph(SUPERGRAPH.read_text())
    (text,) = (each for each in blocks(LIMITS, "graphql") if "query Conditions" in each)
    operation = normalize(parse(text), None, graph.api_schema)
    price = Price(operation, read_weights(graph), Cost())
    assert price.estimate({"id": "x", "first": 10}) == 52
    assert "= **52** points" in LIMITS
    for first in ({}, {"first": None}, {"first": -1}):
        assert price.estimate({"id": "x"} | first) == 252
    row = {"id": "1", "code": {"coding": [{"code": "a"}, {"code": "b"}]}}
    assert price.actual({"patient": {"conditions": {"nodes": [row, row]}}}, {}) == 10
    (shown,) = map(json.loads, blocks(LIMITS, "json"))
    assert shown["extensions"]["cost"]["requestedQueryCost"] == 52
