"""Plans by hand, subgraphs by script, and answers as a client reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLSchema, build_schema, parse, validate

from gateway.execution.execute import Fetched, execute
from gateway.execution.project import project
from gateway.execution.resolve import Denials, resolve_shape
from gateway.execution.variables import coerce_variables
from gateway.execution.wire import encode
from gateway.operation.normalize import normalize
from gateway.operation.tree import Operation, OperationKind
from gateway.planning.plan import (
    EntityCall,
    FetchNode,
    Key,
    OnTypes,
    Path,
    PlanNode,
    QueryPlan,
    Representation,
    RequiredField,
)


@dataclass
class Subgraphs:
    """An exchange: each subgraph answers by its script, and every request is kept."""

    scripts: Mapping[str, Any]
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def __call__(self, subgraph: str, body: bytes, _: OperationKind) -> bytes:
        request = json.loads(body)
        self.requests.append((subgraph, request))
        script = self.scripts[subgraph]
        answer = script(request) if callable(script) else script
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def representations(self, number: int) -> list[dict[str, Any]]:
        return self.requests[number][1]["variables"]["representations"]


def data(**fields: Any) -> dict[str, Any]:
    return {"data": fields}


def entities(
    of: Callable[[dict[str, Any]], Any], variable: str = "representations"
) -> Callable[[dict[str, Any]], Any]:
    """A script that answers each representation with what `of` says of it."""
    return lambda request: data(_entities=[of(each) for each in request["variables"][variable]])


def path(*steps: str | tuple[str, ...]) -> Path:
    return tuple(OnTypes(step) if isinstance(step, tuple) else Key(step) for step in steps)


def fetch(subgraph: str, *, kind: OperationKind = OperationKind.QUERY, **changes: Any) -> FetchNode:
    return FetchNode(subgraph, kind, "{ whatever }", None, **({"variables": ()} | changes))


def fetch_entities(
    subgraph: str, *targets: Path, key: str = "id", type_: str = "Patient", **changes: Any
) -> FetchNode:
    call = EntityCall("_entities", "representations", targets, (represent(type_, key),))
    return fetch(subgraph, entities=(call,), **changes)


def represent(type_: str, key: str = "id", *others: RequiredField) -> Representation:
    return Representation((type_,), type_, (key,), (RequiredField(key, key), *others))


def operation_of(schema: GraphQLSchema, document: str) -> Operation:
    parsed = parse(document)
    assert validate(schema, parsed) == []
    return normalize(parsed, None, schema)


async def run(node: PlanNode | None, subgraphs: Subgraphs, **variables: Any) -> Fetched:
    return await execute(QueryPlan(node), variables, subgraphs)


@dataclass
class Client:
    """What a client of the schema gets, as plain JSON with the errors' codes and paths."""

    schema: GraphQLSchema

    @classmethod
    def of(cls, sdl: str) -> Client:
        return cls(build_schema(sdl))

    def project(
        self,
        document: str,
        fetched: Fetched | dict[str, Any],
        *,
        denials: Denials | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> tuple[Any, list[tuple[str, tuple[str | int, ...] | None]]]:
        operation = operation_of(self.schema, document)
        coerced = coerce_variables(operation.variables, variables or {}, self.schema)
        shape = resolve_shape(operation, self.schema, denials or {}, coerced)
        if isinstance(fetched, dict):
            fetched = Fetched(fetched, ())
        projected = project(shape, fetched.data, fetched.errors)
        return json.loads(encode(projected.data)), told(projected.errors)


def told(errors: Iterable[Any]) -> list[tuple[str, tuple[str | int, ...] | None]]:
    return [(error.fault.code.value, error.path) for error in errors]
