"""Fifty subgraphs with two thousand types between them, the same ones whenever asked.

Every subgraph has entities of its own, fields for entities of others (some of them requiring what
the owner resolves), value types all share, an interface, a union, enums, inputs and mutations. The
mixture is that of the larger graphs people write, not a worst case.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.composition import SubgraphInput

SUBGRAPHS = 50
ENTITIES = 7
"""Own entities of one subgraph; each comes with a connection, an edge and part of the rest."""
BORROWED = 4 * ENTITIES
"""Entities of others to which a subgraph adds fields, so that each is added to by four."""

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: '
    '["@key", "@shareable", "@external", "@requires", "@provides", "@tag", "@inaccessible"])'
)

SHARED = """
type PageInfo @shareable { hasNextPage: Boolean! endCursor: String }
type Money @shareable { amount: String! currency: Currency! }
enum Currency { EUR USD GBP JPY CHF }
scalar DateTime
interface Node { id: ID! }
"""


def large_graph() -> tuple[SubgraphInput, ...]:
    return tuple(
        SubgraphInput(f"s{index}", f"http://s{index}.example/graphql", _sdl(index))
        for index in range(SUBGRAPHS)
    )


def _sdl(subgraph: int) -> str:
    own = [f"E{subgraph}x{entity}" for entity in range(ENTITIES)]
    return "\n".join(
        [
            LINK,
            SHARED,
            *_roots(subgraph, own),
            *(line for number, name in enumerate(own) for line in _entity(subgraph, number, name)),
            *_borrowed(subgraph),
            f"union Found{subgraph} = {' | '.join(own)}",
        ]
    )


def _roots(subgraph: int, own: list[str]) -> Iterator[str]:
    yield "type Query {"
    for name in own:
        yield f"  {name.lower()}(id: ID!): {name}"
        yield f"  all{name}(first: Int = 20, after: String, where: {name}Filter): {name}Connection!"
    yield f"  search{subgraph}(text: String!): [Found{subgraph}!]!"
    yield "}"
    yield "type Mutation {"
    yield from (f"  save{name}(input: {name}Input!): {name}" for name in own[:4])
    yield "}"
    yield from (f"input {name}Input {{ id: ID! name: String tags: [String!] }}" for name in own[:4])


def _entity(subgraph: int, number: int, name: str) -> Iterator[str]:
    """An entity with a reference to another subgraph's, and one to a neighbour."""
    other = f"E{(subgraph + 1 + number) % SUBGRAPHS}x{(number + 3) % ENTITIES}"
    neighbour = f"E{subgraph}x{(number + 1) % ENTITIES}"
    second_key = ' @key(fields: "code")' if number % 3 == 0 else ""
    yield f'"One of the {name}."'
    yield f'type {name} implements Node @key(fields: "id"){second_key} {{'
    yield "  id: ID!"
    yield "  code: String!"
    yield '  "As people say it."'
    yield "  name: String"
    yield '  note: String @tag(name: "internal")'
    yield "  hidden: Int @inaccessible"
    yield f"  state: {name}State"
    yield "  price: Money"
    yield "  changedAt: DateTime"
    yield f"  neighbour: {neighbour}"
    yield f"  other: {other}"
    yield "}"
    yield f"enum {name}State {{ NEW OPEN CLOSED }}" if number % 2 == 0 else f"scalar {name}State"
    yield f"input {name}Filter {{ name: String state: {name}State and: [{name}Filter!] }}"
    yield f"type {name}Connection {{ edges: [{name}Edge!]! pageInfo: PageInfo! }}"
    yield f"type {name}Edge {{ cursor: String! node: {name} }}"


def _borrowed(subgraph: int) -> Iterator[str]:
    """What others' entities get from here; the references to the rest need a stub."""
    for number in range(BORROWED):
        name = f"E{(subgraph + 1 + number) % SUBGRAPHS}x{(number + 3) % ENTITIES}"
        yield f'type {name} @key(fields: "id") {{'
        yield "  id: ID!"
        if number % 2 == 0:
            yield f"  rating{subgraph}: Float"
            yield f"  related{subgraph}: [E{subgraph}x{number % ENTITIES}!]"
        if number % 7 == 0:
            yield "  name: String @external"
            yield f'  label{subgraph}(long: Boolean = false): String @requires(fields: "name")'
        yield "}"
