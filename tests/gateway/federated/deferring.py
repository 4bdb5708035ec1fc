"""`@defer` at random places of an operation, and what clients make of the parts they get.

The two readers are written from the specification's drafts, and know nothing of how the parts were
made: each checks that what it is told fits together, and puts one answer together from it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    parse,
    print_ast,
)


class Deferrer:
    def __init__(self, random: Random, share: float = 0.35) -> None:
        self._random = random
        self._share = share
        self._labels = count(1)

    def defer(self, query: str) -> str:
        """The same operation, with parts of it deferred, some of which it selects twice then."""
        return " ".join(map(self._definition, parse(query).definitions))

    def _definition(self, node: Any) -> str:
        if isinstance(node, FragmentDefinitionNode):
            head = f"fragment {node.name.value} on {node.type_condition.name.value}"
        else:
            assert isinstance(node, OperationDefinitionNode)
            variables = ", ".join(map(print_ast, node.variable_definitions))
            head = f"{node.operation.value} ({variables})" if variables else node.operation.value
        return f"{head} {self._selections(node.selection_set)}"

    def _selections(self, node: SelectionSetNode, depth: int = 0) -> str:
        parts = [*node.selections]
        texts = [self._selection(each) for each in parts]
        while depth < 3 and self._random.random() < self._share:
            some = [each for each in parts if self._random.random() < 0.5]
            kept = [t for t, p in zip(texts, parts, strict=True) if p not in some]
            again = [self._selection(each) for each in some if self._random.random() < 0.3]
            if not some:
                break
            inner = self._selections(replace(node, selections=tuple(some)), depth + 1)
            texts = [*kept, *again, f"... {self._mark()} {inner}"]
            self._random.shuffle(texts)
            return f"{{ {' '.join(texts)} }}"
        return f"{{ {' '.join(texts)} }}"

    def _selection(self, node: SelectionNode) -> str:
        mark = f" {self._mark()}" if self._random.random() < self._share else ""
        if isinstance(node, FragmentSpreadNode):
            return print_ast(node) + mark
        directives = " ".join(map(print_ast, node.directives or ()))
        if isinstance(node, InlineFragmentNode):
            below = self._selections(node.selection_set)
            return f"... on {node.type_condition.name.value} {directives}{mark} {below}"
        assert isinstance(node, FieldNode)
        below = self._selections(node.selection_set) if node.selection_set else ""
        return f"{print_ast(replace(node, selection_set=None))} {below}"

    def _mark(self) -> str:
        arguments = []
        if self._random.random() < 0.5:
            arguments.append(f'label: "d{next(self._labels)}"')
        if self._random.random() < 0.15:
            arguments.append(f"if: {self._random.choice(['$yes', '$no', 'true', 'false'])}")
        return f"@defer({', '.join(arguments)})" if arguments else "@defer"


@dataclass
class CurrentReader:
    """`pending`, `incremental` with ids, `completed`."""

    data: Any = None
    errors: list[Any] = field(default_factory=list)
    pending: dict[str, list[str | int]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    payloads: int = 0
    ended: bool = False
    failed: bool = False
    """Whether some part brings nothing at all."""

    def read(self, payload: dict[str, Any]) -> None:
        assert not self.ended, "something came after the end"
        if self.payloads == 0:
            self.data = copy.deepcopy(payload["data"])
            assert "incremental" not in payload
            self._take_errors(payload)
        else:
            assert "data" not in payload
        self.payloads += 1
        for each in payload.get("pending", ()):
            assert each["id"] not in self.seen, "an id is used twice"
            self.seen.add(each["id"])
            self.pending[each["id"]] = each["path"]
        for each in payload.get("incremental", ()):
            place = [*self.pending[each["id"]], *each.get("subPath", ())]
            target = _find(self.data, place)
            assert isinstance(target, dict), "it belongs nowhere"
            assert not target.keys() & each["data"].keys(), "it was delivered before"
            target.update(copy.deepcopy(each["data"]))
            self._take_errors(each)
        for each in payload.get("pending", ()):
            assert isinstance(_find(self.data, each["path"]), dict), "it is pending nowhere"
        for each in payload.get("completed", ()):
            del self.pending[each["id"]]
            self.failed |= "errors" in each
            self._take_errors(each)
        self.ended = not payload.get("hasNext", False)
        assert self.ended == (not self.pending), "hasNext does not say what is pending"

    def _take_errors(self, part: dict[str, Any]) -> None:
        assert part.get("errors") != [], "an empty list of errors"
        self.errors += part.get("errors", ())


@dataclass
class Apollo2022Reader:
    """`incremental` with paths and labels."""

    once: frozenset[str] = frozenset()
    """Labels that no fragment has which is spread twice."""
    data: Any = None
    errors: list[Any] = field(default_factory=list)
    seen: set[Any] = field(default_factory=set)
    payloads: int = 0
    ended: bool = False

    def read(self, payload: dict[str, Any]) -> None:
        assert not self.ended, "something came after the end"
        assert not {"pending", "completed"} & payload.keys()
        if self.payloads == 0:
            self.data = copy.deepcopy(payload["data"])
            self.errors += payload.get("errors", ())
        else:
            assert payload["incremental"], "a payload of nothing"
        self.payloads += 1
        for each in payload.get("incremental", ()):
            if each.get("label") in self.once:
                place = (each["label"], *each["path"])
                assert place not in self.seen, "it was delivered before"
                self.seen.add(place)
            target = _find(self.data, each["path"])
            assert isinstance(target, dict), "it belongs nowhere"
            if each["data"] is not None:
                _merge(target, copy.deepcopy(each["data"]))
            self.errors += each.get("errors", ())
        self.ended = not payload.get("hasNext", False)


def _find(data: Any, path: list[str | int]) -> Any:
    for step in path:
        data = data[step]
    return data


def _merge(into: Any, part: Any) -> None:
    pairs = part.items() if isinstance(part, dict) else enumerate(part)
    if isinstance(part, list):
        assert len(into) == len(part), "lists of two lengths"
    for key, value in pairs:
        if isinstance(part, dict) and key not in into:
            into[key] = value
        elif isinstance(value, dict | list) and isinstance(into[key], dict | list):
            _merge(into[key], value)
        else:
            assert into[key] == value, "told twice, and not the same"
