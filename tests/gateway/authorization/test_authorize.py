"""Rules from a supergraph, and the pass that takes out what a caller may not select."""

from __future__ import annotations

import pytest
from graphql import parse

from contract.errors import Code
from gateway.authorization.authorize import authorize
from gateway.authorization.identity import Grants
from gateway.federation.access_rules import AccessRule, access_rules
from gateway.federation.supergraph import load_supergraph
from gateway.operation.normalize import normalize
from gateway.operation.tree import InlineFragment

HEAD = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/authenticated/v0.1", for: SECURITY%s)
  @link(url: "https://specs.apollo.dev/requiresScopes/v0.1", for: SECURITY)
  @link(url: "https://specs.apollo.dev/policy/v0.1", for: SECURITY)
{ query: Query }
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { A @join__graph(name: "a", url: "") B @join__graph(name: "b", url: "") }
"""  # noqa: E501 - as composers print it

TYPES = """
type Query @join__type(graph: A) @join__type(graph: B) {
  patient: Patient @join__field(graph: A)
  node: Node @join__field(graph: A)
  found: [Found] @join__field(graph: A)
  secret: Secret @join__field(graph: A)
}
interface Node @join__type(graph: A) { id: ID!  title: String }
interface Locked @join__type(graph: A) @authenticated { id: ID! }
union Found @join__type(graph: A) @join__unionMember(graph: A, member: "Patient")
  @join__unionMember(graph: A, member: "Note") = Patient | Note
type Patient implements Node @join__type(graph: A, key: "id") @join__type(graph: B, key: "id")
    @join__implements(graph: A, interface: "Node") {
  id: ID!
  title: String @join__field(graph: A)
  ssn: String @join__field(graph: A) @requiresScopes(scopes: [["user/Patient.rs", "ssn"], ["all"]])
  conditions: [Condition] @join__field(graph: A)
  risk: Int @join__field(graph: B, requires: "ssn")
  ssnOnB: String @join__field(graph: B)
  merged: Boolean @join__field(graph: A) @policy(policies: [["may-merge"]])
  mood: Mood @join__field(graph: A)
  friend: Patient @join__field(graph: A)
}
type Note implements Node & Locked @join__type(graph: A)
    @join__implements(graph: A, interface: "Node") @join__implements(graph: A, interface: "Locked") {
  id: ID!
  title: String @authenticated
}
type Condition @join__type(graph: A) @requiresScopes(scopes: [["user/Condition.rs"]]) {
  code: String
}
type Secret @join__type(graph: A) { token: Token  plain: String }
scalar Token @join__type(graph: A) @authenticated
enum Mood @join__type(graph: A) @requiresScopes(scopes: [["mood"]]) { FINE @join__enumValue(graph: A) }
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
directive @requiresScopes(scopes: [[requiresScopes__Scope!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
directive @policy(policies: [[policy__Policy!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
scalar requiresScopes__Scope
scalar policy__Policy
"""  # noqa: E501 - likewise

SUPERGRAPH = load_supergraph(HEAD % "" + TYPES)
RULES = access_rules(SUPERGRAPH)
SIGNED_IN = Grants(authenticated=True)


def decide(text: str, grants: Grants):
    return authorize(normalized(text), RULES, grants, SUPERGRAPH.api_schema)


def normalized(text: str):
    return normalize(parse(text), None, SUPERGRAPH.api_schema, deferring=True)


def outline(selections) -> str:
    parts = []
    for each in selections:
        if isinstance(each, InlineFragment):
            deferred = "@defer" if each.defer else ""
            parts.append(f"...{each.type_condition}{deferred}{{{outline(each.selections)}}}")
        else:
            below = f"{{{outline(each.selections)}}}" if each.selections else ""
            parts.append(each.response_key + below)
    return " ".join(parts)


def left(text: str, grants: Grants) -> str:
    return outline(decide(text, grants).operation.selections)


def denied(text: str, grants: Grants) -> list[tuple[str, Code]]:
    return [(".".join(each.path), each.code) for each in decide(text, grants).denials]


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("ssn", id="plain"),
        pytest.param("x: ssn", id="alias"),
        pytest.param("id: ssn", id="alias of an open name"),
        pytest.param("... { ssn }", id="inline fragment"),
        pytest.param("... on Patient { ssn }", id="inline fragment on its type"),
        pytest.param("... on Node { ... on Patient { ssn } }", id="fragment in a fragment"),
        pytest.param("ssn @include(if: true)", id="include"),
        pytest.param("friend { ssn }", id="deeper"),
        pytest.param("... @defer { ssn }", id="deferred"),
        pytest.param("... @defer { ... on Patient { friend { ssn } } }", id="deferred, deeper"),
        pytest.param("risk", id="required by another field"),
    ],
)
def test_every_way_to_a_field_is_decided_alike(place):
    text = f"{{ patient {{ title {place} }} }}"
    ((_, code),) = denied(text, SIGNED_IN)
    assert code == Code.SCOPE_REQUIRED
    assert not {"ssn", "x", "risk"} & set(left(text, SIGNED_IN).replace("}", " ").split())
    permitted = decide(text, Grants(authenticated=True, scopes=frozenset({"all"})))
    assert permitted.denials == ()
    assert permitted.operation == normalized(text)


@pytest.mark.parametrize(
    "text",
    [
        "{ node { ... on Patient { ssn } title } }",
        "{ found { ... on Patient { ssn title } } }",
        "{ found { ...p } } fragment p on Patient { ssn title }",
        "{ found { ... on Node { ... on Patient { ssn } title } } }",
    ],
)
def test_abstract_types_are_no_way_round(text):
    grants = Grants(authenticated=True)
    assert [code for _, code in denied(text, grants)] == [Code.SCOPE_REQUIRED]
    assert "ssn" not in left(text, grants)
    assert "title" in left(text, grants)


def test_both_scopes_of_an_alternative_are_needed():
    text = "{ patient { ssn } }"
    for scopes, taken in (
        ({"user/Patient.rs"}, False),
        ({"ssn"}, False),
        ({"ssn", "user/*.read"}, True),
        ({"all"}, True),
    ):
        grants = Grants(authenticated=True, scopes=frozenset(scopes))
        assert (denied(text, grants) == []) is taken


def test_says_which_scopes_would_do():
    (denial,) = decide("{ patient { ssn } }", SIGNED_IN).denials
    assert denial.scopes == (("user/Patient.rs", "ssn"), ("all",))
    assert denial.types == ("Patient",)
    (denial,) = decide("{ patient { ssn } }", Grants()).denials
    assert (denial.code, denial.scopes) == (
        Code.UNAUTHENTICATED,
        (("user/Patient.rs", "ssn"), ("all",)),
    )


def test_an_unknown_policy_is_refused():
    text = "{ patient { merged } }"
    assert denied(text, SIGNED_IN) == [("patient.merged", Code.FORBIDDEN)]
    assert denied(text, Grants(authenticated=True, policies=frozenset({"may-merge"}))) == []


def test_a_field_of_a_protected_type_is_protected():
    text = "{ patient { conditions { code } } }"
    assert denied(text, SIGNED_IN) == [("patient.conditions", Code.SCOPE_REQUIRED)]
    granular = Grants(authenticated=True, scopes=frozenset({"user/Condition.rs?category=x"}))
    assert denied(text, granular) == []


def test_protected_scalars_and_enums():
    assert denied("{ secret { token plain } }", Grants()) == [
        ("secret.token", Code.UNAUTHENTICATED)
    ]
    assert left("{ secret { token plain } }", Grants()) == "secret{plain}"
    assert denied("{ patient { mood } }", SIGNED_IN) == [("patient.mood", Code.SCOPE_REQUIRED)]


def test_a_field_that_some_types_protect_is_left_for_the_others():
    text = "{ node { title } }"
    assert left(text, Grants()) == "node{...Patient{title}}"
    (denial,) = decide(text, Grants()).denials
    assert (denial.path, denial.types) == (("node", "title"), ("Note",))
    assert left(text, SIGNED_IN) == "node{title}"


def test_a_lock_on_an_interface_locks_who_implements_it():
    text = "{ found { ... on Note { id } ... on Patient { id } } }"
    assert denied(text, Grants()) == [("found.id", Code.UNAUTHENTICATED)]
    assert left(text, Grants()) == "found{...Patient{id}}"


def test_the_name_of_a_protected_type_is_protected_too():
    assert left("{ found { __typename } }", Grants()) == "found{...Patient{__typename}}"
    assert left("{ found { __typename } }", SIGNED_IN) == "found{__typename}"


def test_a_parent_of_denied_fields_is_still_asked_for():
    assert left("{ patient { ssn } }", SIGNED_IN) == "patient{__typename}"
    assert left("{ patient { conditions { code } } }", SIGNED_IN) == "patient{__typename}"


def test_what_is_left_of_a_deferred_part_is_deferred():
    text = "{ patient { ... @defer { title ssn } } }"
    assert left(text, SIGNED_IN) == "patient{...Patient@defer{title}}"


def test_conditions_of_a_denial_are_kept():
    text = "query ($a: Boolean!, $b: Boolean!) { patient @include(if: $a) { ssn @skip(if: $b) } }"
    (denial,) = decide(text, SIGNED_IN).denials
    assert [(each.variable, each.include) for each in denial.conditions] == [
        ("a", True),
        ("b", False),
    ]


def test_a_development_gateway_denies_nothing():
    text = "{ patient { ssn merged conditions { code } } }"
    assert decide(text, Grants(unrestricted=True)).denials == ()


def test_directives_may_be_renamed():
    head = HEAD % ', import: [{name: "@authenticated", as: "@signedIn"}]'
    types = TYPES.replace("@authenticated", "@signedIn")
    assert access_rules(load_supergraph(head + types)) == RULES
    prefixed = HEAD % ', as: "auth"'
    types = TYPES.replace("@authenticated", "@auth")
    assert access_rules(load_supergraph(prefixed + types)) == RULES


def test_open_fields_have_no_rule():
    assert ("Patient", "title") not in RULES
    assert RULES["Note", "title"] == AccessRule(authenticated=True)
    assert RULES["Note", "__typename"] == AccessRule(authenticated=True)
