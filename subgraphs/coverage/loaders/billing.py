"""Who may see amounts and member numbers."""

from __future__ import annotations

from typing import Any, Final

from subgraphs.coverage.loaders.payers import Payers
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.request import Request

BILLING_ROLES: Final = frozenset({"biller", "payer-reviewer"})
"""Staff who may see member numbers and amounts; other staff see that there is a coverage."""


def may_see_billing(request: Request[Payers], fact: Fact[Any]) -> bool:
    """Billing staff, the patient, and systems without a role, whom scopes alone decide about."""
    roles = request.access.caller.roles
    if not roles or BILLING_ROLES.intersection(roles):
        return True
    if request.access.is_herself(fact.compartment):
        return True
    request.access.refuse(fact.type, "role", fact.compartment)
    return False


def sees_whole_payments(request: Request[Payers]) -> bool:
    """Those whose work the money is: the rest of a transfer is other patients'."""
    roles = request.access.caller.roles
    return not roles or not BILLING_ROLES.isdisjoint(roles)
