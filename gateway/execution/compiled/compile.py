"""Compile a plan for one shape of the client's answer.

QueryPlan + ObjectShape ── place ──> positions ── define ──> Structs ── link ──> Program
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

from gateway.execution.compiled.asked import Reader
from gateway.execution.compiled.errors import NotCompilableError
from gateway.execution.compiled.positions import TYPENAME, Landing, Placer, Position
from gateway.execution.compiled.program import Call, Finish, Given, Program, Step
from gateway.execution.compiled.structs import StructMaker, attribute, decoder
from gateway.execution.compiled.ways import Ways
from gateway.execution.shapes import ObjectShape
from gateway.execution.wire import encode
from gateway.federation.supergraph import Supergraph
from gateway.operation.tree import OperationKind
from gateway.planning.plan import (
    ConditionNode,
    EntityCall,
    FetchNode,
    ParallelNode,
    PlanRoot,
    QueryPlan,
    Representation,
    RequiredField,
    SequenceNode,
)

_BASE_BYTES: Final = 8_000
_FIELD_BYTES: Final = 1_600
_NOBODY: Final = -1
"""Makes the root, which is there before anything is fetched."""


def compile_program(
    plan: QueryPlan, shape: ObjectShape, supergraph: Supergraph, booleans: Mapping[str, bool]
) -> Program:
    """Raises `NotCompilableError`. Of the variables only `booleans` decide about a program."""
    reader = Reader(supergraph.full_schema, booleans)
    builder = ProgramBuilder(reader, Placer(reader, supergraph.api_schema), shape)
    for fetch in _fetches(plan.node, booleans):
        builder.place(fetch)
    return builder.build()


def _fetches(node: PlanRoot | None, booleans: Mapping[str, bool]) -> Iterator[FetchNode]:
    """Those that are sent; what brings something comes before what needs it."""
    match node:
        case None:
            return
        case FetchNode(kind=OperationKind.QUERY, target=(), renames=(), template=None):
            yield node
        case SequenceNode(nodes) | ParallelNode(nodes):
            for each in nodes:
                yield from _fetches(each, booleans)
        case ConditionNode(variable, if_true, if_false):
            yield from _fetches(if_true if booleans[variable] else if_false, booleans)
        case _:
            raise NotCompilableError("a node that only the general way knows")


@dataclass(frozen=True, slots=True)
class _PlacedCall:
    call: EntityCall
    representation: Representation
    required: tuple[RequiredField, ...]
    landing: Landing
    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Placed:
    number: int
    fetch: FetchNode
    landing: Landing | None
    """Of a fetch of root fields."""
    calls: tuple[_PlacedCall, ...] = ()
    needs: set[int] = field(default_factory=set)

    @property
    def landings(self) -> Iterator[Landing]:
        if self.landing is not None:
            yield self.landing
        yield from (each.landing for each in self.calls)


class ProgramBuilder:
    def __init__(self, reader: Reader, placer: Placer, shape: ObjectShape) -> None:
        self._reader = reader
        self._placer = placer
        self._structs = StructMaker()
        self._root = placer.position(shape, shape.type_name, _NOBODY, tagged=False)
        self._placed: list[_Placed] = []
        self._ways = Ways(self._root)
        self._groupings: dict[tuple[Any, ...], int] = {}

    def place(self, fetch: FetchNode) -> None:
        number = len(self._placed)
        sets = self._reader.read(fetch.document)
        if not fetch.entities:
            landing = self._placer.land(number, [self._root], sets)
            self._placed.append(_Placed(number, fetch, landing))
            return
        asked = self._reader.collect(sets, self._root.type)
        calls = []
        needs: set[int] = set()
        for call in fetch.entities:
            type_name, targets = self._targets(call)
            representation = _representation(call, type_name)
            positions = [each for way in targets for each in self._ways[way].positions]
            below = asked[call.response_key].below
            landing = self._placer.land(number, list(dict.fromkeys(positions)), below)
            required = tuple(_required(representation))
            if not required:
                raise NotCompilableError("a representation of nothing but a type")
            calls.append(_PlacedCall(call, representation, required, landing, targets))
            needs.update(*(self._ways[way].needs for way in targets))
            needs |= _require(number, required, landing)
        self._placed.append(_Placed(number, fetch, None, tuple(calls), needs))

    def build(self) -> Program:
        if not self._root.is_complete:
            raise NotCompilableError("nobody brings what is asked of the root")
        _make_room([(each.number, landing) for each in self._placed for landing in each.landings])
        unblocks: list[list[int]] = [[] for _ in self._placed]
        for placed in self._placed:
            for needed in placed.needs:
                unblocks[needed].append(placed.number)
        steps = tuple(self._step(each, unblocks[each.number]) for each in self._placed)
        finishes = tuple(self._finishes())
        reaches = self._ways.reaches(self._structs)
        root = self._structs.decoded(self._root)
        size = _BASE_BYTES + _FIELD_BYTES * self._structs.fields
        needs = tuple(each.needs for each in steps)
        first = tuple(each for each in steps if not each.needs)
        return Program(steps, needs, first, reaches, len(self._groupings), root, finishes, size)

    def _targets(self, call: EntityCall) -> tuple[str, tuple[int, ...]]:
        """The one type of all objects that the call may ask about, and the ways to them."""
        known = frozenset(type_ for each in call.representations for type_ in each.types)
        ends = list(dict.fromkeys(self._ways.to(path) for path in call.targets))
        found = (each.type for end in ends for each in self._ways[end].positions)
        types = known.intersection(found)
        if len(types) != 1 or call.apart:
            raise NotCompilableError("a call for more than one type")
        kept = [self._ways.turn(end, types) for end in ends]
        return next(iter(types)), tuple(end for end in kept if self._ways[end].positions)

    def _step(self, placed: _Placed, unblocks: Sequence[int]) -> Step:
        fetch = placed.fetch
        body = {"query": fetch.document}
        if fetch.operation_name is not None:
            body["operationName"] = fetch.operation_name
        whole = encode(body)
        return Step(
            number=placed.number,
            subgraph=fetch.subgraph,
            head=whole[:-1],
            body=None if fetch.variables or placed.calls else whole,
            variables=fetch.variables,
            decode=decoder(self._data(placed)),
            calls=tuple(self._call(placed.number, each) for each in placed.calls),
            given=_given(placed.number, placed.landing) if placed.landing else (),
            needs=len(placed.needs),
            unblocks=tuple(unblocks),
        )

    def _data(self, placed: _Placed) -> Any:
        if placed.landing is not None:
            return self._structs.patch(placed.landing, _brought(placed.number, placed.landing))
        lists = {}
        for each in placed.calls:
            patch = self._structs.patch(each.landing, _brought(placed.number, each.landing))
            lists[each.call.response_key] = list[patch | None]  # type: ignore[valid-type]
        return self._structs.record("Data", lists)

    def _call(self, number: int, placed: _PlacedCall) -> Call:
        landing, required = placed.landing, placed.required
        names = tuple(attribute(each.response_key) for each in required)
        shown = (
            each.fields[key]
            for each in landing.positions
            for key in landing.keys
            if key in each.fields
        )
        keys = tuple(
            n for n, each in enumerate(required) if each.name in placed.representation.keys
        )
        indispensable = any(each.non_null for each in shown)
        grouping = (placed.targets, names, keys, indispensable)
        return Call(
            entities=attrgetter(attribute(placed.call.response_key)),
            variable=placed.call.variable,
            targets=placed.targets,
            grouping=self._groupings.setdefault(grouping, len(self._groupings)),
            identify=attrgetter(*names),
            keys=keys,
            single=len(required) == 1,
            represent=self._structs.record(
                placed.representation.typename, {each.name: Any for each in required}, tagged=True
            ),
            given=_given(number, landing),
            indispensable=indispensable,
        )

    def _finishes(self) -> Iterator[Finish]:
        """Of every place where there is something to do; ways are added where there are none."""
        for number in self._ways:
            way = self._ways[number]
            if isinstance(way.turn, frozenset):
                continue
            for position in way.positions:
                if position.is_complete and position.needs_finish:
                    yield self._finish(number, position, alone=len(way.positions) == 1)
            for key in dict.fromkeys(key for each in way.positions for key in each.children):
                if any(each.leads_to_finish(key) for each in way.positions):
                    self._ways.turn(number, key)

    def _finish(self, number: int, position: Position, *, alone: bool) -> Finish:
        reach = number if alone else self._ways.turn(number, frozenset({position.type}))
        arrived = sorted(map(attribute, position.awaited & position.fields.keys()))
        return Finish(
            reach=reach,
            arrived=attrgetter(*arrived) if arrived else None,
            hidden=tuple(sorted(map(attribute, position.hidden))),
            shown=self._structs.shown(position) if position.tagged else None,
        )


def _representation(call: EntityCall, type_name: str) -> Representation:
    fitting = [each for each in call.representations if type_name in each.types]
    if len(fitting) != 1:
        raise NotCompilableError("an entity with several representations")
    return fitting[0]


def _required(representation: Representation) -> Iterator[RequiredField]:
    names = set()
    for each in representation.fields:
        if not isinstance(each, RequiredField) or each.selections or each.name in names:
            raise NotCompilableError("a representation of more than a few values")
        names.add(each.name)
        # The representation has a `__typename` of its own.
        if each.name != TYPENAME:
            yield each


def _require(number: int, required: Iterable[RequiredField], landing: Landing) -> set[int]:
    """The fetches that bring what represents the entities; it has to be kept until then."""
    needs: set[int] = set()
    for position in landing.positions:
        for key in (each.response_key for each in required):
            bringers = [fetch for fetch in position.filled_by.get(key, ()) if fetch != number]
            if not bringers or key in position.children:
                raise NotCompilableError("a representation that nobody brings")
            needs.update(bringers)
            if key not in position.fields:
                position.hidden.add(key)
            if position.maker not in bringers:
                position.awaited.add(key)
    return needs


def _make_room(landings: Sequence[tuple[int, Landing]]) -> None:
    """What one holder takes over all who share its entity take over, if only to be hidden."""
    grown = True
    while grown:
        grown = False
        for number, landing in landings:
            for key in _brought(number, landing):
                for position in landing.positions:
                    if not position.has(key):
                        position.hidden.add(key)
                        grown = True


def _brought(number: int, landing: Landing) -> tuple[str, ...]:
    """The keys that somebody takes over."""
    return tuple(
        key
        for key in landing.keys
        if any(each.has(key) and number in each.filled_by[key] for each in landing.positions)
    )


def _given(number: int, landing: Landing) -> tuple[Given, ...]:
    given = []
    for key in _brought(number, landing):
        keeps = any(each.filled_by[key] != [number] for each in landing.positions)
        if keeps and any(key in each.awaited for each in landing.positions):
            raise NotCompilableError("a value that several fetches bring and one sends")
        given.append(Given(attribute(key), attrgetter(attribute(key)), keeps))
    return tuple(given)
