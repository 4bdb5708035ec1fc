"""Scopes within bounds: nothing is left that either does not allow, and all that both do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.scopes import parse_scope
from gateway.authorization.scopes import covers
from gateway.clients.bounding import cut


@pytest.mark.parametrize(
    ("scopes", "bounds", "left"),
    [
        (["patient/*.rs"], ["patient/*.rs"], ["patient/*.rs"]),
        (["patient/*.rs"], ["patient/Patient.rs"], ["patient/Patient.rs"]),
        (["patient/Patient.rs"], ["patient/*.cruds"], ["patient/Patient.rs"]),
        (["patient/*.read"], ["patient/*.rs"], ["patient/*.read"]),
        (["user/*.cruds"], ["user/Observation.r"], ["user/Observation.r"]),
        (["user/Patient.cu"], ["user/*.rus"], ["user/Patient.u"]),
        (["user/Patient.rs"], ["patient/Patient.rs"], []),
        (["user/Patient.rs"], ["user/Observation.rs"], []),
        (["user/Patient.r"], ["user/Patient.s"], []),
        (["openid", "fhirUser", "orders"], ["openid", "orders"], ["openid", "orders"]),
        (["openid"], ["patient/*.rs"], []),
        (["patient/Patientt..rs"], ["patient/*.rs"], []),
        (
            ["patient/*.rs"],
            ["patient/Patient.rs", "patient/Observation.rs?category=vital-signs"],
            ["patient/Observation.rs?category=vital-signs", "patient/Patient.rs"],
        ),
        (
            ["patient/Observation.rs?category=laboratory"],
            ["patient/Observation.rs?category=vital-signs"],
            ["patient/Observation.rs?category=laboratory&category=vital-signs"],
        ),
        (
            ["patient/*.rs?code=a|b%26c+d"],
            ["patient/Observation.r"],
            ["patient/Observation.r?code=a%7Cb%26c%20d"],
        ),
        ([], ["patient/*.rs"], []),
        (["patient/*.rs"], [], []),
    ],
)
def test_cuts(scopes, bounds, left):
    assert list(cut(tuple(scopes), frozenset(bounds))) == left


def test_what_is_within_its_bounds_stays_the_very_same():
    scopes = ("openid", "patient/*.rs")
    assert cut(scopes, frozenset(scopes)) is scopes


letters = st.sets(st.sampled_from("cruds"), min_size=1).map(
    lambda chosen: "".join(each for each in "cruds" if each in chosen)
)
params = st.sampled_from(["", "?category=a", "?category=b", "?code=x%7Cy&category=a"])
clinical = st.builds(
    "{}/{}.{}{}".format,
    st.sampled_from(["patient", "user"]),
    st.sampled_from(["*", "Patient", "Observation"]),
    letters,
    params,
)


@given(st.lists(clinical, max_size=4), st.lists(clinical, max_size=4), clinical)
def test_what_is_left_is_what_both_cover(scopes, bounds, required):
    wanted = required.partition("?")[0]
    left = cut(tuple(scopes), frozenset(bounds))
    assert all(parse_scope(each) is not None for each in left)
    for letter in parse_scope(wanted).letters:
        one = wanted.rpartition(".")[0] + "." + letter
        assert covers(left, one) == (covers(scopes, one) and covers(bounds, one))
