"""The file of clients: what it says, and how it says what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from joserfc.jwk import ECKey, OctKey

from gateway.bounds import Bucket, Budget, Limits
from gateway.clients.registry import ClientsError, read_clients

LIMITS = Limits(depth=12)
BUDGET = Budget(requests=Bucket(maximum=5, restore_rate=1))
KEY = ECKey.generate_key("P-256", {"kid": "1"})
PARTNER = {"name": "Vitals", "contact": "ops@partner.example"}


def read(tmp_path, content):
    path = tmp_path / "clients.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return read_clients(path, LIMITS, BUDGET)


def entry(tmp_path, **given):
    return read(tmp_path, {"clients": {"partner-app": PARTNER | given}})["partner-app"]


def test_what_is_left_out_is_as_for_everyone(tmp_path):
    client = entry(tmp_path)
    assert (client.id, client.name, client.contact) == (
        "partner-app", "Vitals", "ops@partner.example",
    )  # fmt: skip
    assert client.scopes is None
    assert client.limits is LIMITS
    assert client.budget is BUDGET
    assert not client.documents.trusted_only


def test_a_client_s_own_bounds(tmp_path):
    client = entry(
        tmp_path,
        scopes=["patient/Patient.rs", "openid"],
        keys={"thumbprints": ["a" * 43], "jwks": {"keys": [KEY.as_dict(private=False)]}},
        limits={"aliases": 3},
        budget={"points": {"maximum": 100, "restore_rate": 2.5}},
        documents={"trusted_only": True, "manifest": "partner.json"},
    )
    assert client.scopes == {"patient/Patient.rs", "openid"}
    assert client.keys.thumbprints == {"a" * 43}
    assert client.keys.jwks.keys[0].kid == "1"
    assert (client.limits.aliases, client.limits.depth) == (3, 12)
    assert client.budget == Budget(
        points=Bucket(maximum=100, restore_rate=2.5), requests=BUDGET.requests
    )
    assert client.documents.manifest == tmp_path / "partner.json"


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"name": ""}, "clients.partner-app.name"),
        ({"contact": None}, "clients.partner-app.contact"),
        ({"unknown": 1}, "clients.partner-app.unknown: Extra inputs are not permitted"),
        ({"scopes": "patient/*.rs"}, "clients.partner-app.scopes"),
        ({"scopes": ["patient/*.sr"]}, "written like a SMART scope, and is none"),
        ({"scopes": ["openid profile"]}, "one scope in each entry"),
        ({"keys": {"thumbprints": ["aa:bb"]}}, "43 letters"),
        ({"keys": {"jwks": {"keys": "secret-4711"}}}, "no set of JSON web keys"),
        ({"keys": {"jwks": {"keys": [KEY.as_dict(private=True)]}}}, "only public keys"),
        (
            {"keys": {"jwks": {"keys": [OctKey.generate_key(256).as_dict(private=True)]}}},
            "only public keys",
        ),
        ({"limits": {"depth": 0}}, "clients.partner-app.limits.depth"),
        ({"limits": {"deep": 1}}, "clients.partner-app.limits.deep"),
        ({"budget": {"points": {"maximum": 5}}}, "clients.partner-app.budget.points.restore_rate"),
        (
            {"budget": {"points": {"maximum": 5, "restore_rate": 0}}},
            "clients.partner-app.budget.points.restore_rate",
        ),
    ],
)
def test_names_what_is_wrong_and_no_value(tmp_path, given, place):
    with pytest.raises(ClientsError) as raised:
        entry(tmp_path, **given)
    assert place in str(raised.value)
    assert "clients.yaml" in str(raised.value)
    assert "secret-4711" not in str(raised.value)
    assert KEY.as_dict(private=True)["d"] not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("clients: [a", "is not YAML, line"),
        ("- a", "file: "),
        ("", "file: "),
        ("{}", "clients: Field required"),
        ("clients: {'': {name: a, contact: b}}", "clients"),
    ],
)
def test_refuses_what_is_no_registry(tmp_path, content, said):
    with pytest.raises(ClientsError, match="the registry of clients") as raised:
        read(tmp_path, content)
    assert said in str(raised.value)


def test_refuses_what_cannot_be_read():
    with pytest.raises(ClientsError, match="cannot be read"):
        read_clients(Path("/nowhere/clients.yaml"), LIMITS, BUDGET)


def test_keys_are_read_from_what_partners_publish(tmp_path):
    text = json.dumps({"keys": [KEY.as_dict(private=False)]})
    client = entry(tmp_path, keys={"jwks": json.loads(text)})
    assert len(client.keys.jwks.keys) == 1
