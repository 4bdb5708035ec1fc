"""Visits and what is billed for them, joined by the visit's account (`runtime.billing_key`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contract.errors import Code
from subgraphs.records.loaders import Records, load_encounters
from subgraphs.records.model import Encounter
from subgraphs.runtime.billing_key import (
    BillingKey,
    account_numbers,
    open_billing,
    seal_billing,
)
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.request import Request


def seal_visit(request: Request[Any], fact: Fact[Encounter]) -> str:
    key = BillingKey.of(fact.compartment, _accounts(fact), _links(fact))
    return seal_billing(request.subgraph.ids, fact.type, fact.id, key)


async def load_visit(
    request: Request[Records], claim: str, text: str | None
) -> Fact[Encounter] | None:
    """The visit of a claim, if the caller may see it."""
    key = open_billing(request.subgraph.ids, "Claim", claim, text)
    if key is None:
        raise ClientError(Code.NOT_FOUND)
    found = await load_encounters(request, await request.directed(key.compartment))
    return next((fact for fact in found.rows if key.meets(_accounts(fact), _links(fact))), None)


def _accounts(fact: Fact[Encounter]) -> Iterable[str]:
    known = (*fact.records, *fact.replaced)
    return [number for record in known for number in account_numbers(record.resource.identifier)]


def _links(fact: Fact[Encounter]) -> Iterable[Link]:
    return [Link(record.source, record.resource.id) for record in (*fact.records, *fact.replaced)]
