"""Links, imports, renames and prefixes."""

import pytest
from graphql import parse

from gateway.federation.link import FEDERATION, LINK, Version, parse_feature_url, read_links


def links(*applications: str):
    return read_links(parse(f"extend schema {' '.join(applications)} type Query {{ a: Int }}"))


FEDERATION_LINK = (
    '@link(url: "https://specs.apollo.dev/federation/v2.5",'
    ' import: ["@key", {name: "@shareable", as: "@shared"}, "FieldSet"])'
)


def test_names_of_imported_renamed_and_prefixed_elements():
    link = links(FEDERATION_LINK).federation
    assert link.url.version == Version(2, 5)
    assert [link.directive_name(name) for name in ("key", "shareable", "tag")] == [
        "key",
        "shared",
        "federation__tag",
    ]
    assert [link.type_name(name) for name in ("FieldSet", "Scope")] == [
        "FieldSet",
        "federation__Scope",
    ]


@pytest.mark.parametrize(
    ("local_name", "element"),
    [
        ("shared", "shareable"),
        ("federation__tag", "tag"),
        ("federation__shareable", None),
        ("federation", "federation"),
    ],
)
def test_finds_the_source_of_a_directive(local_name, element):
    link, name = links(FEDERATION_LINK).source_of_directive(local_name)
    assert (link.url.identity, name) == (FEDERATION, element)


def test_knows_nothing_of_foreign_directives_and_types():
    assert links(FEDERATION_LINK).source_of_directive("mine") is None
    assert links(FEDERATION_LINK).source_of_type("Mine") is None
    assert links(FEDERATION_LINK).source_of_type("FieldSet").url.identity == FEDERATION


def test_follows_a_renamed_link_directive():
    found = links(
        '@l(url: "https://specs.apollo.dev/link/v1.0", as: "l")',
        '@l(url: "https://specs.apollo.dev/federation/v2.0", as: "fed")',
        '@link(url: "https://specs.apollo.dev/tag/v0.3")',
    )
    assert [link.url.identity for link in found.links] == [LINK, FEDERATION]
    assert found.federation.directive_name("key") == "fed__key"


def test_a_schema_without_federation_or_link_links_nothing():
    assert links('@link(url: "https://specs.apollo.dev/tag/v0.3")').links == ()


@pytest.mark.parametrize(
    ("application", "code"),
    [
        ('@link(url: "https://specs.apollo.dev/")', "INVALID_LINK_IDENTIFIER"),
        ('@link(url: "https://specs.apollo.dev/tag")', "INVALID_LINK_IDENTIFIER"),
        ('@link(url: "https://specs.apollo.dev/v1.0")', "INVALID_LINK_IDENTIFIER"),
        ('@link(url: "http://[::1/tag/v1.0")', "INVALID_LINK_IDENTIFIER"),
        ('@link(url: "tag")', "INVALID_LINK_IDENTIFIER"),
        ("@link", "INVALID_LINK_DIRECTIVE_USAGE"),
        ('@link(url: "https://a.dev/a/v1.0", as: "b__c")', "INVALID_LINK_DIRECTIVE_USAGE"),
        ('@link(url: "https://a.dev/a/v1.0", as: "federation")', "INVALID_LINK_DIRECTIVE_USAGE"),
        (FEDERATION_LINK, "INVALID_LINK_DIRECTIVE_USAGE"),
        ('@link(url: "https://a.dev/a/v1.0", import: [1])', "INVALID_LINK_DIRECTIVE_USAGE"),
        ('@link(url: "https://a.dev/a/v1.0", import: ["@a b"])', "INVALID_LINK_DIRECTIVE_USAGE"),
        (
            '@link(url: "https://a.dev/a/v1.0", import: [{name: "@a", as: "b"}])',
            "INVALID_LINK_DIRECTIVE_USAGE",
        ),
        (
            '@link(url: "https://a.dev/a/v1.0", import: [{name: "@a", an: "@b"}])',
            "INVALID_LINK_DIRECTIVE_USAGE",
        ),
    ],
)
def test_says_what_is_wrong_with_a_link(application, code):
    assert [problem.code for problem in links(FEDERATION_LINK, application).problems] == [code]


def test_refuses_an_unknown_version_of_the_link_specification():
    found = links('@link(url: "https://specs.apollo.dev/link/v6.9")')
    assert [problem.code for problem in found.problems] == ["UNKNOWN_LINK_VERSION"]


def test_a_feature_url_prints_as_it_was():
    text = "https://specs.apollo.dev/federation/v2.11"
    assert str(parse_feature_url(text)) == text
