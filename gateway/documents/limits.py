"""How much a document asks for, found in one pass over it.

Each fragment is measured once, however often it is spread, and its measure is added where it is
spread; so a document of n tokens costs O(n) although it may stand for 2ⁿ fields. Python's integers
do not overflow, but they grow, so every sum stops at `CEILING`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from contract.errors import Code
from gateway.bounds import Limits
from gateway.errors import Complaint, PublicText, RequestError
from gateway.operation.tree import INTROSPECTION_FIELDS

CEILING = 1_000_000


@dataclass(slots=True)
class Measure:
    """Of one selection set, with its fragments written out."""

    depth: int = 0
    """Levels of fields; what lies below `__schema` has a limit of its own and is not counted."""
    introspection: int = 0
    """Levels of fields below `__schema` or `__type`."""
    fields: int = 0
    height: int = 0
    """Different response keys in each selection set, without what is spread."""
    spreads: set[str] = field(default_factory=set)
    """The fragments named here or below."""
    aliases: int = 0
    directives: int = 0
    keys: dict[str, int] = field(default_factory=dict)
    """How often each response key is selected at the top level."""
    merged: dict[str, int] = field(default_factory=dict)
    """For each of them, the most often any key is selected in one place below, all selections of
    it taken together: that is what validation compares pair by pair."""
    repeats: int = 0
    """The most often any key is selected in one place, here or below."""

    def absorb(self, other: Measure) -> None:
        """Add what is spread into this very place."""
        self._add(other)
        self.depth = max(self.depth, other.depth)
        for key, count in other.keys.items():
            self._select(key, count, other.merged.get(key, 0))

    def descend(self, key: str, below: Measure) -> None:
        """Add a field with what is selected below it."""
        self._add(below)
        self._write_out(below)
        self.height += key not in self.keys
        self.depth = max(self.depth, below.depth + 1)
        self.fields = min(CEILING, self.fields + 1)
        self._select(key, 1, below.repeats)

    def add_leaf(self, key: str) -> None:
        """As `descend` to nothing: of a large document most fields are leaves."""
        count = self.keys.get(key, 0) + 1
        self.keys[key] = count
        self.height += count == 1
        self.fields += 1
        self.depth = self.depth or 1
        self.repeats = max(self.repeats, count)

    def enter(self, other: Measure) -> None:
        """Add what stands in this very place, in a fragment without a name."""
        self._write_out(other)
        self.absorb(other)

    def _write_out(self, other: Measure) -> None:
        self.height += other.height
        self.spreads |= other.spreads

    def _add(self, other: Measure) -> None:
        self.introspection = max(self.introspection, other.introspection)
        self.fields = min(CEILING, self.fields + other.fields)
        self.aliases = min(CEILING, self.aliases + other.aliases)
        self.directives = min(CEILING, self.directives + other.directives)
        self.repeats = max(self.repeats, other.repeats)

    def _select(self, key: str, count: int, below: int) -> None:
        self.keys[key] = total = min(CEILING, self.keys.get(key, 0) + count)
        self.merged[key] = merged = min(CEILING, self.merged.get(key, 0) + below)
        self.repeats = max(self.repeats, total, merged)


def check_limits(document: DocumentNode, limits: Limits) -> None:
    """Raises `RequestError` naming the limit. Every operation counts, whichever is to run."""
    operations = [
        definition
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
    ]
    _refuse_beyond("operations", len(operations), limits.operations)
    measurer = _Measurer(document)
    for definition in operations:
        measure = measurer.measure(definition.selection_set)
        measure.directives += len(definition.directives or ())
        _refuse_beyond("depth", measure.depth, limits.depth)
        _refuse_beyond("introspection_depth", measure.introspection, limits.introspection_depth)
        _refuse_beyond("aliases", measure.aliases, limits.aliases)
        _refuse_beyond("directives", measure.directives, limits.directives)
        _refuse_beyond("repeats", measure.repeats, limits.repeats)
        _refuse_beyond("root_fields", sum(measure.keys.values()), limits.root_fields)
        _refuse_beyond("fields", measure.fields, limits.fields)
        _refuse_beyond("height", measurer.height(measure), limits.height)


def check_values(variables: Mapping[str, Any], limits: Limits) -> None:
    """Raises `RequestError` as soon as more values are found than there may be.

    Before they are compared with their types, which costs the more the more there are.
    """
    count = 0
    waiting: list[Any] = list(variables.values())
    while waiting:
        value = waiting.pop()
        count += 1
        if type(value) is list or type(value) is dict:
            _refuse_beyond("values", count + len(waiting) + len(value), limits.values)
            waiting.extend(value.values() if type(value) is dict else value)
    _refuse_beyond("values", count, limits.values)


def too_large(name: str, limit: int) -> RequestError:
    what = name.replace("_", " ")
    text = PublicText(f"The operation exceeds the limit of {limit} for {what}.")
    return RequestError(Code.OPERATION_TOO_LARGE, Complaint(text), extensions={"limit": name})


def _refuse_beyond(name: str, value: int, limit: int) -> None:
    if value > limit:
        raise too_large(name, limit)


class _Measurer:
    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._measured: dict[str, Measure] = {}

    def measure(self, selection_set: SelectionSetNode) -> Measure:
        total = Measure()
        for selection in selection_set.selections:
            total.directives += len(selection.directives or ())
            if isinstance(selection, FieldNode):
                self._add_field(selection, total)
            elif isinstance(selection, InlineFragmentNode):
                total.enter(self.measure(selection.selection_set))
            elif isinstance(selection, FragmentSpreadNode):
                total.spreads.add(selection.name.value)
                total.absorb(self._measure_fragment(selection.name.value))
        return total

    def height(self, measure: Measure) -> int:
        """With every fragment it reaches, each once."""
        total = measure.height
        reached = set(measure.spreads)
        waiting = list(reached)
        while waiting:
            fragment = self._measured[waiting.pop()]
            total += fragment.height
            waiting.extend(fragment.spreads - reached)
            reached |= fragment.spreads
        return total

    def _add_field(self, node: FieldNode, total: Measure) -> None:
        key = (node.alias or node.name).value
        if node.alias is not None:
            total.aliases += 1
        if node.selection_set is None:
            total.add_leaf(key)
            return
        below = self.measure(node.selection_set)
        if node.name.value in INTROSPECTION_FIELDS:
            below.introspection, below.depth = below.depth, 0
        total.descend(key, below)

    def _measure_fragment(self, name: str) -> Measure:
        if name not in self._measured:
            # A circle adds nothing here; validation refuses it in its own words.
            self._measured[name] = Measure()
            definition = self._fragments.get(name)
            if definition is not None:
                self._measured[name] = self.measure(definition.selection_set)
        return self._measured[name]
