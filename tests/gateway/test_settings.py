"""What an operator decides, where it may stand, and what is refused."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from contract.keys import derive_key
from gateway.settings import SettingsError, load_settings

ISSUER = {"issuer": "https://issuer.example", "audience": ["chartgraph"]}


def test_arguments_win_over_variables_and_these_over_the_file(tmp_path, monkeypatch):
    config = tmp_path / "gateway.yaml"
    config.write_text("port: 1\nmax_in_flight: 1\ntoken_cache_seconds: 1\n")
    monkeypatch.setenv("CHARTGRAPH_PORT", "2")
    monkeypatch.setenv("CHARTGRAPH_MAX_IN_FLIGHT", "2")
    settings = load_settings(config, port=3)
    assert (settings.port, settings.max_in_flight, settings.token_cache_seconds) == (3, 2, 1)


def test_reads_structured_settings(tmp_path, monkeypatch):
    config = tmp_path / "gateway.yaml"
    config.write_text(
        """
        issuers:
          - {issuer: "https://issuer.example", audience: [chartgraph], patient_source: ehr-a}
        policies: /etc/chartgraph/access
        limits: {depth: 7}
        signed_subgraphs: [records, identity]
        """
    )
    monkeypatch.setenv("CHARTGRAPH_SUBGRAPH_URLS", '{"records": "http://records:4000/graphql"}')
    monkeypatch.setenv("CHARTGRAPH_PROPAGATE_HEADERS", "X-Trace, traceparent")
    monkeypatch.setenv("CHARTGRAPH_RESPONSE_HEADERS", "X-Cost, x-region=First,cache-control")
    settings = load_settings(config)
    assert settings.issuers[0].patient_source == "ehr-a"
    assert settings.policies == Path("/etc/chartgraph/access")
    assert settings.limits.depth == 7
    assert settings.signed_subgraphs == {"records", "identity"}
    assert settings.subgraph_urls == {"records": "http://records:4000/graphql"}
    assert settings.propagate_headers == ("x-trace", "traceparent")
    assert settings.response_headers == ("x-cost", "x-region=first", "cache-control")


def test_the_default_is_closed():
    settings = load_settings()
    assert not settings.open
    assert settings.audited
    assert load_settings(closed=False).open
    assert load_settings(closed=False).audited
    assert load_settings(dev=True).open
    assert not load_settings(dev=True).audited


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"dev": True, "host": "0.0.0.0"}, "loopback"),
        ({"issuers": [ISSUER | {"algorithms": ["RS256", "HS256"]}]}, "asymmetric"),
        ({"issuers": [ISSUER | {"audience": []}]}, "audience"),
        ({"propagate_headers": ["Chartgraph-Context"]}, "chartgraph-context"),
        ({"propagate_headers": ["Host"]}, "host"),
        *(
            ({"response_headers": [name]}, "not the subgraphs' to answer")
            for name in (
                "Connection", "Transfer-Encoding", "Content-Length", "content-type",
                "Content-Encoding", "chartgraph-context", "Access-Control-Allow-Origin",
                "x-request-id", "x a", "x\r\ny", "x\n", "", "x\xe9", "x=sum", "x=",
                "cache-control=first", "set-cookie=append",
            )
        ),
        ({"response_headers": ["X-Cost", "x-cost=first"]}, "named twice: x-cost"),
        ({"port": 70_000}, "port"),
        ({"colour": "red"}, "colour"),
    ],
)  # fmt: skip
def test_refuses(given, complaint):
    with pytest.raises(SettingsError, match=complaint):
        load_settings(**given)


def test_a_complaint_holds_no_value():
    with pytest.raises(SettingsError) as raised:
        load_settings(redis_url={"secret": "hunter2"}, port="hunter2")
    assert "hunter2" not in str(raised.value)
    assert "redis_url" in str(raised.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"nobody\.yaml"):
        load_settings(tmp_path / "nobody.yaml")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("port: 1\nissuers: [hunter2: {", "line 2", id="no YAML"),
        pytest.param("- hunter2", "has to map", id="a list"),
        pytest.param("hunter2", "has to map", id="a word"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, text, complaint):
    config = tmp_path / "gateway.yaml"
    config.write_text(text)
    with pytest.raises(SettingsError, match=complaint) as raised:
        load_settings(config)
    assert str(config) in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_an_empty_file_sets_nothing(tmp_path):
    config = tmp_path / "gateway.yaml"
    config.write_text("# nothing yet\n")
    assert load_settings(config).model_dump() == load_settings().model_dump()


def test_a_variable_that_cannot_be_read_is_named(monkeypatch):
    monkeypatch.setenv("CHARTGRAPH_ISSUERS", "{hunter2")
    with pytest.raises(SettingsError, match="issuers") as raised:
        load_settings()
    assert "hunter2" not in str(raised.value)


def test_keys_come_from_the_master_key_or_one_by_one(tmp_path, monkeypatch):
    master, lone = b"m" * 32, b"l" * 32
    (tmp_path / "master.key").write_bytes(master)
    monkeypatch.setenv("CHARTGRAPH_KEY_CONTEXT_RECORDS", base64.b64encode(lone).decode())
    settings = load_settings(home=tmp_path)
    assert settings.key("cache") == derive_key(master, "cache")
    assert settings.key("context:records") == lone


def test_a_missing_key_is_named(tmp_path):
    with pytest.raises(SettingsError, match="CHARTGRAPH_KEY_CACHE"):
        load_settings(home=tmp_path).key("cache")


def test_nothing_secret_is_shown():
    secret = base64.b64encode(b"m" * 32).decode()
    settings = load_settings(master_key=secret, redis_url="redis://:hunter2@redis")
    assert secret not in repr(settings)
    assert "hunter2" not in repr(settings)
