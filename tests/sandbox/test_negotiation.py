"""Scopes granted are those asked for as far as they are held: never more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.scopes import parse_scope
from sandbox.issuer.negotiation import grant_scopes


@pytest.mark.parametrize(
    ("asked", "held", "context", "granted"),
    [
        ("user/*.rs", "user/*.rs", (), "user/*.rs"),
        ("user/*.cruds", "user/*.rs", (), "user/*.rs"),
        ("user/Observation.cruds", "user/*.rs", (), "user/Observation.rs"),
        ("user/*.rs", "user/Patient.rs user/Claim.r", (), "user/Claim.r user/Patient.rs"),
        ("user/Condition.rs", "user/Patient.rs", (), ""),
        ("user/Patient.c", "user/Patient.rs", (), ""),
        ("user/Patient.read", "user/*.rs", (), "user/Patient.read"),
        ("user/Patient.*", "user/*.rs", (), "user/Patient.read"),
        ("user/Patient.*", "user/*.r", (), "user/Patient.r"),
        ("system/*.rs", "user/*.rs", (), ""),
        ("user/*.rs", "patient/*.rs", ("patient",), ""),
        ("patient/*.rs", "patient/*.rs", ("patient",), "patient/*.rs"),
        ("patient/*.rs", "patient/*.rs", (), ""),
        ("patient/Condition.rs", "user/*.rs", ("patient",), "patient/Condition.rs"),
        (
            "patient/Observation.rs",
            "patient/Observation.rs?category=a",
            ("patient",),
            "patient/Observation.rs?category=a",
        ),
        (
            "patient/Observation.rs?category=a",
            "patient/*.rs",
            ("patient",),
            "patient/Observation.rs?category=a",
        ),
        (
            "patient/Observation.rs?code=b",
            "patient/Observation.rs?category=a",
            ("patient",),
            "patient/Observation.rs?category=a&code=b",
        ),
        ("user/Patient.sr USER/*.rs", "user/*.rs", (), ""),
        ("openid profile", "openid", (), "openid"),
        ("launch/patient launch/encounter", "", ("patient",), "launch/patient"),
        ("offline_access online_access", "", (), "offline_access online_access"),
        ("launch", "", (), ""),
    ],
)
def test_grants(asked, held, context, granted):
    given = grant_scopes(asked.split(), held.split(), context, launched=False)
    assert sorted(given) == sorted(granted.split())


def test_launch_is_for_who_was_launched():
    assert grant_scopes(["launch"], [], (), launched=True) == ("launch",)


scopes = st.builds(
    lambda level, type_, letters: f"{level}/{type_}.{''.join(sorted(letters, key='cruds'.index))}",
    st.sampled_from(["patient", "user", "system"]),
    st.sampled_from(["*", "Patient", "Claim"]),
    st.sets(st.sampled_from("cruds"), min_size=1),
)


@given(st.lists(scopes, max_size=4), st.lists(scopes, max_size=4))
def test_nothing_is_granted_that_was_not_asked_for_and_held(asked, held):
    for text in grant_scopes(asked, held, ("patient",), launched=True):
        scope = parse_scope(text)
        for given_, levels in ((asked, {scope.level}), (held, {scope.level, "user"})):
            usable = levels if scope.level == "patient" else {scope.level}
            assert any(
                each.level in usable and each.names(scope.type) and scope.letters <= each.letters
                for each in map(parse_scope, given_)
            )
