"""Claims with all that was answered about them, whichever way each came."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any, Final

from subgraphs.coverage.loaders.payers import Payers, load_explanations
from subgraphs.coverage.model.answers import RemittanceResource, StatusResource
from subgraphs.coverage.model.claims import CLAIM, ClaimResource
from subgraphs.coverage.model.explanations import ExplanationResource
from subgraphs.coverage.model.families import Numbers, are_one, find_families
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.facts import Fact, load_records, merge
from subgraphs.runtime.gathering import Ask, Gathered, Record
from subgraphs.runtime.kinds import Kind, Versions
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import rank

REMITTANCE: Final[Kind[RemittanceResource]] = Kind("ClaimRemittance", lambda _: "", lambda _: None)
STATUS: Final[Kind[StatusResource]] = Kind("ClaimStatus", lambda _: "", lambda _: None)
CLAIM_USE: Final = "claim"
"""Preauthorizations and predeterminations are FHIR Claims too, and no bills."""


@dataclass(frozen=True, slots=True)
class ClaimFact(Fact[ClaimResource]):
    """A claim, and what payers answered about any version of it, the latest answer first."""

    remittances: tuple[Record[RemittanceResource], ...] = ()
    statuses: tuple[Record[StatusResource], ...] = ()

    @property
    def versions(self) -> tuple[Record[ClaimResource], ...]:
        return (*self.records, *self.replaced)

    @property
    def numbers(self) -> Numbers:
        """Every number that any version of it or an answer tells."""
        known = [
            *(record.resource.numbers(record.source) for record in self.versions),
            *(record.resource.numbers for record in self.remittances),
            *(record.resource.numbers for record in self.statuses),
        ]
        return Numbers(
            frozenset[str]().union(*(each.accounts for each in known)),
            frozenset[str]().union(*(each.claims for each in known)),
            self.resource.numbers("").days,
        )

    @property
    def accounts(self) -> tuple[str, ...]:
        """The provider's numbers of it, by every version."""
        told = (a for record in self.versions for a in record.resource.accounts)
        return tuple(dict.fromkeys(told))

    @property
    def encounters(self) -> tuple[Link, ...]:
        """The visits it refers to."""
        return tuple(
            Link(record.source, id_)
            for record in self.versions
            for item in record.resource.item
            for reference in item.encounter
            if (id_ := reference.id_of("Encounter"))
        )

    @property
    def submitted_before(self) -> tuple[Record[ClaimResource], ...]:
        """Versions that this one has taken the place of, the latest first."""
        before = [r for r in self.replaced if r.resource.is_submitted]
        return tuple(sorted(before, key=lambda r: rank(r.resource.created), reverse=True))

    @property
    def submitted_charge(self) -> Decimal | None:
        """None where the claim is known from answers alone, which would be held against them."""
        return self.resource.charged if self.leading[0].resource.is_submitted else None

    @property
    def payers(self) -> tuple[str, ...]:
        """Who was asked to pay: as sources, where files say whom of these they mean."""
        numbers = self.numbers
        scoped = {each.partition("|")[0] for each in (*numbers.accounts, *numbers.claims)}
        told = {r.source for r in self.records if not r.resource.is_filed}
        return tuple(sorted(scoped | told))

    def account_at(self, payer: str) -> str:
        """The number that the provider gave this version of it; empty where none is told."""
        told = {n for r in self.records for n in r.resource.numbers(r.source).accounts}
        return _only(told, payer)

    def claim_number_at(self, payer: str) -> str:
        """The payer's number of this version; empty where none, or none for certain, is told."""
        told = {n for r in self.records for n in r.resource.own_claims(r.source)}
        if not self.submitted_before:
            paid = (record.resource.numbers.claims for record in self.remittances)
            stated = (record.resource.numbers.claims for record in self.statuses)
            told = told.union(*paid, *stated)
        return _only(told, payer)

    def is_explained_by(self, explanation: Fact[ExplanationResource]) -> bool:
        """By the payer's reference to the claim, or else by its numbers."""
        ids = {(record.source, record.resource.id) for record in self.versions}
        own = self.numbers
        return any(
            (record.source, record.resource.claim_id) in ids
            or (
                record.resource.claim_id is None
                and are_one(own, record.resource.numbers(record.source))
            )
            for record in explanation.records
        )


def _only(numbers: Iterable[str], payer: str) -> str:
    own = [each.removeprefix(f"{payer}|") for each in numbers if each.startswith(f"{payer}|")]
    return own[0] if len(own) == 1 else ""


async def load_claims(request: Request[Payers], compartment: Compartment) -> Gathered[ClaimFact]:
    """The patient's claims the caller may see; asked again in one request, what was found."""

    async def batch(compartments: list[Compartment]) -> list[Gathered[ClaimFact]]:
        return await asyncio.gather(*(_load(request, each) for each in compartments))

    if not request.access.may_read(CLAIM.type, compartment):
        return Gathered()
    return await request.load("claims", batch, compartment)


async def load_explained(
    request: Request[Payers], claim: ClaimFact
) -> list[Fact[ExplanationResource]]:
    """What the payer decided about a claim, as far as the caller may see it."""
    explanations = await load_explanations(request, claim.compartment)
    return [fact for fact in explanations.rows if claim.is_explained_by(fact)]


async def load_claim_of(
    request: Request[Payers], explanation: Fact[ExplanationResource]
) -> ClaimFact | None:
    """The claim that a payer decided about, if the caller may see it."""
    claims = await load_claims(request, explanation.compartment)
    return next((claim for claim in claims.rows if claim.is_explained_by(explanation)), None)


async def load_payment(
    request: Request[Payers], compartment: Compartment, transfer: str
) -> tuple[ClaimFact, Record[RemittanceResource]] | None:
    """A transfer by its id, as one of the patient's claims that the caller may see tells it."""
    claims = await load_claims(request, compartment)
    told = ((claim, record) for claim in claims.rows for record in claim.remittances)
    return next((each for each in told if each[1].resource.transfer_id == transfer), None)


async def _load(request: Request[Payers], compartment: Compartment) -> Gathered[ClaimFact]:
    payers, files = request.services.payers, request.services.files
    ask: dict[str, Ask[ClaimResource]] = {id_: payer.claims for id_, payer in payers.items()}
    ask |= {id_: inbox.claims for id_, inbox in files.items()}
    claims, remittances, statuses = await asyncio.gather(
        load_records(request, CLAIM, ask, compartment),
        load_records(
            request, REMITTANCE, {id_: each.remittances for id_, each in files.items()}, compartment
        ),
        load_records(
            request, STATUS, {id_: each.statuses for id_, each in files.items()}, compartment
        ),
    )
    rows = tuple(r for r in claims.or_raise().rows if r.resource.use in (None, CLAIM_USE))
    facts = _bring_together(request, compartment, rows, remittances.rows, statuses.rows)
    permitted = tuple(fact for fact in facts if request.access.permits(fact, compartment))
    return Gathered(permitted, claims.sources)


def _bring_together(
    request: Request[Payers],
    compartment: Compartment,
    claims: tuple[Record[ClaimResource], ...],
    remittances: tuple[Record[RemittanceResource], ...],
    statuses: tuple[Record[StatusResource], ...],
) -> list[ClaimFact]:
    numbers = [
        *(record.resource.numbers(record.source) for record in claims),
        *(record.resource.numbers for record in remittances),
        *(record.resource.numbers for record in statuses),
    ]
    families = find_families(numbers)
    of_claims = families[: len(claims)]
    of_answers = families[len(claims) :]
    family_of = {
        id(record.resource): family for record, family in zip(claims, of_claims, strict=True)
    }
    facts = merge(request, _kind(family_of), claims, compartment)
    answers: dict[int, list[Record[Any]]] = {}
    for record, family in zip((*remittances, *statuses), of_answers, strict=True):
        answers.setdefault(family, []).append(record)
    return _answered(facts, family_of, answers)


def _kind(family_of: Mapping[int, int]) -> Kind[ClaimResource]:
    """Of one claim is what is of one family; of what one inbox has of it the fullest stands."""

    def family(claim: ClaimResource) -> int:
        return family_of[id(claim)]

    def versions(claim: ClaimResource) -> Versions:
        result = family(claim) if claim.is_filed else None
        return Versions(replaces=claim.replaces, result=result)

    return replace(CLAIM, same=family, versions=versions)


def _answered(
    facts: Sequence[Fact[ClaimResource]],
    family_of: Mapping[int, int],
    answers: Mapping[int, Sequence[Record[Any]]],
) -> list[ClaimFact]:
    """Each answer with one claim: the payer may keep several that have one account in common."""
    of_family: dict[int, list[ClaimFact]] = {}
    for fact in facts:
        known: dict[str, Any] = {each.name: getattr(fact, each.name) for each in fields(fact)}
        family = family_of[id(fact.records[0].resource)]
        of_family.setdefault(family, []).append(ClaimFact(**known))
    found = []
    for family, claims in of_family.items():
        told: dict[str, list[Record[Any]]] = {claim.id: [] for claim in claims}
        for record in answers.get(family, ()):
            numbers = record.resource.numbers.claims
            named = (claim for claim in claims if numbers & claim.numbers.claims)
            told[next(named, claims[0]).id].append(record)
        found += [_with_answers(claim, told[claim.id]) for claim in claims]
    return found


def _with_answers(claim: ClaimFact, answers: list[Record[Any]]) -> ClaimFact:
    latest = sorted(
        answers, key=lambda record: rank(record.resource.meta.last_updated), reverse=True
    )
    return replace(
        claim,
        remittances=tuple(r for r in latest if isinstance(r.resource, RemittanceResource)),
        statuses=tuple(r for r in latest if isinstance(r.resource, StatusResource)),
    )
