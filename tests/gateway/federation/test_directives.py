"""Which directives each version of federation and of the other specifications has."""

import pytest
from graphql import build_schema, print_ast

from gateway.federation.directives import (
    COST,
    FEDERATION_DIRECTIVES,
    JOIN_SDL,
    LATEST,
    LINK_SDL,
    TAG,
    federation_1,
    specification,
)
from gateway.federation.link import FEDERATION, Version


def elements(minor: int) -> frozenset[str]:
    return specification(FEDERATION, Version(2, minor)).elements()


@pytest.mark.parametrize(
    ("minor", "new"),
    [
        (1, {"@composeDirective"}),
        (3, {"@interfaceObject"}),
        (5, {"@authenticated", "@requiresScopes", "Scope"}),
        (6, {"@policy", "Policy"}),
        (8, {"@context", "@fromContext", "ContextFieldValue"}),
        (9, {"@cost", "@listSize"}),
    ],
)
def test_each_version_adds_its_own(minor, new):
    assert elements(minor) - elements(minor - 1) == new


def test_every_version_up_to_the_latest_is_known_and_none_beyond():
    for minor in range(LATEST.minor + 1):
        assert "@key" in elements(minor)
    assert specification(FEDERATION, Version(2, LATEST.minor + 1)) is None
    assert specification(FEDERATION, Version(3, 0)) is None
    assert specification("https://me.dev/mine", Version(1, 0)) is None


@pytest.mark.parametrize(("minor", "repeatable"), [(1, False), (2, True)])
def test_shareable_became_repeatable(minor, repeatable):
    directives = specification(FEDERATION, Version(2, minor)).directives
    assert directives["shareable"].repeatable is repeatable


@pytest.mark.parametrize(("minor", "arguments"), [(6, ["from"]), (7, ["from", "label"])])
def test_override_got_its_label(minor, arguments):
    override = specification(FEDERATION, Version(2, minor)).directives["override"]
    assert [argument.name.value for argument in override.arguments] == arguments


def test_federation_1_has_six_directives():
    assert set(federation_1().directives) == {
        "key",
        "requires",
        "provides",
        "external",
        "extends",
        "tag",
    }
    assert federation_1().directives.keys() < FEDERATION_DIRECTIVES


def test_other_specifications_grow_too():
    assert "SCHEMA" not in print_ast(specification(TAG, Version(0, 2)).directives["tag"])
    assert "SCHEMA" in print_ast(specification(TAG, Version(0, 3)).directives["tag"])
    assert specification(COST, Version(0, 1)).elements() == {"@cost", "@listSize"}


def test_the_definitions_of_a_supergraph_are_valid():
    graphs = 'enum join__Graph { A @join__graph(name: "a", url: "") }'
    build_schema(f"{LINK_SDL} {JOIN_SDL} {graphs} type Query {{ a: Int }}")
