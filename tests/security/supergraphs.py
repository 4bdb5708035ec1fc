"""A small supergraph with every kind of place that can be protected, beside the product's own."""

from __future__ import annotations

from functools import cache
from typing import Any

from graphql import DocumentNode, InterfaceTypeDefinitionNode, print_ast

from gateway.composition import SubgraphInput, compose
from gateway.federation.supergraph import Supergraph, load_supergraph
from schema import SUPERGRAPH

LINK = (
    "extend schema @link(url: "
    '"https://specs.apollo.dev/federation/v2.6", import: ["@key", "@shareable", "@authenticated",'
    ' "@requiresScopes", "@policy", "@requires", "@external", "@provides", "@inaccessible"])\n'
)

CHARTS = (
    LINK
    + """
type Query {
  node(id: ID!): Node
  nodes: [Node!]
  entries: [Entry!]
  found: [Found]
  locked: [Locked]
  vault: Vault
  person: Person
}
type Mutation {
  sign(id: ID!): Signed
  merge: Person @policy(policies: [["steward"]])
}
type Subscription {
  written: Entry
  signed: Signed
  opened: Vault
  merged: Person @policy(policies: [["steward"]])
}
union Signed = Note | Memo | Refused
type Refused { reason: String }
interface Node { id: ID! }
interface Entry implements Node { id: ID!  title: String  author: Person }
interface Locked { stamp: String }
union Found = Visit | Note | Person | Memo
type Visit implements Node & Entry { id: ID!  title: String  author: Person
  price: Int @policy(policies: [["billing"]]) }
type Note implements Node & Entry { id: ID!  title: String @requiresScopes(scopes: [["notes"]])  author: Person  text: String @requiresScopes(scopes: [["notes", "read"], ["all"]]) }
type Memo implements Node & Entry @requiresScopes(scopes: [["memos"]]) { id: ID!  title: String  author: Person }
type Bolt implements Locked @authenticated { stamp: String  width: Int }
type Vault @requiresScopes(scopes: [["vault"]]) { token: Token  plain: String  mood: Mood }
type Person implements Node @key(fields: "id") { id: ID!  name: String  ssn: String @policy(policies: [["steward"]])  friends: [Person!]  mood: Mood  notes: [Note!] }
scalar Token @authenticated
enum Mood @requiresScopes(scopes: [["mood"]]) { FINE BAD }
"""  # noqa: E501 - one type, one line
)

RISKS = (
    LINK
    + """
type Person @key(fields: "id") {
  id: ID!
  ssn: String @external
  risk: Int @requires(fields: "ssn") @policy(policies: [["steward"]])
  zodiac: String
}
"""
)


@cache
def inherited() -> Supergraph:
    """As composed: what protects one implementation stands on its interfaces too."""
    sources = {"charts": CHARTS, "risks": RISKS}
    inputs = [SubgraphInput(name, f"http://{name}", sdl) for name, sdl in sources.items()]
    return load_supergraph(compose(inputs).sdl)


@cache
def small() -> Supergraph:
    """As composers print it that let nothing be inherited: each type has its own."""
    document = inherited().document
    definitions = tuple(map(_unprotected, document.definitions))
    return load_supergraph(print_ast(DocumentNode(definitions=definitions)))


def _unprotected(node: Any) -> Any:
    if not isinstance(node, InterfaceTypeDefinitionNode):
        return node
    fields = tuple(_replace(field, directives=_harmless(field)) for field in node.fields)
    return _replace(node, directives=_harmless(node), fields=fields)


def _harmless(node: Any) -> tuple[Any, ...]:
    return tuple(each for each in node.directives or () if each.name.value.startswith("join__"))


def _replace(node: Any, **parts: Any) -> Any:
    return type(node)(**{**{name: getattr(node, name) for name in node.keys}, **parts})


@cache
def product() -> Supergraph:
    return load_supergraph(SUPERGRAPH.read_text(encoding="utf-8"))
