"""Small federations in process: subgraphs made of their SDL and rows, run by graphql-core.

A subgraph knows exactly its rows. Asked for a field that a row lacks, or for anything its schema
does not have, it answers with an error, so a plan that asks the wrong subgraph cannot pass.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    TypeDefinitionNode,
    build_ast_schema,
    execute_sync,
    parse,
    parse_value,
    validate,
)

from gateway.engine import Answer, Engine
from gateway.execution.direct_client import DirectSubgraphClient
from gateway.execution.wire import encode
from gateway.federation.supergraph import load_supergraph
from gateway.operation.tree import OperationKind

Row = dict[str, Any]

FALSE = parse_value("false", no_location=True)
SUPERGRAPHS = Path(__file__).parent / "supergraphs"
LINK = """
extend schema @link(
  url: "https://specs.apollo.dev/federation/v2.8"
  import: [
    "@key" "@external" "@requires" "@provides" "@shareable" "@override" "@inaccessible"
    "@interfaceObject" "@context" "@fromContext"
  ]
)
"""


@dataclass(frozen=True)
class Subgraph:
    sdl: str
    roots: Mapping[str, Any] = field(default_factory=dict)
    """Values of the root fields, or functions of their arguments."""
    rows: Mapping[str, list[Row]] = field(default_factory=dict)
    """Its entities by type; a row's value may be a function of the field's arguments."""
    computed: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """`Type.field` to a function of the row, representation included, and the arguments."""


@dataclass(frozen=True)
class Case:
    name: str
    query: str
    data: Any
    requests: int
    """How many requests to subgraphs it may take at most."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    errors: tuple[tuple[str, tuple[str | int, ...] | None], ...] = ()
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Suite:
    name: str
    """Also that of its file among the supergraphs."""
    subgraphs: Mapping[str, Subgraph]
    cases: tuple[Case, ...]

    @property
    def supergraph(self) -> str:
        return (SUPERGRAPHS / f"{self.name}.graphql").read_text()


class Federation:
    """An engine over a suite's subgraphs, which counts what it asks them."""

    def __init__(self, suite: Suite, supergraph: str | None = None) -> None:
        self.requests: list[tuple[str, Any]] = []
        clients = {
            name: DirectSubgraphClient(serve(subgraph))
            for name, subgraph in suite.subgraphs.items()
        }
        self.engine = Engine(load_supergraph(supergraph or suite.supergraph), clients)

    async def ask(self, case: Case) -> Answer:
        document = parse(case.query)
        assert validate(self.engine.schema, document) == []
        operation = self.engine.normalize(document, None)
        return await self.engine.run(operation, case.variables, self.send, labels=case.labels)

    async def send(self, subgraph: str, body: bytes, _: OperationKind) -> bytes:
        self.requests.append((subgraph, json.loads(body)))
        return await self.engine.clients[subgraph].send(body, (), 5.0)


def serve(subgraph: Subgraph) -> Callable[..., Any]:
    """The subgraph as an ASGI application."""
    schema, keys = _build(subgraph)

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        request = json.loads((await receive())["body"])
        answer = _answer(schema, subgraph, keys, request)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": encode(answer)})

    return app


def _answer(
    schema: GraphQLSchema,
    subgraph: Subgraph,
    keys: Mapping[str, list[SelectionSetNode]],
    request: dict[str, Any],
) -> dict[str, Any]:
    document = parse(request["query"])
    if errors := validate(schema, document):
        return {"errors": [error.formatted for error in errors]}
    roots = {
        **subgraph.roots,
        "_entities": lambda representations: [
            _find_entity(subgraph, keys, each) for each in representations
        ],
    }
    result = execute_sync(
        schema,
        document,
        root_value=roots,
        variable_values=request.get("variables"),
        field_resolver=lambda source, info, **arguments: _resolve(
            subgraph, source, info, arguments
        ),
        type_resolver=lambda value, _info, _type: value.get("__typename"),
    )
    assert isinstance(result, ExecutionResult)
    return result.formatted


def _resolve(subgraph: Subgraph, source: Row, info: Any, arguments: dict[str, Any]) -> Any:
    compute = subgraph.computed.get(f"{info.parent_type.name}.{info.field_name}")
    if compute is not None:
        return compute(source, **arguments)
    if info.field_name not in source:
        raise GraphQLError(f"this subgraph does not know {info.parent_type}.{info.field_name} here")
    value = source[info.field_name]
    return value(**arguments) if callable(value) else value


def _find_entity(
    subgraph: Subgraph, keys: Mapping[str, list[SelectionSetNode]], representation: Row
) -> Row | None:
    """The row with one of the type's keys, plus what the representation brought along."""
    type_name = representation["__typename"]
    rows = subgraph.rows.get(type_name)
    if rows is None:
        raise GraphQLError(f"this subgraph has no entities of type {type_name}")
    for key in keys.get(type_name, ()):
        for row in rows:
            if _shows(representation, row, key):
                return {**representation, "__typename": type_name, **row}
    return None


def _shows(representation: Any, row: Any, key: SelectionSetNode) -> bool:
    """Whether both agree on every field of the key."""
    if isinstance(row, list) and isinstance(representation, list):
        return len(row) == len(representation) and all(
            _shows(left, right, key) for left, right in zip(representation, row, strict=True)
        )
    for selection in key.selections:
        assert isinstance(selection, FieldNode)
        name = selection.name.value
        if name not in representation or name not in row or representation[name] is None:
            return False
        if selection.selection_set:
            if not _shows(representation[name], row[name], selection.selection_set):
                return False
        elif str(representation[name]) != str(row[name]):
            return False
    return True


def _build(subgraph: Subgraph) -> tuple[GraphQLSchema, Mapping[str, list[SelectionSetNode]]]:
    """The executable schema, with `_entities`, and the keys of each type."""
    # Federation 1 extends types that it does not define.
    document = parse(subgraph.sdl.replace("extend type", "type"))
    types = [node for node in document.definitions if isinstance(node, TypeDefinitionNode)]
    keys = {type_.name.value: list(_keys(type_)) for type_ in types}
    entities = [
        type_.name.value
        for type_ in types
        if isinstance(type_, ObjectTypeDefinitionNode) and keys[type_.name.value]
    ]
    machinery = "scalar _Any "
    if entities:
        machinery += f"""
            union _Entity = {" | ".join(entities)}
            {"extend" if "Query" in keys else ""} type Query {{
              _entities(representations: [_Any!]!): [_Entity]!
            }}"""
    definitions = (*types, *parse(machinery).definitions)
    return build_ast_schema(DocumentNode(definitions=definitions), assume_valid_sdl=True), keys


def _keys(type_: TypeDefinitionNode) -> Iterable[SelectionSetNode]:
    """Those that an entity may be asked for by."""
    for directive in type_.directives or ():
        if directive.name.value == "key":
            given = {each.name.value: each.value for each in directive.arguments}
            if given.get("resolvable") == FALSE:
                continue
            fields = given["fields"]
            assert isinstance(fields, StringValueNode)
            [operation] = parse(f"{{ {fields.value} }}").definitions
            assert isinstance(operation, OperationDefinitionNode)
            yield operation.selection_set
