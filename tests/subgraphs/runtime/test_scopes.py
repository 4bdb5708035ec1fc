"""Scopes that let their holder read, and the records a granular one matches."""

import pytest

from subgraphs.runtime.scopes import matches, read_scopes


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("patient/Condition.rs", True),
        ("user/*.cruds", True),
        ("system/Patient.read", True),
        ("user/Patient.*", True),
        ("user/Patient.r", False),
        ("user/Patient.s", False),
        ("user/Patient.cud", False),
        ("user/Patient.write", False),
        ("launch/patient", False),
        ("", False),
    ],
)
def test_reading_takes_both_letters(text, reads):
    assert bool(read_scopes((text,))) is reads


@pytest.mark.parametrize(
    ("scopes", "reads"),
    [
        (("user/Patient.r", "user/Patient.s"), True),
        (("user/Patient.r", "patient/Patient.s"), False),
        (("user/Patient.r", "user/Condition.s"), False),
        (("user/Patient.r", "user/Patient.s?_id=1"), False),
    ],
)
def test_two_scopes_of_the_same_reach_are_one(scopes, reads):
    assert bool(read_scopes(scopes)) is reads


VITALS = frozenset({"vital-signs", "http://x|vital-signs"})


@pytest.mark.parametrize(
    ("query", "tokens", "expected"),
    [
        ("category=vital-signs", {"category": VITALS}, True),
        ("category=http://x|vital-signs", {"category": VITALS}, True),
        ("category=http%3A%2F%2Fx%7Cvital-signs", {"category": VITALS}, True),
        ("category=http://y|vital-signs", {"category": VITALS}, False),
        ("category=laboratory", {"category": VITALS}, False),
        ("category=laboratory,vital-signs", {"category": VITALS}, True),
        (r"category=laboratory\,vital-signs", {"category": VITALS}, False),
        ("category=vital-signs&code=1", {"category": VITALS}, False),
        ("category=vital-signs&code=1", {"category": VITALS, "code": {"1"}}, True),
        ("category=vital-signs&category=laboratory", {"category": VITALS}, False),
        ("status=final", {"category": VITALS}, False),
    ],
)
def test_a_granular_scope_matches_all_its_parameters(query, tokens, expected):
    (scope,) = read_scopes((f"patient/Observation.rs?{query}",))
    assert matches(scope, tokens) is expected
