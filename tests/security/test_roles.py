"""What each role of staff reaches, of every type that the graph knows: no more than is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contract.context import Caller
from subgraphs.runtime.access import CALENDARS, SHARED, STAFF, Access

ROOT = Path(__file__).parents[2]
SUPERGRAPH = (ROOT / "schema" / "supergraph.graphql").read_text()
TYPES = frozenset(re.findall(r'"user/([A-Za-z]+)\.rs"', SUPERGRAPH)) - SHARED - CALENDARS
GUIDE = (ROOT / "docs" / "authorization.md").read_text()
DOCUMENTED = {
    role: frozenset(re.findall(r"`([A-Z][A-Za-z]+)`", row[2]))
    for row in re.findall(r"^(\| (`[a-z-]+`(?:, `[a-z-]+`)*) \|)(.*)\|$", GUIDE, re.MULTILINE)
    for role in re.findall(r"`([a-z-]+)`", row[1])
}


def reached(role):
    access = Access(Caller("s", roles=(role,), scopes=("user/*.rs",)))
    return {type_ for type_ in TYPES if access.may_read_any(type_)}


@pytest.mark.parametrize("role", sorted(STAFF.keys() - {"developer"}))
def test_each_role_reaches_what_the_guide_says(role):
    expected = DOCUMENTED[role] & TYPES
    if role in ("clinician", "nurse"):
        expected = TYPES - expected
    assert reached(role) == expected


def test_only_those_who_answer_for_it_reach_consents_and_who_saw_what():
    for type_ in ("Consent", "AuditEvent"):
        assert {role for role in STAFF if type_ in reached(role)} <= {
            "privacy-officer",
            "registration-clerk",
        }
