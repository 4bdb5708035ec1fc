"""A payer's desk for prior authorizations: requests and withdrawals, as writes that are found
again."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import msgspec

from subgraphs.connectors.errors import ProtocolViolation, Rejected
from subgraphs.connectors.pas.answers import PasAnswer
from subgraphs.connectors.pas.bundles import Entry
from subgraphs.coverage.model.coverages import CoverageResource
from subgraphs.coverage.sources.authorization_requests import (
    Parties,
    Requestor,
    Wanted,
    cancelling,
    inquiry_bundle,
    new_claim,
    request_bundle,
)
from subgraphs.coverage.sources.payer import Server

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Answered(msgspec.Struct, frozen=True):
    """A request and the payer's answer, each as JSON; decimals as they came."""

    claim: str
    response: str


class Gone(Rejected):
    """What a request is to be about is not at the payer any more."""

    def __init__(self) -> None:
        super().__init__(404, ("not-found",))


class InTheWay(Rejected):
    """It cannot be done as the request stands; `code` says how that is."""

    def __init__(self, code: str) -> None:
        super().__init__(409, ("conflict",))
        self.code = code


class Operations(Protocol):
    async def submit(self, bundle: bytes) -> PasAnswer: ...

    async def inquire(self, bundle: bytes) -> list[PasAnswer]: ...


@dataclass(frozen=True, slots=True)
class AuthorizationDesk:
    """One for each payer that speaks PAS. `base` is where the payer's own records lie."""

    source: str
    base: str
    payer: Server
    operations: Operations
    requestor: Requestor

    async def parties(self, patient: str, coverage: CoverageResource) -> Parties:
        """What the payer keeps about the member: three reads at once. Raises `Gone`."""
        payor = next((p.id_of("Organization") for p in coverage.payor if p), None)
        member, covered, insurer = await asyncio.gather(
            self.read("Patient", patient),
            self.read("Coverage", coverage.id),
            self.read("Organization", payor or ""),
        )
        return Parties(covered, member, insurer, self.requestor)

    async def read(self, type_: str, id_: str) -> Entry:
        found = await self.payer.read(type_, [id_]) if id_ else {}
        if id_ not in found:
            raise Gone
        return Entry(f"{self.base.rstrip('/')}/{type_}/{id_}", found[id_])


@dataclass(frozen=True, slots=True)
class _Asking(ABC):
    """What requests and withdrawals have in common."""

    desk: AuthorizationDesk
    parties: Parties
    at: datetime

    @property
    def source(self) -> str:
        return self.desk.source

    @property
    def outcome(self) -> type[Answered]:
        return Answered

    async def find(self, token: str) -> Answered | None:
        """Among all that the payer has of the member, by the identifier that answers repeat."""
        content = await asyncio.to_thread(inquiry_bundle, self.parties, token, self.at)
        answers = await self.desk.operations.inquire(content)
        ours = f"urn:uuid:{token}"
        traced = (a for a in answers if ours in a.traces and a.response.get("outcome") != "error")
        answer = next(traced, None)
        return None if answer is None else self._answered(self._claim(token), answer)

    async def _submit(
        self, claim: Mapping[str, Any], others: Sequence[Entry], token: str
    ) -> Answered:
        content = await asyncio.to_thread(
            request_bundle, self.parties, claim, others, token, self.at
        )
        return self._answered(claim, await self.desk.operations.submit(content))

    def _answered(self, claim: Mapping[str, Any], answer: PasAnswer) -> Answered:
        """The request under the id that the payer gave it. An answer about somebody else is not
        believed."""
        response = answer.response
        numbers = {str(each.get("value")) for each in (answer.patient or {}).get("identifier", ())}
        if numbers and self.parties.numbers and not numbers & self.parties.numbers:
            raise ProtocolViolation("the payer's answer is about another member")
        kept = _claim_id(response.get("request", {}).get("reference"))
        own = {"reference": f"Patient/{self.parties.patient_id}"}
        claim = {**claim, "id": kept or claim["id"], "patient": own}
        response = {**response, "patient": own}
        return Answered(_text(claim), _text(response))

    @abstractmethod
    def _claim(self, token: str) -> dict[str, Any]:
        """What is asked for, under a token."""


@dataclass(frozen=True, slots=True)
class Submission(_Asking):
    wanted: Wanted

    async def send(self, token: str) -> Answered:
        orders = {s.order.url: s.order for s in self.wanted.services if s.order}
        return await self._submit(self._claim(token), list(orders.values()), token)

    def _claim(self, token: str) -> dict[str, Any]:
        return new_claim(self.parties, self.wanted, token, self.at)


@dataclass(frozen=True, slots=True)
class Withdrawal(_Asking):
    original: Entry
    standing: str | None
    """Why it cannot be withdrawn, where it cannot."""

    async def send(self, token: str) -> Answered:
        if self.standing:
            raise InTheWay(self.standing)
        return await self._submit(self._claim(token), [self.original], token)

    def _claim(self, token: str) -> dict[str, Any]:
        return cancelling(self.parties, self.original, token, self.at)


def _claim_id(reference: object) -> str | None:
    head, _, id_ = str(reference or "").rpartition("/")
    return id_ if head.rpartition("/")[2] == "Claim" else None


def _text(resource: Mapping[str, Any]) -> str:
    return _ENCODER.encode(resource).decode()
