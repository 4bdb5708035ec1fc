"""A payer's prior authorizations by FHIR search, for many members at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.fhir.capabilities import Capabilities
from subgraphs.coverage.model.preauthorization.record import PriorAuthorization, pair
from subgraphs.coverage.model.preauthorization.wire import (
    PREAUTHORIZATION,
    AnswerResource,
    RequestResource,
)
from subgraphs.coverage.model.preauthorization.wishes import Wish
from subgraphs.coverage.sources.payer import Explain, Rows, Server, converted
from subgraphs.runtime import fhir
from subgraphs.runtime.gathering import Answer

_CLAIM, _RESPONSE, _EXPLANATION = "Claim", "ClaimResponse", "ExplanationOfBenefit"


class Party(fhir.Resource, frozen=True, kw_only=True):
    """A practitioner, as far as they have a name."""

    name: tuple[fhir.HumanName, ...] = ()

    @property
    def full_name(self) -> str | None:
        return next((full for name in self.name if (full := name.full)), None)


class StatingServer(Server, Protocol):
    """A FHIR server that says what it has."""

    async def capabilities(self) -> Capabilities: ...


class PriorAuthorizations:
    """Of one payer, who keeps them as requests and answers, as explanations of benefit, or both.

    One search for each of these types that the payer's server says it has; where it says nothing,
    for all three. R4 has no parameter for the use of explanations, so they are found with others.
    """

    def __init__(self, server: StatingServer) -> None:
        self._server = server

    async def of_patients(
        self, explain: Explain, patients: Sequence[str]
    ) -> Answer[PriorAuthorization]:
        """`explain` finds the explanations, which others of the request may ask for as well."""
        types = (await self._server.capabilities()).types
        use = {"use": PREAUTHORIZATION}
        requests, answers, explanations = await asyncio.gather(
            self._search(types, _CLAIM, patients, use),
            self._search(types, _RESPONSE, patients, use),
            explain(patients) if not types or _EXPLANATION in types else _nothing(),
        )
        asked = fhir.translate(_of_use(requests), RequestResource)
        answered = fhir.translate(_of_use(answers), AnswerResource)
        explained = fhir.translate(_of_use(explanations), AnswerResource)
        as_requests = {
            patient: {row["id"]: row for row in rows if isinstance(row.get("id"), str)}
            for patient, rows in explanations.items()
        }
        rows = {
            patient: pair(
                asked.rows.get(patient, ()),
                answered.rows.get(patient, ()),
                [
                    (_as_request(as_requests[patient][answer.id]), answer)
                    for answer in explained.rows.get(patient, ())
                ],
            )
            for patient in patients
        }
        return Answer(rows, asked.damaged | answered.damaged | explained.damaged)

    async def practitioners(self, ids: Sequence[str]) -> Mapping[str, Party]:
        return converted(await self._server.read("Practitioner", ids), Party)

    async def wishes(self, ids: Sequence[str]) -> Mapping[str, Wish]:
        return converted(await self._server.read("CommunicationRequest", ids), Wish)

    async def _search(
        self,
        types: frozenset[str],
        type_: str,
        patients: Sequence[str],
        others: Mapping[str, str],
    ) -> Rows:
        if types and type_ not in types:
            return {}
        return await self._server.search_by(type_, "patient", patients, others)


async def _nothing() -> Rows:
    return {}


def _of_use(found: Rows) -> dict[str, list[Mapping[str, Any]]]:
    """No upstream is trusted to have filtered."""
    return {
        patient: [row for row in rows if row.get("use") == PREAUTHORIZATION]
        for patient, rows in found.items()
    }


def _as_request(explanation: Mapping[str, Any]) -> RequestResource:
    try:
        return msgspec.convert(explanation, RequestResource)
    except msgspec.ValidationError:
        raise ProtocolViolation("an explanation of benefit cannot be read") from None
