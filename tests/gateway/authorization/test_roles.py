"""An issuer's file of roles: words to roles, roles to purposes, and what is wrong with it."""

from __future__ import annotations

import pytest

from contract.errors import Code
from gateway.authorization.roles import RoleMap, read_roles, version_of
from gateway.errors import AccessError
from gateway.settings import SettingsError

FILE = """
claims: [realm_access.roles, [https://example.org/groups], department]
roles:
  clinician: {words: [doctors, physician], purposes: [TREAT, ETREAT]}
  researcher: {words: [lab-7], purposes: [HRESCH, TREAT]}
  biller: {purposes: [HPAYMT]}
without_role: [HOPERAT, TREAT]
"""


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "roles.yaml"
        path.write_text(text)
        return read_roles(path)

    return read


@pytest.mark.parametrize(
    ("claims", "roles", "purpose"),
    [
        pytest.param(
            {"realm_access": {"roles": ["doctors", "x"]}}, ("clinician",), "TREAT", id="path"
        ),
        pytest.param(
            {"https://example.org/groups": ["physician"]}, ("clinician",), "TREAT", id="URL"
        ),
        pytest.param({"department": "biller"}, ("biller",), "HPAYMT", id="a lone word"),
        pytest.param({}, (), "TREAT", id="none"),
        pytest.param({"department": 7, "realm_access": "doctors"}, (), "TREAT", id="odd shapes"),
        pytest.param(
            {"department": ["lab-7", "doctors"]},
            ("clinician", "researcher"),
            "TREAT",
            id="the first's",
        ),
        pytest.param(
            {"department": ["lab-7", "doctors"], "purpose_of_use": "HRESCH"},
            ("researcher",),
            "HRESCH",
            id="only roles that may have the purpose",
        ),
        pytest.param(
            {"department": "doctors", "purpose": "ETREAT"}, ("clinician",), "ETREAT", id="purpose"
        ),
        pytest.param(
            {
                "department": "doctors",
                "extensions": {
                    "ihe_iua": {"purpose_of_use": [{"system": "urn:oid:2.16", "code": "ETREAT"}]}
                },
            },
            ("clinician",),
            "ETREAT",
            id="IHE IUA",
        ),
        pytest.param(
            {
                "department": "doctors",
                "extensions": {
                    "hl7-b2b": {"purpose_of_use": ["urn:oid:2.16.840.1.113883.5.8#ETREAT"]}
                },
            },
            ("clinician",),
            "ETREAT",
            id="UDAP",
        ),
        pytest.param(
            {"department": "doctors", "purpose_of_use": ["HPAYMT", "ETREAT"]},
            ("clinician",),
            "ETREAT",
            id="the first that is allowed",
        ),
        pytest.param({"purpose_of_use": "HOPERAT"}, (), "HOPERAT", id="without a role"),
    ],
)
def test_in_which_roles_and_what_for(read, claims, roles, purpose):
    standing = read(FILE).standing(claims)
    assert (standing.roles, standing.purpose) == (roles, purpose)


@pytest.mark.parametrize(
    "claims",
    [
        {"department": "doctors", "purpose_of_use": "HRESCH"},
        {"department": "doctors", "purpose_of_use": "treat"},
        {"department": "doctors", "purpose_of_use": 7},
        {"department": "doctors", "purpose_of_use": [{"code": None}]},
        {"purpose_of_use": "HRESCH"},
        {"purpose_of_use": "no code"},
    ],
)
def test_a_purpose_that_is_not_the_callers_is_refused(read, claims):
    """Also one that cannot be read: it must not become the usual one."""
    with pytest.raises(AccessError) as raised:
        read(FILE).standing(claims)
    assert raised.value.code == Code.PURPOSE_NOT_PERMITTED
    assert raised.value.status == 403


def test_who_has_no_role_may_be_refused_the_usual_purpose(read):
    with pytest.raises(AccessError):
        read(FILE.replace("[HOPERAT, TREAT]", "[HOPERAT]")).standing({})


@pytest.mark.parametrize(
    ("claims", "purpose"),
    [({}, "TREAT"), ({"purpose": "HRESCH"}, "HRESCH"), ({"purpose": "log in"}, "TREAT")],
)
def test_without_a_file_nobody_has_a_role_and_the_issuer_is_believed(claims, purpose):
    standing = RoleMap().standing({"roles": ["clinician"], **claims})
    assert (standing.roles, standing.purpose) == ((), purpose)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("roles: [", "line 1 is no YAML"),
        ("[]", "the file is no mapping"),
        ("rolls: {}", "the file has unknown words: rolls"),
        ("claims: roles", "claims is no list"),
        ("claims: [a..b]\nroles: {a: {purposes: [TREAT]}}", r"claims\[0\] is no path"),
        ("claims: [roles]", "roles names no role"),
        ("roles: {a: [TREAT]}", r"roles\.a is no mapping"),
        ("roles: {a: {purpose: [TREAT]}}", r"roles\.a has unknown words: purpose"),
        ("roles: {a: {}}", r"roles\.a\.purposes is no list of purposes"),
        ("roles: {a: {purposes: []}}", r"roles\.a\.purposes is empty"),
        ("roles: {a: {purposes: [treat]}}", r"roles\.a\.purposes is no list of purposes"),
        ("roles: {a: {words: b, purposes: [TREAT]}}", r"roles\.a\.words is no list of words"),
        ("roles: {a: {purposes: [TREAT]}}\nwithout_role: TREAT", "without_role is no list"),
    ],
)
def test_a_bad_file_is_told_by_place_and_mend(read, text, told):
    with pytest.raises(SettingsError, match=told) as raised:
        read(text)
    assert "roles.yaml: " in str(raised.value)
    assert "; " in str(raised.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        read_roles(tmp_path / "roles.yaml")


def test_a_version_tells_files_apart(read):
    one, same, other = read(FILE), read(FILE + "\n# more"), read(FILE.replace("HRESCH", "HOPERAT"))
    assert version_of({"a": one}) == version_of({"a": same})
    assert len({version_of({"a": one}), version_of({"b": one}), version_of({"a": other})}) == 3
