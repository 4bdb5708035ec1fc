"""SMART scopes by meaning, all others by letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authorization.scopes import covers

LABORATORY = "category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
ENCODED = (
    "category=http%3A%2F%2Fterminology.hl7.org%2FCodeSystem%2Fobservation-category%7Claboratory"
)


@pytest.mark.parametrize(
    ("granted", "required"),
    [
        ("user/Condition.rs", "user/Condition.rs"),
        ("user/*.rs", "user/Condition.rs"),
        ("user/*.*", "user/Condition.cud"),
        ("user/Condition.cruds", "user/Condition.r"),
        ("user/Condition.read", "user/Condition.rs"),
        ("user/Condition.rs", "user/Condition.read"),
        ("user/Condition.r user/Condition.s", "user/Condition.rs"),
        ("user/Condition.rs?category=problem-list-item", "user/Condition.rs"),
        (f"patient/Observation.rs?{LABORATORY}", f"patient/Observation.rs?{ENCODED}"),
        ("patient/Observation.rs", f"patient/Observation.rs?{LABORATORY}"),
        ("patient/Observation.rs?a=1", "patient/Observation.rs?a=1&b=2"),
        ("read:orders", "read:orders"),
        ("openid patient/*.rs", "patient/Patient.r"),
    ],
)
def test_covers(granted, required):
    assert covers(frozenset(granted.split()), required)


@pytest.mark.parametrize(
    ("granted", "required"),
    [
        ("", "user/Condition.rs"),
        ("user/Condition.r", "user/Condition.rs"),
        ("user/Condition.read", "user/Condition.c"),
        ("patient/Condition.rs", "user/Condition.rs"),
        ("user/Condition.rs", "system/Condition.rs"),
        ("user/Condition.rs", "user/*.rs"),
        ("user/Observation.rs", "user/Condition.rs"),
        ("user/Condition.write", "user/Condition.rs"),
        ("patient/Observation.rs?a=1&b=2", "patient/Observation.rs?a=1"),
        ("patient/Observation.rs?a=2", "patient/Observation.rs?a=1"),
        ("read:orders:all", "read:orders"),
        ("READ:orders", "read:orders"),
        ("*", "read:orders"),
        ("user/Condition.sr", "user/Condition.rs"),
        ("user/Condition.sr", "user/Condition.sr"),
    ],
)
def test_does_not_cover(granted, required):
    assert not covers(frozenset(granted.split()), required)


scopes = st.builds(
    lambda context, kind, letters: (
        f"{context}/{kind}.{''.join(sorted(letters, key='cruds'.index))}"
    ),
    st.sampled_from(["patient", "user", "system"]),
    st.sampled_from(["*", "Patient", "Observation"]),
    st.sets(st.sampled_from("cruds"), min_size=1),
)


@given(st.frozensets(scopes, max_size=4), st.frozensets(scopes, max_size=2), scopes)
def test_more_scopes_never_open_less(granted, more, required):
    assert not covers(granted, required) or covers(granted | more, required)


@given(scopes)
def test_a_scope_covers_itself(scope):
    assert covers({scope}, scope)
