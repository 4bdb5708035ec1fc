"""A payer's desk for prior authorizations: requests and withdrawals, as writes that are found
again."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

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
from subgraphs.runtime.idempotency import KEPT

_URN: Final = "urn:uuid:"
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


class Untraceable(ProtocolViolation):
    """The payer repeats nothing of our requests, and has one that this may be: a human has to
    look."""

    def __init__(self) -> None:
        super().__init__("the payer does not tell whose request it has answered")


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
        """Among all that the payer has of the member, by the identifier that answers repeat, or
        else the trace numbers of its items. Raises `Untraceable`."""
        content = await asyncio.to_thread(inquiry_bundle, self.parties, token, self.at)
        found = await self.desk.operations.inquire(content)
        answers = [each for each in found if each.response.get("outcome") != "error"]
        for answer in answers:
            # Of an item: `urn:uuid:…#1`.
            if f"{_URN}{token}" in {trace.partition("#")[0] for trace in answer.traces}:
                return self._answered(self._claim(token), answer)
        if any(self._may_be(answer) for answer in answers):
            raise Untraceable
        return None

    def _may_be(self, answer: PasAnswer) -> bool:  # noqa: ARG002 - of a request alone
        """Whether an answer that repeats no identifier at all may be to this. To take a request
        back twice does no harm."""
        return False

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
        along = {s.order.url: s.order for s in self.wanted.services if s.order}
        along |= {each.entry.url: each.entry for each in self.wanted.documents}
        return await self._submit(self._claim(token), list(along.values()), token)

    def _may_be(self, answer: PasAnswer) -> bool:
        if any(trace.startswith(_URN) for trace in answer.traces):
            return False
        created = _moment(answer.response.get("created"))
        if created is not None and created < self.at - KEPT:
            return False
        asked = {str(each.code.get("code")) for each in self.wanted.services}
        told = {code for item in (answer.claim or {}).get("item", ()) for code in _codes(item)}
        return not told or not asked.isdisjoint(told)

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


def _codes(item: Mapping[str, Any]) -> list[str]:
    codings = item.get("productOrService", {}).get("coding", ())
    return [str(each["code"]) for each in codings if "code" in each]


def _moment(created: object) -> datetime | None:
    """A day without a time begins it; what cannot be read may have been at any time."""
    try:
        found = datetime.fromisoformat(str(created))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _text(resource: Mapping[str, Any]) -> str:
    return _ENCODER.encode(resource).decode()
