"""What one set of grants means for one operation: what is left, and what to tell of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLSchema

from contract.errors import MEANINGS
from gateway.authorization.authorize import Denial, authorize
from gateway.authorization.explain import FieldDecision
from gateway.authorization.identity import Grants
from gateway.engine import Permitted
from gateway.errors import PublicText
from gateway.execution.faults import Fault
from gateway.federation.access_rules import AccessRules
from gateway.operation.tree import Operation


@dataclass(frozen=True, slots=True)
class Decision:
    permitted: Permitted
    denials: tuple[Denial, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The denied ones: `Patient.ssn`, sorted."""
        named = (f"{each}.{denial.field}" for denial in self.denials for each in denial.types)
        return tuple(sorted(set(named)))

    def equals(self, other: Decision) -> bool:
        """Whether it permits the same, and tells the same of the rest."""
        return self is other or (
            self.permitted.operation == other.permitted.operation
            and self.permitted.refusals == other.permitted.refusals
        )

    def describe(self) -> list[dict[str, Any]]:
        """The denials, for a developer to read."""
        return [
            {
                "field": ".".join(denial.path),
                "on": ", ".join(denial.types),
                "code": denial.code,
                "would do": " or ".join(" and ".join(scopes) for scopes in denial.scopes),
            }
            for denial in self.denials
        ]


def describe(decisions: Iterable[FieldDecision]) -> list[dict[str, str]]:
    """Each with who decided it, for a developer to read."""
    return [
        {
            "field": ".".join(each.path),
            "on": ", ".join(each.types),
            "decision": "permitted" if each.permitted else "refused",
            "because": "; ".join(each.reasons),
        }
        for each in decisions
    ]


def decide(
    operation: Operation, rules: AccessRules, grants: Grants, schema: GraphQLSchema
) -> Decision:
    authorized = authorize(operation, rules, grants, schema)
    permitted = Permitted(authorized.operation, _faults(authorized.denials))
    return Decision(permitted, authorized.denials)


def _faults(denials: Iterable[Denial]) -> Mapping[tuple[str, str], Fault]:
    """What to tell wherever a denied field was asked for, by type and field."""
    faults: dict[tuple[str, str], Fault] = {}
    for denial in denials:
        extensions = {"scopes": denial.scopes} if denial.scopes else {}
        fault = Fault(denial.code, PublicText(MEANINGS[denial.code].message), extensions=extensions)
        faults.update(dict.fromkeys(((each, denial.field) for each in denial.types), fault))
    return faults
