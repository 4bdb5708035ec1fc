"""What other subgraphs have, and is known here by its ids: they decide who may see it."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import federation
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from subgraphs.runtime.fact_nodes import CONDITION, DOCUMENT_REFERENCE, FACT_ID
from subgraphs.runtime.fact_nodes import QUESTIONNAIRE_RESPONSE as RESPONSE
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.following import Read, refs_of, sealed
from subgraphs.runtime.request import Request

_BY_ID = Key(fields=FieldSet("id"), resolvable=False)


@federation.type(keys=[_BY_ID], description=CONDITION)
class Condition:
    id: strawberry.ID = strawberry.field(description=FACT_ID)


@federation.type(keys=[_BY_ID], description=DOCUMENT_REFERENCE)
class DocumentReference:
    id: strawberry.ID = strawberry.field(description=FACT_ID)


@federation.type(keys=[_BY_ID], description=RESPONSE)
class QuestionnaireResponse:
    id: strawberry.ID = strawberry.field(description=FACT_ID)


def in_records(request: Request[Any], fact: Fact[Any], type_: str, read: Read) -> list[Any]:
    """The ids, sealed as records seals them, of what a fact refers to."""
    return sealed(request, "records", refs_of(fact, type_, read))
