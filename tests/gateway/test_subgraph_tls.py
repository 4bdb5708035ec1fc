"""Which subgraph is reached how, when it is reached over TLS."""

from __future__ import annotations

import pytest

from gateway.federation.supergraph import load_supergraph
from gateway.serving import _subgraph_tls
from gateway.settings import Settings, SettingsError
from gateway.trust import ClientTls
from tests.certificates import Authority
from tests.gateway.support.subgraph import SUPERGRAPH

URLS = {"records": "https://records:4102/graphql", "weather": "https://weather/graphql"}


@pytest.fixture(scope="module")
def graph():
    return load_supergraph(SUPERGRAPH)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    own = authority.issue("gateway")
    return ClientTls(ca=authority.ca, certificate=own.certificate, key=own.key)


def test_each_has_its_own_or_that_of_all_others(graph, tls):
    given = {"records": tls, "*": ClientTls()}
    made = _subgraph_tls(Settings(subgraph_urls=URLS, subgraph_tls=given), graph)
    assert made.keys() == {"records", "weather"}
    assert made["records"] is not made["weather"]


def test_one_alone(graph, tls):
    settings = Settings(subgraph_urls=URLS, subgraph_tls={"records": tls})
    assert _subgraph_tls(settings, graph).keys() == {"records"}
    assert _subgraph_tls(Settings(subgraph_urls=URLS), graph) == {}


def test_all_that_are_reached_over_tls(graph, tls):
    urls = URLS | {"weather": "http://weather/graphql"}
    settings = Settings(subgraph_urls=urls, subgraph_tls={"*": tls})
    assert _subgraph_tls(settings, graph).keys() == {"records"}


@pytest.mark.parametrize(
    ("urls", "given", "message"),
    [
        (URLS, {"nobody": {}}, "has no subgraph nobody"),
        ({"records": "http://records/"}, {"records": {}}, "the address of records is not https"),
        ({"records": "ws://records/"}, {"records": {}}, "the address of records is not https"),
        (URLS, {"*": {"ca": "absent.pem"}}, "cannot be used"),
        (URLS, {"*": {"certificate": "absent.pem", "key": "absent.key"}}, "cannot be used"),
    ],
)
def test_what_cannot_be_used_is_told(graph, urls, given, message):
    settings = Settings(subgraph_urls=urls, subgraph_tls=given)
    with pytest.raises(SettingsError, match=message):
        _subgraph_tls(settings, graph)


@pytest.mark.parametrize("given", [{"certificate": "a.pem"}, {"key": "a.key"}])
def test_a_certificate_comes_with_its_key(given):
    with pytest.raises(ValueError, match="needs its"):
        ClientTls(**given)
