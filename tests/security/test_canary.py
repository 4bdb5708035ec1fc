"""No PHI where none belongs: logs, metrics, errors, cache, databases, file names.

What is looked for is what the sandbox's upstreams really hold, and every id the tests sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx2
import pytest
import redis

from contract.errors import Code
from tests.plugins.demo import OPERATIONS, running_demo

FAULTS = ("refuse", "503", "html", "half", "truncated", "foreign-next", "reset")
UPSTREAMS = ("ehr-b", "payer", "payer-x12", "telehealth")
PERSONAS = ("clinician", "patient", "biller", "partner", "privacy-officer", "developer")
DATABASES = ("identity.db", "identity.db-wal", "audit.sqlite", "audit.sqlite-wal")
UNNAMED = 4
"""Shorter names than this occur in any bytes by chance."""
CANARY = "Zz-canary-4711"


@dataclass
class Used:
    """A demo after a day's work."""

    demo: object
    secrets: set[str]
    """As people write them: names, birth dates, numbers."""
    ids: set[str]
    """That were sent in variables."""
    name: str
    """One of them, to search for."""
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    with running_demo(tmp_path_factory.mktemp("canary")) as demo:
        patients = [each["id"] for each in demo.patients(200)]
        secrets = set(upstream_secrets(demo))
        truth = demo.sandbox.truth["people"]
        secrets |= {id_ for person in truth for id_ in person["ids"].values()}
        name = max((each for each in secrets if each.isalpha()), key=len)
        used = Used(demo, secrets, set(patients), name)
        for persona in PERSONAS:
            work(used, persona, patients[:3])
        for number, outage in enumerate(FAULTS):
            for upstream in ("ehr-a", UPSTREAMS[number % len(UPSTREAMS)]):
                with demo.sandbox.broken(upstream, outage=outage):
                    work(used, "clinician", patients[3:4])
        abuse(used)
        yield used


def work(used, persona, patients):
    for id_ in patients:
        keep(used, used.demo.run("patient-summary", persona, id=id_))
        search = "query($s: String) { patients(search: $s) { nodes { id } } }"
        keep(used, used.demo.ask(search, {"s": used.name}, persona))
    keep(used, used.demo.run("worklist", persona, first=5))


def abuse(used):
    """Requests that go wrong with PHI in hand."""
    demo, (secret, *_) = used.demo, sorted(used.secrets)
    query = "query($id: ID!) { patient(id: $id) { id } }"
    for body in (
        {"query": query, "variables": {"id": secret}},
        {"query": query, "variables": {"id": [secret]}},
        {"query": query, "variables": {secret: CANARY}},
        {"query": f'{{ patient(id: "{secret}") {{ nope }} }}'},
        {"query": f'{{ patient(id: "{secret}'},
        {"query": query, "operationName": secret},
        {"query": f"query {CANARY.replace('-', '_')} {{ patient }}"},
        {"query": query, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": secret}}},
        {"documentId": secret},
        [secret],
    ):
        keep(used, demo.post(body).json())
    url = f"{demo.gateway}/graphql"
    token = demo.sandbox.persona_token("clinician")
    for headers in (
        {"authorization": f"Bearer {token}{CANARY}"},
        {"authorization": f"Bearer {CANARY}"},
        {"authorization": f"Basic {CANARY}"},
        {"authorization": f"Bearer {token}", "content-type": f"text/{CANARY}"},
        {"authorization": f"Bearer {token}", "chartgraph-context": CANARY},
        {"authorization": f"Bearer {token}", "x-request-id": CANARY},
    ):
        keep(used, demo.http.post(url, json={"query": query}, headers=headers).json())
    parameters = {"query": query, "variables": f'{{"id": "{CANARY}"}}'}
    demo.http.get(url, params=parameters, headers={"authorization": f"Bearer {token}"})
    demo.http.get(f"{demo.gateway}/{CANARY}?name={CANARY}")


def keep(used, answer):
    used.errors += [str(error) for error in answer.get("errors", ())]


def upstream_secrets(demo) -> Iterator[str]:
    """Of every patient of every FHIR upstream."""
    headers = {"authorization": f"Bearer {demo.sandbox.system_token()}"}
    for upstream in ("ehr-a", "ehr-b", "payer"):
        url = f"{demo.sandbox.url(upstream)}/Patient?_count=200"
        bundle = httpx2.get(url, headers=headers, trust_env=False).raise_for_status().json()
        for entry in bundle["entry"]:
            patient = entry["resource"]
            yield patient["birthDate"]
            for name in patient["name"]:
                yield name["family"]
                yield from name.get("given", ())
            yield from (each["value"] for each in patient.get("identifier", ()))
            yield from (each["value"] for each in patient.get("telecom", ()))


def find(text: bytes, values) -> list[str]:
    return [
        each
        for each in values
        if len(each) > UNNAMED
        and re.search(rb"(?<![A-Za-z0-9])" + re.escape(each.encode()) + rb"(?![A-Za-z0-9])", text)
    ]


def everything(used):
    return used.secrets | used.ids | {CANARY, CANARY.replace("-", "_")}


def test_there_is_something_to_look_for(used):
    assert len(used.secrets) > 200
    assert len(used.ids) > 50
    assert len(used.errors) > 100
    assert {c for c in Code if any(f"'{c}'" in each for each in used.errors)} >= {
        Code.SOURCE_UNAVAILABLE,
        Code.SOURCE_PROTOCOL_VIOLATION,
        Code.SCOPE_REQUIRED,
        Code.TOKEN_INVALID,
    }


def test_logs(used):
    log = (used.demo.home / "up.log").read_bytes()
    assert b"refused" in log
    assert find(log, everything(used)) == []


def test_metrics(used):
    metrics = used.demo.http.get(f"{used.demo.gateway}/metrics").content
    assert b"chartgraph_requests_total" in metrics
    assert find(metrics, everything(used)) == []


def test_errors(used):
    assert find("\n".join(used.errors).encode(), everything(used)) == []


def _parts(client, key):
    """What a key of any type holds; nothing, where it has ended meanwhile."""
    match client.type(key):
        case b"none":
            return []
        case b"string":
            return [client.get(key) or b""]
        case b"hash":
            return [part for pair in client.hgetall(key).items() for part in pair]
        case b"list":
            return client.lrange(key, 0, -1)
        case b"set":
            return client.smembers(key)
        case b"zset":
            return client.zrange(key, 0, -1)
        case other:
            raise AssertionError(f"a key of type {other!r} is looked into by nobody")


def test_the_cache_s_keys_and_values(used):
    with redis.Redis(unix_socket_path=str(used.demo.home / "valkey.sock")) as client:
        keys = list(client.scan_iter(count=1000))
        assert keys
        kept = b"\n".join(part for key in keys for part in (key, *_parts(client, key)))
        assert find(kept, everything(used)) == []
        # Tokens and documents are sealed as well.
        for plain in (b"patient(", b"clinician", b"user/", used.demo.gateway.encode()):
            assert plain not in kept


def test_databases_and_other_files_hold_no_plain_text(used):
    files = [path for path in used.demo.home.rglob("*") if path.is_file()]
    own = [path for path in files if "sandbox" not in path.relative_to(used.demo.home).parts]
    assert {path.name for path in own} >= set(DATABASES)
    for path in own:
        assert find(path.read_bytes(), everything(used)) == [], path.name


def test_file_names(used):
    names = "\n".join(str(path.relative_to(used.demo.home)) for path in used.demo.home.rglob("*"))
    assert find(names.encode(), everything(used)) == []


def test_files_are_their_owner_s_alone(used):
    home = used.demo.home
    assert home.stat().st_mode & 0o077 == 0
    for name in ("master.key", "audit.checkpoints"):
        assert (home / name).stat().st_mode & 0o077 == 0


def test_the_products_operations_are_what_was_run():
    assert {path.stem for path in OPERATIONS.glob("*.graphql")} >= {"patient-summary", "worklist"}
