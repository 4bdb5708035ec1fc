"""From callers to grants: one answer for all whom no policy can tell apart."""

from __future__ import annotations

from contract.context import Caller
from gateway.authorization.grants import GrantsOf

POLICIES = {"may-merge": frozenset({"privacy-officer"}), "may-read": frozenset({"clinician"})}


def test_a_role_satisfies_its_policies():
    grants = GrantsOf(POLICIES)(Caller("c", roles=("clinician",), scopes=("user/*.rs",)))
    assert grants.authenticated
    assert grants.scopes == {"user/*.rs"}
    assert grants.policies == {"may-read"}


def test_two_callers_of_one_class_share_their_grants():
    grants_of = GrantsOf(POLICIES)
    one, other = (Caller(subject, roles=("clinician",)) for subject in ("a", "b"))
    assert grants_of(one) is grants_of(other)
    assert grants_of(Caller("c", roles=("privacy-officer",))).policies == {"may-merge"}
