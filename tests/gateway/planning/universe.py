"""A made-up world in which every subgraph of a supergraph agrees with every other.

An object is the path of fields and arguments that leads to it, and every value is made from its
path. So one schema over everything can answer an operation, and so can subgraphs made from the
supergraph's join information, and the two must say the same. Subgraphs are strict: they refuse to
resolve what is external or overridden there, and what they require must have been shown to them.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLSchema,
    build_schema,
    execute_sync,
    experimental_execute_incrementally,
    get_nullable_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_specified_scalar_type,
    parse,
    print_type,
    validate,
)
from graphql.utilities.print_schema import print_input_value

from gateway.federation.supergraph import ContextArgument, Supergraph, SupergraphType, TypeKind
from gateway.operation.tree import InlineFragment, SelectionSet
from gateway.planning import QueryGraph, build_query_graph


class WorldError(Exception):
    """A subgraph was asked for what it cannot know."""


@dataclass
class Thing:
    path: str
    type_name: str
    shown: dict[str, Any] | None = None
    """The representation it was entered by."""
    provided: SelectionSet = ()


@dataclass
class Universe:
    supergraph: Supergraph
    labels: frozenset[str] = frozenset()
    graph: QueryGraph = field(init=False)
    types: dict[str, str] = field(default_factory=dict)
    """The runtime type of every object seen so far, by its path."""
    numbers: dict[str, int] = field(default_factory=dict)
    subgraphs: dict[str, GraphQLSchema] = field(default_factory=dict)

    indispensable: set[str] = field(default_factory=set)
    """Names of fields that are part of a key or of a requirement."""

    def __post_init__(self) -> None:
        self.graph = build_query_graph(self.supergraph)
        for type_ in self.supergraph.types.values():
            for join in type_.joins.values():
                for key in join.keys:
                    self.indispensable.update(re.findall(r"\w+", key.fields))
            for field_ in type_.fields.values():
                for field_join in field_.joins.values():
                    self.indispensable.update(re.findall(r"\w+", field_join.requires or ""))

    # The world as a whole

    def answer(self, text: str, variables: dict[str, Any]) -> Any:
        schema = self.supergraph.api_schema
        result = experimental_execute_incrementally(
            schema,
            parse(text),
            root_value=Thing("", ""),
            variable_values=variables,
            field_resolver=self._resolve,
            type_resolver=lambda thing, *_: thing.type_name,
        )
        assert not result.errors, result.errors
        return json.loads(json.dumps(result.data))

    def _resolve(self, thing: Thing, info: Any, **arguments: Any) -> Any:
        return self.value(
            thing, info.parent_type.name, info.field_name, arguments, info.return_type
        )

    def value(
        self, thing: Thing, parent: str, name: str, arguments: dict[str, Any], type_: Any
    ) -> Any:
        # What the api schema hides is not among the arguments there, but its defaults are here.
        visible = {
            argument: value
            for argument, value in sorted(arguments.items())
            if argument in self._visible_arguments(parent, name) and not isinstance(value, dict)
        }
        path = f"{thing.path}/{name}{json.dumps(visible) if visible else ''}"
        if self._may_be_null(name) and zlib.crc32(path[::-1].encode()) % 6 == 0:
            return None
        return self._make(path, thing, parent, name, type_)

    def _visible_arguments(self, parent: str, name: str) -> dict[str, Any]:
        type_ = self.supergraph.api_schema.type_map.get(parent)
        field_ = type_.fields.get(name) if type_ is not None else None
        return field_.args if field_ is not None else {}

    def _may_be_null(self, name: str) -> bool:
        """Only where no subgraph says otherwise, and no entity would be lost with it."""
        if name in self.indispensable:
            return False
        owners = [t for t in self.supergraph.types.values() if name in t.fields]
        return not any(
            join.type.endswith("!")
            for type_ in owners
            for join in type_.fields[name].joins.values()
        ) and not any(type_.fields[name].type.endswith("!") for type_ in owners)

    def _make(self, path: str, thing: Thing, parent: str, name: str, type_: Any) -> Any:
        type_ = get_nullable_type(type_)
        if is_list_type(type_):
            count = zlib.crc32(path.encode()) % 3
            return [
                self._make(f"{path}/{index}", thing, parent, name, type_.of_type)
                for index in range(count)
            ]
        if is_leaf_type(type_):
            return self._leaf(path, type_)
        runtime = self._runtime_type(path, thing, parent, name)
        return None if runtime is None else Thing(path, runtime)

    def _leaf(self, path: str, type_: Any) -> Any:
        if is_enum_type(type_):
            common = list(self.supergraph.api_schema.type_map[type_.name].values)
            return common[zlib.crc32(path.encode()) % len(common)]
        match type_.name:
            case "Int" | "Float":
                return self.numbers.setdefault(path, len(self.numbers))
            case "Boolean":
                return zlib.crc32(path.encode()) % 2 == 0
            case _:
                return path

    def _runtime_type(self, path: str, thing: Thing, parent: str, name: str) -> str | None:
        """One that every subgraph with the field can tell."""
        if path not in self.types:
            field_ = next(
                found
                for owner in (parent, thing.type_name, *self._interfaces(thing))
                if owner and (found := self.graph.field(owner, name)) and found.joins
            )
            every = [
                self._known(join.type.strip("[]!"), subgraph)
                for subgraph, join in field_.joins.items()
            ]
            known = sorted(frozenset.intersection(*every))
            visible = [n for n in known if not self.supergraph.types[n].inaccessible]
            if not visible:
                return None
            self.types[path] = visible[zlib.crc32(path.encode()) % len(visible)]
        return self.types[path]

    def _interfaces(self, thing: Thing) -> tuple[str, ...]:
        return self.supergraph.types[thing.type_name].interfaces if thing.type_name else ()

    def _known(self, type_name: str, subgraph: str) -> frozenset[str]:
        join = self.supergraph.types[type_name].joins.get(subgraph)
        if join and join.interface_object:
            return self.graph.possible(type_name)
        return self.graph.members(type_name, subgraph)

    # One subgraph

    def ask(self, subgraph: str, body: bytes) -> bytes:
        request = json.loads(body)
        schema = self.subgraphs.get(subgraph) or self._schema(subgraph)
        self.subgraphs[subgraph] = schema
        document = parse(request["query"])
        problems = validate(schema, document)
        assert not problems, (subgraph, request["query"], problems)
        result = execute_sync(
            schema,
            document,
            root_value=Thing("", ""),
            variable_values=request.get("variables"),
            field_resolver=_SubgraphResolver(self, subgraph),
            type_resolver=lambda thing, info, type_: self._type_in(subgraph, thing, info, type_),
        )
        assert not result.errors, (subgraph, request, result.errors)
        return json.dumps({"data": result.data}).encode()

    def _type_in(self, subgraph: str, thing: Thing, info: Any, type_: Any) -> str:
        names = {possible.name for possible in info.schema.get_possible_types(type_)}
        if thing.type_name in names:
            return thing.type_name
        for name in self.supergraph.types[thing.type_name].interfaces:
            if name in names:
                return name
        raise WorldError(f"{subgraph} does not know {thing.type_name}")

    def _schema(self, subgraph: str) -> GraphQLSchema:
        parts = ["scalar _Any"]
        entities = []
        for type_ in self.supergraph.types.values():
            if text := self._print(type_, subgraph):
                parts.append(text)
                join = type_.joins[subgraph]
                if (type_.kind is TypeKind.OBJECT or join.interface_object) and join.keys:
                    entities.append(type_.name)
        full = self.supergraph.full_schema
        parts += [
            print_type(type_)
            for name, type_ in full.type_map.items()
            if (is_leaf_type(type_) or is_input_object_type(type_))
            and not name.startswith("__")
            and not is_specified_scalar_type(type_)
        ]
        if entities:
            parts.append(f"union _Entity = {' | '.join(entities)}")
        roots = " ".join(
            f"{kind}: {name}"
            for kind, name in self.supergraph.roots.items()
            if self._print(self.supergraph.types[name], subgraph)
        )
        query = self.supergraph.roots["query"]
        if f"query: {query}" not in roots:
            roots += f" query: {query}"
            parts.append(f"type {query} {{ _nothing: Int }}")
        if entities:
            parts.append(
                f"extend type {query} {{ _entities(representations: [_Any!]!): [_Entity]! }}"
            )
        return build_schema(f"schema {{ {roots} }}\n" + "\n".join(parts), assume_valid=True)

    def _print(self, type_: SupergraphType, subgraph: str) -> str:
        join = type_.joins.get(subgraph)
        if join is None:
            return ""
        if type_.kind is TypeKind.UNION:
            members = type_.members.get(subgraph, ())
            return f"union {type_.name} = {' | '.join(members)}" if members else ""
        full = self.supergraph.full_schema.type_map[type_.name]
        fields = []
        for name, field_ in type_.fields.items():
            if (in_subgraph := field_.joins.get(subgraph)) is None:
                continue
            arguments = ", ".join(
                [
                    *(print_input_value(*each) for each in full.fields[name].args.items()),
                    *(f"{each.name}: {each.type}" for each in in_subgraph.context_arguments),
                ]
            )
            fields.append(f"{name}{f'({arguments})' if arguments else ''}: {in_subgraph.type}")
        if not fields:
            return ""
        is_interface = type_.kind is TypeKind.INTERFACE and not join.interface_object
        interfaces = type_.implements.get(subgraph, ())
        implements = f" implements {' & '.join(interfaces)}" if interfaces else ""
        keyword = "interface" if is_interface else "type"
        return f"{keyword} {type_.name}{implements} {{ {' '.join(fields)} }}"


@dataclass
class _SubgraphResolver:
    universe: Universe
    subgraph: str

    def __call__(self, thing: Thing, info: Any, **arguments: Any) -> Any:
        if info.field_name == "_entities":
            return [self._enter(each) for each in arguments["representations"]]
        universe, parent, name = self.universe, info.parent_type.name, info.field_name
        field_ = universe.graph.field(parent, name)
        assert field_ is not None
        join = field_.joins[self.subgraph]
        provided = self._provided(thing, name)
        if join.requires is not None:
            self._check_required(thing, parent, name, join.requires)
        elif provided is None and self._is_foreign(field_, join):
            raise WorldError(f"{self.subgraph} cannot resolve {parent}.{name}")
        for argument in join.context_arguments:
            self._check_context(thing, argument, arguments.get(argument.name))
        value = universe.value(thing, parent, name, arguments, info.return_type)
        below = provided or ()
        if join.provides:
            type_name = join.type.strip("[]!")
            below = universe.graph.field_set(type_name, join.provides).selections
        self._provide(value, below)
        return value

    def _is_foreign(self, field_: Any, join: Any) -> bool:
        if join.override_label:
            return (join.override_label in self.universe.labels) != (join.override is not None)
        taken = any(
            other.override == self.subgraph and other.override_label is None
            for other in field_.joins.values()
        )
        return join.external or taken

    def _provided(self, thing: Thing, name: str) -> SelectionSet | None:
        pending = list(thing.provided)
        for selection in pending:
            if isinstance(selection, InlineFragment):
                if thing.type_name in self.universe.graph.possible(selection.type_condition):
                    pending.extend(selection.selections)
            elif selection.name == name:
                return selection.selections
        return None

    def _provide(self, value: Any, selections: SelectionSet) -> None:
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, list):
                self._provide(each, selections)
            elif isinstance(each, Thing):
                each.provided = selections

    def _enter(self, shown: dict[str, Any]) -> Thing:
        """Any text or number in a key tells the path of the object it is a key of."""
        type_ = self.universe.supergraph.types[shown["__typename"]]
        for key in type_.joins[self.subgraph].keys:
            selections = self.universe.graph.field_set(type_.name, key.fields).selections
            path = self._path(shown, selections) if key.resolvable else None
            if path is not None:
                known = self.universe.types[path]
                if known not in self.universe.graph.possible(type_.name):
                    raise WorldError(f"{known} was shown as {type_.name}")
                return Thing(path, known, shown)
        raise WorldError(f"no key of {type_.name} in {sorted(shown)}")

    def _path(self, shown: Any, selections: SelectionSet) -> str | None:
        found: set[str] = set()
        for selection in selections:
            if isinstance(selection, InlineFragment):
                continue
            if selection.name not in shown:
                return None
            value, up = shown[selection.name], 1
            while isinstance(value, list) and value:
                value, up = value[0], up + 1
            if selection.selections:
                value = self._path(value, selection.selections) if isinstance(value, dict) else None
            elif isinstance(value, int) and not isinstance(value, bool):
                value = next(p for p, number in self.universe.numbers.items() if number == value)
            if isinstance(value, str) and value.startswith("/"):
                found.add(value.rsplit("/", up)[0])
        if len(found) > 1:
            raise WorldError(f"a key is made of several objects: {sorted(found)}")
        return next(iter(found), None)

    def _check_context(self, thing: Thing, argument: ContextArgument, given: Any) -> None:
        """An object's path tells what encloses it."""
        graph, above = self.universe.graph, thing.path
        found = None
        while above and found not in graph.setters(argument.context):
            above = above.rpartition("/")[0]
            found = self.universe.types.get(above) or graph.supergraph.roots["query"]
        if found not in graph.setters(argument.context):
            raise WorldError(f"nothing around {thing.path} sets {argument.context}")
        expected: Any = Thing(above, found)
        selections = graph.field_set(found, argument.selection).selections
        while selections and expected is not None:
            [selection] = selections
            owner = graph.supergraph.full_schema.type_map[selection.parent_type]
            type_ = owner.fields[selection.name].type
            expected = self.universe.value(expected, owner.name, selection.name, {}, type_)
            selections = selection.selections
        if given != expected:
            raise WorldError(f"{argument.name} was {given!r} instead of {expected!r}")

    def _check_required(self, thing: Thing, parent: str, name: str, requires: str) -> None:
        if thing.shown is None:
            raise WorldError(f"{parent}.{name} was not asked of an entity")
        selections = self.universe.graph.field_set(parent, requires).selections
        self._check(thing.shown, thing, selections, f"{parent}.{name}")

    def _check(self, shown: Any, thing: Thing, selections: SelectionSet, what: str) -> None:
        schema = self.universe.supergraph.full_schema
        for selection in selections:
            if isinstance(selection, InlineFragment):
                if thing.type_name in self.universe.graph.possible(selection.type_condition):
                    self._check(shown, thing, selection.selections, what)
                continue
            if selection.name not in shown:
                raise WorldError(f"{what} was not shown {selection.name}")
            owner = schema.type_map[selection.parent_type]
            arguments = {each.name: json.loads(each.value) for each in selection.arguments}
            expected = self.universe.value(
                thing, owner.name, selection.name, arguments, owner.fields[selection.name].type
            )
            self._compare(shown[selection.name], expected, selection.selections, what)

    def _compare(self, shown: Any, expected: Any, selections: SelectionSet, what: str) -> None:
        if isinstance(expected, list):
            assert len(shown) == len(expected), what
            for one, other in zip(shown, expected, strict=True):
                self._compare(one, other, selections, what)
        elif isinstance(expected, Thing):
            self._check(shown, expected, selections, what)
        elif shown != expected:
            raise WorldError(f"{what} was shown {shown!r} instead of {expected!r}")
