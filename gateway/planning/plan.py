"""The query plan: what is fetched from where, in which order. It holds no values and no identity.

A plan is a tree of nodes. A `FetchNode` sends one prebuilt document to one subgraph. Without
`entities` its answer is merged into the root of the fetched data, or at `target`; with them, each
`EntityCall` collects representations at its target paths and merges each entity back into the place
it came from. Fetched data is keyed by the client's response keys; what only the plan needs (keys,
requirements) lies beside it under its field name, or under an internal alias where that is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from gateway.operation.deferred import Deferral
from gateway.operation.tree import OperationKind


@dataclass(frozen=True, slots=True)
class Key:
    """Step into the value at a response key, and into each item if it is a list, however nested."""

    name: str


@dataclass(frozen=True, slots=True)
class OnTypes:
    """Go on only where `__typename` is one of these object types."""

    types: tuple[str, ...]


Path: TypeAlias = tuple[Key | OnTypes, ...]


@dataclass(frozen=True, slots=True)
class RequiredField:
    """A field of a representation: read at `response_key`, sent as `name`."""

    name: str
    response_key: str
    selections: tuple[RequiredField | RequiredFragment, ...] = ()


@dataclass(frozen=True, slots=True)
class RequiredFragment:
    """Fields of a representation for values whose `__typename` is one of `types`."""

    types: tuple[str, ...]
    selections: tuple[RequiredField | RequiredFragment, ...]


@dataclass(frozen=True, slots=True)
class Representation:
    """How entities of some runtime types are shown to the subgraph.

    An entity lacking one of the fields, or with a null in one of `keys`, is not sent at all.
    """

    types: tuple[str, ...]
    """Runtime object types (`__typename` in the data) this representation is for. Data without a
    `__typename` is taken to be of the first."""
    typename: str
    """The `__typename` to send: for an interface object the interface's name."""
    keys: tuple[str, ...]
    """The top-level names among `fields` that belong to the key."""
    fields: tuple[RequiredField | RequiredFragment, ...]


@dataclass(frozen=True, slots=True)
class ContextSource:
    """An object that encloses an entity, and what is read of it."""

    levels: int
    """How many fields it lies above the entity: 1 is the object that holds the entity."""
    types: tuple[str, ...]
    """It is the one if its `__typename` is one of these; without any, whatever it is."""
    selections: tuple[RequiredField | RequiredFragment, ...]
    """One field, all the way down, or one in each fragment."""


@dataclass(frozen=True, slots=True)
class ContextVariable:
    """Where the value of a contextual argument comes from; null where no source gives one."""

    type: str
    """The argument's type in the subgraph. An entity is not asked for if null does not fit it."""
    sources: tuple[ContextSource, ...]
    """The nearest first."""


@dataclass(frozen=True, slots=True)
class EntityCall:
    response_key: str
    """`_entities`, or an alias of it where one request carries several."""
    variable: str
    """The document's variable that takes the representations."""
    targets: tuple[Path, ...]
    representations: tuple[Representation, ...]
    contexts: tuple[ContextVariable, ...] = ()
    """The call is made once for each set of their values."""
    apart: bool = False
    """Whether what comes for one place may later differ from what comes for another, although the
    entity is the same: where something below depends on what encloses it."""


@dataclass(frozen=True, slots=True)
class TemplateCall:
    definitions: tuple[str, ...]
    """The parts of its own variables' definitions."""
    field: tuple[str, ...]
    """The parts of its field."""
    variables: tuple[str, ...]
    """The definitions of the client's variables it uses: `$first:Int`."""


@dataclass(frozen=True, slots=True)
class Template:
    """A document whose calls are repeated, each time under a response key of its own.

    That key stands between the parts of a text. Of the variables, the representations' bear its
    name, and the contexts' its name and their number: `$_e0`, `$_e0_0`, `$_e0_1`.
    """

    prefix: str
    """Response keys are this and a number."""
    calls: tuple[TemplateCall, ...]
    """One for each entity call."""


@dataclass(frozen=True, slots=True)
class Rename:
    """After the answer is decoded: below `path`, what is called `alias` is meant as `name`.

    Used where two branches may not share a response key in one document, for their types differ.
    The path starts at the answer's root, or at the entity for an entity fetch.
    """

    path: Path
    alias: str
    name: str


@dataclass(frozen=True, slots=True)
class FetchNode:
    subgraph: str
    kind: OperationKind
    document: str
    """The GraphQL text to send, minified, with its variable definitions."""
    operation_name: str | None
    variables: tuple[str, ...]
    """The client's variables it passes on."""
    entities: tuple[EntityCall, ...] = ()
    target: Path = ()
    """Without entities, where the answer is merged: the root of the data, or every object at this
    path, for a field of a root type that lies further down (`mutation { add { query { … } } }`)."""
    renames: tuple[Rename, ...] = ()
    template: Template | None = None
    """Where calls have contexts; `document` then has each call once."""
    number: int | None = None
    """What deferred parts call it, in a plan that has any."""


@dataclass(frozen=True, slots=True)
class SequenceNode:
    nodes: tuple[PlanNode, ...]


@dataclass(frozen=True, slots=True)
class ParallelNode:
    nodes: tuple[PlanNode, ...]


@dataclass(frozen=True, slots=True)
class ConditionNode:
    """Run one branch or the other by a Boolean variable of the client."""

    variable: str
    if_true: PlanNode | None
    if_false: PlanNode | None


PlanNode: TypeAlias = FetchNode | SequenceNode | ParallelNode | ConditionNode


@dataclass(frozen=True, slots=True)
class SubscriptionNode:
    """Listen to one subgraph, and complete each of its events like the answer of a fetch."""

    primary: FetchNode
    rest: PlanNode | None


@dataclass(frozen=True, slots=True)
class DeferredNode:
    """What is fetched for deferred fragments only."""

    parts: tuple[Deferral, ...]
    """One; or several that are complete only with these fetches, and none of which is inside
    another."""
    after: tuple[int, ...]
    """The numbers of the fetches, of other nodes, that must be done before it begins."""
    node: PlanNode | None
    """None where all that the part needs is fetched before it is due."""


@dataclass(frozen=True, slots=True)
class DeferNode:
    """The answer in parts: the primary one is complete without any of the deferred ones.

    A deferred part is complete with all nodes it is named in, once the part around it is.
    """

    primary: PlanNode | None
    deferred: tuple[DeferredNode, ...]


PlanRoot: TypeAlias = PlanNode | SubscriptionNode | DeferNode


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """`node` is None where nothing is to be fetched, as for `{ __typename }`."""

    node: PlanRoot | None


def fetch_numbers(node: PlanNode) -> Iterator[int]:
    """Of all fetches in the node that have one, whichever branch of a condition they are in."""
    match node:
        case FetchNode(number=int(number)):
            yield number
        case SequenceNode(nodes) | ParallelNode(nodes):
            for each in nodes:
                yield from fetch_numbers(each)
        case ConditionNode(if_true=if_true, if_false=if_false):
            for branch in (if_true, if_false):
                yield from fetch_numbers(branch) if branch else ()
