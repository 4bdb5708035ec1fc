"""What one set of grants means for one operation: what is left, and what to tell of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLSchema

from contract.errors import MEANINGS, Code
from gateway.authorization.authorize import Denial, authorize
from gateway.authorization.explain import FieldDecision
from gateway.authorization.identity import Grants
from gateway.engine import Permitted
from gateway.errors import AccessError, GraphQLErrorBody, PublicText, render_error
from gateway.execution.faults import Fault
from gateway.federation.access_rules import AccessRules, Alternatives
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


class RejectedError(AccessError):
    """Of the operation a part is refused, and its client wants all of it or nothing."""

    def __init__(self, denials: Sequence[Denial]) -> None:
        super().__init__(Code.FORBIDDEN, note=f"{len(denials)} denials")
        self.denials = denials

    def render(self, request_id: str) -> list[GraphQLErrorBody]:
        return [
            render_error(each.code, request_id, path=each.path, extensions=_reason(each))
            for each in self.denials
        ]


def check_whole(decision: Decision, variables: Mapping[str, Any]) -> None:
    """Raises `RejectedError` where anything is refused that these variables ask for.

    `variables` are coerced, and so hold every one that a condition names.
    """
    asked_for = [
        denial
        for denial in decision.denials
        if all(bool(variables[each.variable]) == each.include for each in denial.conditions)
    ]
    if asked_for:
        raise RejectedError(asked_for)


def _reason(denial: Denial) -> Mapping[str, Alternatives]:
    """What would help, for a machine to read."""
    helpful = {"scopes": denial.scopes, "policies": denial.policies}
    return {name: alternatives for name, alternatives in helpful.items() if alternatives}


def _faults(denials: Iterable[Denial]) -> Mapping[tuple[str, str], Fault]:
    """What to tell wherever a denied field was asked for, by type and field."""
    faults: dict[tuple[str, str], Fault] = {}
    for denial in denials:
        text = PublicText(MEANINGS[denial.code].message)
        fault = Fault(denial.code, text, extensions=_reason(denial))
        faults.update(dict.fromkeys(((each, denial.field) for each in denial.types), fault))
    return faults
