"""Worlds: rows that several subgraphs know parts of, and what one server would say that knows all.

Every field of a world belongs to some subgraph, or to several; keys are known here and there; some
fields need fields of other subgraphs, or what encloses them; some are on the move. The same rows,
asked as a whole through graphql-core, say what the federation has to answer.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from graphql import ExecutionResult, GraphQLSchema, experimental_execute_incrementally, parse

from tests.gateway.federated.kit import LINK, Row, Subgraph

NAMED = "Named"
REQUIRED_ARGUMENT = 3
KEY_FIELDS = {"id": "id: ID!", "code": "code: ID!", "tag": "tag: Tag!"}
"""Of these every key is made: `id`, `id code`, `tag { no }`, …"""
TAG = "type Tag @shareable { no: ID! }"
OUTDATED = "outdated"
CONTEXT = "near"
HOME = "home"
"""What the root itself gives to the context, where nothing nearer does."""


@dataclass
class FieldSpec:
    name: str
    owners: tuple[str, ...]
    target: str | None = None
    """The entity type it leads to; a String if there is none."""
    lists: int = 0
    """How many lists are around it: 2 for `[[T1]]`."""
    argument: bool = False
    requires: str | None = None
    """A field of the same type, of another owner, that its value is computed from: of one with an
    argument what it says to REQUIRED_ARGUMENT, of one that leads on what is `common` there."""
    provides: str | None = None
    """A field of the target that comes along, though its subgraph does not own it."""
    overrides: str | None = None
    """The subgraph that had the field before, and still tells what is outdated."""
    label: str | None = None
    """While it is off, a field that overrides another has not moved yet."""
    contextual: bool = False
    """Tells the nearest object around it that gives its id to the context."""

    @property
    def type(self) -> str:
        return "[" * self.lists + (self.target or "String") + "]" * self.lists


@dataclass
class TypeSpec:
    name: str
    fields: dict[str, FieldSpec]
    keys: dict[str, tuple[str, ...]]
    """By subgraph: the keys that it knows, as field sets."""
    stubs: set[str] = field(default_factory=set)
    """The subgraphs that only refer to it, and may not be asked for it by key."""


@dataclass
class World:
    subgraphs: tuple[str, ...]
    types: dict[str, TypeSpec]
    roots: dict[str, tuple[str, ...]]
    """By type: the subgraphs with a root field that lists its rows."""
    named_home: str
    """The subgraph with the interface that all types implement, and with the union of them."""
    extra_home: str | None
    """The subgraph that knows the interface as one object, and adds a field to it."""
    rows: dict[str, list[Row]] = field(default_factory=dict)
    context_home: str | None = None
    """The subgraph with a context, and with the contextual fields."""
    setters: tuple[str, ...] = ()
    """The types that give their id to the context; the root gives HOME."""

    @property
    def labels(self) -> list[str]:
        specs = (spec for type_ in self.types.values() for spec in type_.fields.values())
        return sorted({spec.label for spec in specs if spec.label})

    def federate(self) -> dict[str, Subgraph]:
        return {name: self._subgraph(name) for name in self.subgraphs}

    def answer(
        self,
        schema: GraphQLSchema,
        query: str,
        variables: Mapping[str, Any],
        labels: frozenset[str] = frozenset(),
    ) -> Any:
        """By one server that knows all rows; `labels` are those that are on."""
        result = self.execute(schema, query, variables, labels)
        assert not result.errors
        return result.data

    def execute(
        self,
        schema: GraphQLSchema,
        query: str,
        variables: Mapping[str, Any],
        labels: frozenset[str] = frozenset(),
    ) -> ExecutionResult:
        not_yet_moved = self._not_yet_moved(labels)
        everything = [row for rows in self.rows.values() for row in rows]
        roots: dict[str, Any] = {f"all{name}": rows for name, rows in self.rows.items()}
        result = experimental_execute_incrementally(
            schema,
            parse(query),
            root_value={**roots, "named": everything, "anything": everything, "extras": everything},
            variable_values=dict(variables),
            field_resolver=lambda row, info, **arguments: self._know(
                row, info, arguments, not_yet_moved
            ),
            type_resolver=lambda row, _info, _type: row["__typename"],
        )
        assert isinstance(result, ExecutionResult)
        return result

    def _know(
        self,
        row: Mapping[str, Any],
        info: Any,
        arguments: Mapping[str, Any],
        not_yet_moved: AbstractSet[tuple[str, str]],
    ) -> Any:
        type_name, near = row.get("__typename"), row.get(CONTEXT, HOME)
        type_ = self.types.get(type_name)
        if type_ and info.field_name in type_.fields and type_.fields[info.field_name].contextual:
            return tell_context(info.field_name, row, near)
        if (type_name, info.field_name) in not_yet_moved:
            return OUTDATED
        value = row[info.field_name]
        if arguments:
            return _called(value, arguments["n"])
        return _place(value, row["id"] if type_name in self.setters else near)

    def _not_yet_moved(self, labels: frozenset[str]) -> set[tuple[str, str]]:
        """By type and field."""
        return {
            (name, spec.name)
            for name, type_ in self.types.items()
            for spec in type_.fields.values()
            if spec.label and spec.label not in labels
        }

    def _subgraph(self, name: str) -> Subgraph:
        views = self._views(name)
        roots: dict[str, Any] = {
            f"all{type_}": views[type_] for type_, homes in self.roots.items() if name in homes
        }
        if name == self.named_home:
            everything = [view for type_ in self.types for view in views[type_]]
            roots |= {"named": everything, "anything": everything}
            views[NAMED] = everything
        if name == self.extra_home:
            views[NAMED] = [
                {"id": row["id"], "extra": row["extra"]}
                for rows in self.rows.values()
                for row in rows
            ]
            roots["extras"] = views[NAMED]
        computed = {
            f"{type_.name}.{spec.name}": _computer(spec)
            for type_ in self.types.values()
            for spec in type_.fields.values()
            if spec.requires and name in spec.owners
        }
        computed |= {
            f"{type_.name}.{spec.name}": _teller(spec)
            for type_ in self.types.values()
            for spec in type_.fields.values()
            if spec.contextual and name in spec.owners
        }
        if name == self.context_home:
            roots["home"] = HOME
        return Subgraph("\n".join([LINK, *self._sdl(name)]), roots, views, computed)

    def _views(self, subgraph: str) -> dict[str, list[Row]]:
        """The rows as the subgraph knows them, leading to each other."""
        views: dict[str, list[Row]] = {name: [] for name in self.types}
        of: dict[str, Row] = {}
        for name, type_ in self.types.items():
            for row in self.rows[name]:
                known = {name: row[name] for name in key_fields(type_.keys.get(subgraph, ()))}
                of[row["id"]] = {"__typename": name, **known}
                views[name].append(of[row["id"]])
        for name, type_ in self.types.items():
            for row in self.rows[name]:
                for spec in type_.fields.values():
                    if subgraph == spec.overrides:
                        of[row["id"]][spec.name] = OUTDATED
                    if subgraph in spec.owners and not (spec.requires or spec.contextual):
                        of[row["id"]][spec.name] = _link(row[spec.name], spec, of)
        return views

    def _sdl(self, subgraph: str) -> Iterator[str]:
        roots = [
            f"all{name}: [{name}] @shareable" for name in self.roots if subgraph in self.roots[name]
        ]
        known = [type_.keys.get(subgraph, ()) for type_ in self.types.values()]
        if any("tag" in key_fields(keys) for keys in known):
            yield TAG
        for type_ in self.types.values():
            if subgraph in type_.keys:
                yield self._type_sdl(type_, subgraph)
        if subgraph == self.named_home:
            key = '@key(fields: "id")' if self.extra_home else ""
            yield f"interface {NAMED} {key} {{ id: ID! common: String }}"
            yield f"union Anything = {' | '.join(self.types)}"
            roots += [f"named: [{NAMED}]", "anything: [Anything]"]
        if subgraph == self.extra_home:
            yield f'type {NAMED} @key(fields: "id") @interfaceObject {{ id: ID! extra: String }}'
            roots.append(f"extras: [{NAMED}]")
        context = ""
        if subgraph == self.context_home:
            context = f'@context(name: "{CONTEXT}")'
            roots.append("home: ID")
        if roots:
            yield f"type Query {context} {{ {' '.join(roots)} }}"

    def _type_sdl(self, type_: TypeSpec, subgraph: str) -> str:
        # A key's own fields may be had from any subgraph that knows the key.
        lines = [f"{KEY_FIELDS[name]} @shareable" for name in key_fields(type_.keys[subgraph])]
        external = set(self._seen_from_above(type_.name, subgraph))
        for spec in type_.fields.values():
            argument = self._argument(spec)
            if subgraph in spec.owners:
                lines.append(f"{spec.name}{argument}: {spec.type} {self._directives(type_, spec)}")
                external |= {spec.requires} if spec.requires else set()
            if subgraph == spec.overrides:
                lines.append(f"{spec.name}: String")
        lines += [
            f"{name}{'(n: Int)' if spec.argument else ''}: {spec.type} @external"
            for name, spec in type_.fields.items()
            if name in external and subgraph not in spec.owners
        ]
        resolvable = ", resolvable: false" if subgraph in type_.stubs else ""
        keys = " ".join(f'@key(fields: "{key}"{resolvable})' for key in type_.keys[subgraph])
        implements = f"implements {NAMED}" if subgraph == self.named_home else ""
        gives = subgraph == self.context_home and type_.name in self.setters
        context = f'@context(name: "{CONTEXT}")' if gives else ""
        return f"type {type_.name} {implements} {keys} {context} {{ {' '.join(lines)} }}"

    def _argument(self, spec: FieldSpec) -> str:
        if spec.contextual:
            given = " ".join(f"... on {name} {{ id }}" for name in self.setters)
            given = f"{given} ... on Query {{ home }}" if given else "{ home }"
            return f'(near: ID @fromContext(field: "${CONTEXT} {given}"))'
        return "(n: Int)" if spec.argument else ""

    def _seen_from_above(self, type_name: str, subgraph: str) -> Iterator[str]:
        """Fields of the type that the subgraph's other types provide or require."""
        for type_ in self.types.values():
            for spec in type_.fields.values():
                if subgraph in spec.owners:
                    if spec.target == type_name and spec.provides:
                        yield spec.provides
                    if spec.requires and type_.fields[spec.requires].target == type_name:
                        yield "common"

    def _directives(self, type_: TypeSpec, spec: FieldSpec) -> str:
        provided = any(
            other.target == type_.name and other.provides == spec.name
            for each in self.types.values()
            for other in each.fields.values()
        )
        shared = "@shareable" if len(spec.owners) > 1 or provided else ""
        requires = (
            f'@requires(fields: "{_requirement(type_, spec.requires)}")' if spec.requires else ""
        )
        provides = f'@provides(fields: "{spec.provides}")' if spec.provides else ""
        label = f', label: "{spec.label}"' if spec.label else ""
        override = f'@override(from: "{spec.overrides}"{label})' if spec.overrides else ""
        return f"{shared} {requires} {provides} {override}"


def key_fields(keys: Iterable[str]) -> list[str]:
    """The fields that any of the keys is made of."""
    named = {name for key in keys for name in KEY_FIELDS if name in key.split()}
    return sorted(named)


def _link(value: Any, spec: FieldSpec, of: Mapping[str, Row]) -> Any:
    if isinstance(value, list):
        return [_link(item, spec, of) for item in value]
    if isinstance(value, dict):
        view = of[value["id"]]
        # A chain, not a copy: the view may still grow while it is being made.
        return ChainMap({spec.provides: value[spec.provides]}, view) if spec.provides else view
    if spec.argument:
        return lambda n: _called(value, n)
    return value


def _place(value: Any, near: str) -> Any:
    """The rows of a value as they lie in an answer: with what is given to the context there."""
    if isinstance(value, list):
        return [_place(item, near) for item in value]
    return ChainMap({CONTEXT: near}, value) if isinstance(value, dict) else value


def _called(value: str | None, n: int) -> str:
    return f"{value}({n})"


def compute(spec: FieldSpec, required: FieldSpec, value: Any) -> str:
    """What a field says that is computed from the value of another."""
    if required.argument:
        value = _called(value, REQUIRED_ARGUMENT)
    return _say(spec, value)


def _requirement(type_: TypeSpec, name: str) -> str:
    required = type_.fields[name]
    if required.target:
        return f"{name} {{ common }}"
    return f"{name}(n: {REQUIRED_ARGUMENT})" if required.argument else name


def tell_context(name: str, row: Mapping[str, Any], near: str) -> str:
    return f"{name} of {row['id']} near {near}"


def _teller(spec: FieldSpec) -> Any:
    return lambda row, near: tell_context(spec.name, row, near)


def _computer(spec: FieldSpec) -> Any:
    return lambda row: _say(spec, row[spec.requires])


def _say(spec: FieldSpec, value: Any) -> str:
    return f"{spec.name} of {_common(value)}"


def _common(value: Any) -> Any:
    if isinstance(value, list):
        return [_common(item) for item in value]
    return value["common"] if isinstance(value, dict) else value
