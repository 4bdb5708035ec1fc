"""sources.yaml: what is read, and what each mistake is called."""

import textwrap

import pytest

from subgraphs.connectors.config import ConfigError, NoAuth, SmartBackend
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.connectors.sources_file import load_sources
from subgraphs.connectors.telehealth.client import TelehealthSource
from subgraphs.connectors.x12.settings import X12Source

GOOD = """
sources:
  ehr-a:
    kind: fhir-r4
    title: Lakeside General
    url: http://127.0.0.1:9101/fhir
    serves: [identity, records]
    auth: {kind: smart-backend, token_url: "http://127.0.0.1:9100/token", client_id: chartgraph,
           key_file: client.jwk}
    timeout: 4
    multiple_or: auto
  payer: {kind: fhir-r4, url: "https://payer.example/fhir", serves: [coverage]}
  payer-x12:
    {kind: x12-270, url: "https://payer.example/x12", serves: [coverage], payer: payer,
     sender_id: CHARTGRAPH, receiver_id: PAYER}
  telehealth:
    {kind: telehealth-rest, url: "http://localhost:9104", serves: [telehealth],
     webhook_secret_file: secret}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "client.jwk").write_text("{}")
    (tmp_path / "secret").write_text("s")
    return tmp_path


def load(folder, text):
    file = folder / "sources.yaml"
    file.write_text(textwrap.dedent(text))
    return load_sources(file)


def one(settings: str) -> str:
    return f"sources:\n  s: {{{settings}}}\n"


def test_reads_every_kind(folder):
    ehr, payer, x12, telehealth = load(folder, GOOD)
    assert isinstance(ehr, FhirSource)
    assert isinstance(ehr.auth, SmartBackend)
    assert ehr.auth.key_file == folder / "client.jwk"
    assert (ehr.id, ehr.timeout, ehr.page_size, ehr.max_parallel) == ("ehr-a", 4.0, 100, 8)
    assert isinstance(payer.auth, NoAuth)
    assert isinstance(x12, X12Source)
    assert x12.payer == "payer"
    assert isinstance(telehealth, TelehealthSource)
    assert telehealth.webhook_secret_file == folder / "secret"


FHIR = "kind: fhir-r4, serves: [records]"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "one key, sources"),
        ("sources: []", "one key, sources"),
        ("sources: {}\nsource: {}", "one key, sources"),
        ("sources: {s: 1}", "source s: expected settings"),
        ("[", "is not YAML"),
        (one("kind: soap"), "source s: there is no kind 'soap'; known are core-soap, davinci-pas"),
        (one("url: 'https://x.example'"), "source s: there is no kind None"),
        (one("kind: [fhir-r4]"), r"source s: there is no kind \['fhir-r4'\]"),
        (one(FHIR), "source s: Object missing required field `url`"),
        (one(f"{FHIR}, url: 'https://x.example', pagesize: 3"), "unknown field `pagesize`"),
        (one(f"{FHIR}, url: 'https://x.example', page_size: 0"), r"`\$.page_size`"),
        (one(f"{FHIR}, url: 'https://x.example', timeout: 0"), r"`\$.timeout`"),
        (one(f"{FHIR}, url: 'https://x.example', multiple_or: maybe"), r"`\$.multiple_or`"),
        (one(f"{FHIR}, url: 'https://x.example', bulk: {{of: Martians}}"), r"`\$.bulk.of`"),
        (one(f"{FHIR}, url: 'https://x', bulk: {{file_hosts: ['http://y']}}"), "without TLS"),
        (one(f"{FHIR}, url: 'ftp://x.example'"), "https://"),
        (one(f"{FHIR}, url: 'https:///x'"), "https://"),
        (one(f"{FHIR}, url: 'http://x.example'"), "without TLS"),
        (one(f"{FHIR}, url: 'https://u:p@x.example'"), "credentials"),
        (one(f"{FHIR}, url: 'https://x.example?a=b'"), "query"),
        (
            one(f"{FHIR}, url: 'https://x.example', auth: {{kind: bearer-file, token_file: no}}"),
            "there is no file",
        ),
        (
            one(
                f"{FHIR}, url: 'https://x.example', auth: {{kind: smart-backend, client_id: c, "
                "key_file: client.jwk, token_url: 'http://issuer.example'}"
            ),
            "without TLS",
        ),
        (
            one(
                "kind: x12-270, url: 'https://x.example', serves: [], payer: nobody, "
                "sender_id: ME, receiver_id: YOU"
            ),
            "payer names no fhir-r4 source",
        ),
    ],
)
def test_names_the_mistake(text, complaint, folder):
    with pytest.raises(ConfigError, match=complaint) as raised:
        load(folder, text)
    assert str(folder / "sources.yaml") in str(raised.value)


PARTNERS = """
sources:
  payer: {kind: fhir-r4, url: "https://payer.example/fhir", serves: [coverage]}
  one: {kind: x12-270, url: "https://one.example", serves: [coverage], payer: payer,
        sender_id: ME, receiver_id: YOU}
  other: {kind: core-soap, url: "https://other.example", serves: [coverage], payer: payer,
          sender_id: ME, receiver_id: YOU, transactions: %s}
"""


def test_a_payer_has_one_who_answers_each_transaction(folder):
    _, one, other = load(folder, PARTNERS % '["276"]')
    assert (one.transactions, other.transactions) == (("270",), ("276",))
    with pytest.raises(ConfigError, match="source other: one is asked 270 already"):
        load(folder, PARTNERS % '["276", "270"]')
    with pytest.raises(ConfigError, match="Invalid enum value '278'"):
        load(folder, PARTNERS % '["278"]')


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_sources(tmp_path / "none.yaml")


def test_plain_http_may_be_allowed_for_one_source(folder):
    (source,) = load(folder, one(f"{FHIR}, url: 'http://ehr-a:9101', allow_plain_http: true"))
    assert source.url == "http://ehr-a:9101"


def test_no_and_off_are_words(folder):
    (source,) = load(folder, one(f"{FHIR}, url: 'https://x', multiple_or: no, conformance: off"))
    assert (source.multiple_or, source.conformance) == ("no", "off")
    with pytest.raises(ConfigError, match="allow_plain_http"):
        load(folder, one(f"{FHIR}, url: 'https://x', allow_plain_http: yes"))
