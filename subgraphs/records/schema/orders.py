"""Orders, which diagnostics has: here they are known by their ids."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import federation
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from subgraphs.runtime.fact_nodes import FACT_ID, SERVICE_REQUEST
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.following import refs_of, sealed
from subgraphs.runtime.request import Request


@federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)], description=SERVICE_REQUEST)
class ServiceRequest:
    id: strawberry.ID = strawberry.field(description=FACT_ID)


def orders_of(request: Request[Any], fact: Fact[Any]) -> list[ServiceRequest]:
    """The orders that a fact says it is based on."""
    refs = refs_of(fact, "ServiceRequest", lambda record: record.based_on)
    return [ServiceRequest(id=id_) for id_ in sealed(request, "diagnostics", refs)]
