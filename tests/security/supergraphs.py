"""A small supergraph with every kind of place that can be protected, beside the product's own."""

from __future__ import annotations

from functools import cache

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
interface Node { id: ID! }
interface Entry implements Node { id: ID!  title: String  author: Person }
interface Locked { stamp: String }
union Found = Visit | Note | Person
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
def small() -> Supergraph:
    inputs = [
        SubgraphInput("charts", "http://c", CHARTS),
        SubgraphInput("risks", "http://r", RISKS),
    ]
    return load_supergraph(compose(inputs).sdl)


@cache
def product() -> Supergraph:
    return load_supergraph(SUPERGRAPH.read_text(encoding="utf-8"))
