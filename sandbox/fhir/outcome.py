"""Refusals, told as OperationOutcomes. https://hl7.org/fhir/R4/operationoutcome.html"""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """Ends an interaction; `issue` is a code of http://hl7.org/fhir/issue-type."""

    def __init__(self, status: int, issue: str, diagnostics: str) -> None:
        super().__init__(diagnostics)
        self.status = status
        self.issue = issue
        self.diagnostics = diagnostics


def outcome(issue: str, diagnostics: str, severity: str = "error") -> dict[str, Any]:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": issue, "diagnostics": diagnostics}],
    }
