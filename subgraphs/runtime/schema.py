"""A Strawberry federation schema whose entities are loaded in batches.

Strawberry's own `_entities` resolver changes the caller's variables, fails the whole list on one
unknown type and resolves one representation at a time; this one groups them by type and hands each
group to that type's `resolve_references`. Its `_service.sdl` is printed once.
https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Protocol, TypeAlias, cast

import strawberry
from graphql import GraphQLObjectType, GraphQLUnionType
from strawberry.federation.schema import FederationAny
from strawberry.federation.schema import Schema as FederationSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryObjectDefinition

from contract.errors import Code
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import SCALARS

Representation: TypeAlias = Mapping[str, Any]
"""`__typename`, a key and what `@requires` asks for, named as in the schema (camelCase)."""

FEDERATION_VERSION: Final = "2.9"
"""The first with @listSize."""


class Entity(Protocol):
    """What a type with a key offers: all representations of one request answered together."""

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object | None]:
        """One entity, None or exception for each representation, in their order."""
        ...


def build_schema(
    query: type | None,
    types: Iterable[type] = (),
    *,
    mutation: type | None = None,
    subscription: type | None = None,
) -> SubgraphSchema:
    return SubgraphSchema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=types,
        federation_version=FEDERATION_VERSION,
        config=StrawberryConfig(scalar_map=SCALARS),
    )


class SubgraphSchema(FederationSchema):
    @cached_property
    def sdl(self) -> str:
        return str(self.as_str())

    @cached_property
    def _entity_types(self) -> Mapping[str, type[Entity]]:
        union = self._schema.type_map.get("_Entity")
        if not isinstance(union, GraphQLUnionType):
            return {}
        entities = {type_.name: _origin(type_) for type_ in union.types}
        # A type that only refers to another subgraph's entities is in the union too.
        return {n: e for n, e in entities.items() if hasattr(e, "resolve_references")}

    def _get_federation_query_type(self, *args: Any, **kwargs: Any) -> type:
        query = super()._get_federation_query_type(*args, **kwargs)
        definition = cast("Any", query).__strawberry_definition__
        service = next(field for field in definition.fields if field.python_name == "_service")
        sdl = service.type.__strawberry_definition__.fields[0]
        sdl.base_resolver.wrapped_func = lambda: self.sdl
        return query

    async def entities_resolver(  # type: ignore[override]  # the original is not asynchronous
        self, info: strawberry.Info, representations: list[FederationAny]
    ) -> list[FederationAny]:
        groups: defaultdict[str, list[int]] = defaultdict(list)
        for index, representation in enumerate(representations):
            groups[_typename(representation)].append(index)
        batches = await asyncio.gather(
            *(
                self._load(name, info.context, [representations[at] for at in places])
                for name, places in groups.items()
            )
        )
        entities: list[Any] = [None] * len(representations)
        for places, batch in zip(groups.values(), batches, strict=True):
            for at, entity in zip(places, batch, strict=True):
                entities[at] = entity
        return entities

    async def _load(
        self, typename: str, request: Request[Any], representations: Sequence[Any]
    ) -> Sequence[object | None]:
        type_ = self._entity_types.get(typename)
        if type_ is None:
            unknown = ClientError(Code.BAD_REQUEST, "A representation names no entity type.")
            return [unknown] * len(representations)
        try:
            return await type_.resolve_references(request, representations)
        except Exception as error:  # noqa: BLE001 - it becomes each item's error, masked later
            return [error] * len(representations)


def _typename(representation: object) -> str:
    name = representation.get("__typename") if isinstance(representation, Mapping) else None
    return name if isinstance(name, str) else ""


def _origin(type_: GraphQLObjectType) -> type[Entity]:
    definition = type_.extensions["strawberry-definition"]
    assert isinstance(definition, StrawberryObjectDefinition)
    return cast("type[Entity]", definition.origin)
