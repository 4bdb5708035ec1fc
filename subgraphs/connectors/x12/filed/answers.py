"""What payers answered about a claim: its payment in an 835, its status in a 277."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from subgraphs.connectors.x12.claim_status import ClaimStatus
from subgraphs.connectors.x12.elements import Party
from subgraphs.connectors.x12.filed.claims import ORIGIN, money, procedure_concept
from subgraphs.connectors.x12.filed.parties import (
    ACCOUNT_SYSTEM,
    CLAIM_SYSTEM,
    Names,
    Resource,
    filled,
    party_reference,
)
from subgraphs.connectors.x12.procedures import Procedure
from subgraphs.connectors.x12.remittance import Remittance

REMITTANCE: Final = "ClaimRemittance"
STATUS: Final = "ClaimStatus"


def remittance_resources(
    remittance: Remittance, place: int, sent_at: str, names: Names
) -> list[Resource]:
    """Of the claim at a place: its patient, the claim as the payer repeats it, and what was paid.

    The payment keeps what it says of the transfer as a whole, and nothing of its other claims.
    """
    paid = remittance.claims[place]
    insured = paid.subscriber
    patient = names.patient(remittance.payer, paid.patient, insured)
    if patient is None or paid.patient is None:
        return []
    payer = names.payer(remittance.payer)
    person = names.patient_resource(patient, remittance.payer, paid.patient, insured)
    days = [*paid.dates, *(each.date for each in paid.services if each.date)]
    claim = _claim_as_told(
        names,
        origin="835",
        payer=payer,
        patient=patient,
        numbers=(paid.account, paid.payer_claim),
        parties=(remittance.payer, paid.provider or remittance.payee),
        charged=abs(paid.charged),
        days=days,
        lines=[(each.procedure, each.date, abs(each.charged)) for each in paid.services],
    )
    transfer = (payer, remittance.trace, str(remittance.paid_on or sent_at[:10]))
    told = {
        "resourceType": REMITTANCE,
        "id": names.name("remittance", *transfer, str(place), paid.account, paid.payer_claim),
        "meta": filled(lastUpdated=sent_at, source=f"{ORIGIN}835"),
        "patient": {"reference": f"Patient/{patient}"},
        "payer": payer,
        "transferId": names.name("transfer", *transfer),
        "transfer": msgspec.to_builtins(replace(remittance, claims=())),
        "paid": msgspec.to_builtins(paid),
    }
    return [person, claim, told]


def status_resources(status: ClaimStatus, sent_at: str, names: Names) -> list[Resource]:
    insured = status.subscriber
    patient = names.patient(status.payer, status.patient, insured)
    if patient is None or status.patient is None:
        return []
    payer = names.payer(status.payer)
    person = names.patient_resource(patient, status.payer, status.patient, insured)
    said = status.statuses
    charged = status.charged or next((each.charged for each in said if each.charged), None)
    days = [status.dates.start, status.dates.end] if status.dates else []
    claim = _claim_as_told(
        names,
        origin="277",
        payer=payer,
        patient=patient,
        numbers=(status.account, status.payer_claim),
        parties=(status.payer, status.provider),
        charged=charged,
        days=days,
        lines=[
            (each.procedure, each.dates.start if each.dates else None, each.charged)
            for each in status.lines
        ],
    )
    told = {
        "resourceType": STATUS,
        "id": names.name("status", payer, status.account, status.payer_claim, sent_at),
        "meta": filled(lastUpdated=sent_at, source=f"{ORIGIN}277"),
        "patient": {"reference": f"Patient/{patient}"},
        "payer": payer,
        "status": msgspec.to_builtins(status),
    }
    return [person, claim, told]


def _claim_as_told(
    names: Names,
    *,
    origin: str,
    payer: str,
    patient: str,
    numbers: tuple[str, str],
    parties: tuple[Party | None, Party | None],
    charged: Decimal | None,
    days: Sequence[date],
    lines: Sequence[tuple[Procedure, date | None, Decimal | None]],
) -> Resource:
    """A claim of which no more is known; for lack of a moment anything said of it is newer."""
    account, payer_claim = numbers
    known = [(ACCOUNT_SYSTEM, account), (CLAIM_SYSTEM, payer_claim)]
    return filled(
        resourceType="Claim",
        id=names.name("claim as told", origin, payer, account, payer_claim),
        meta={"source": f"{ORIGIN}{origin}"},
        identifier=[{"system": system + payer, "value": value} for system, value in known if value],
        status="active",
        use="claim",
        patient={"reference": f"Patient/{patient}"},
        billablePeriod={"start": min(days).isoformat(), "end": max(days).isoformat()}
        if days
        else None,
        insurer=party_reference(parties[0]),
        provider=party_reference(parties[1]),
        item=[
            filled(
                sequence=place,
                productOrService=procedure_concept(procedure),
                servicedDate=day.isoformat() if day else None,
                net=money(net),
            )
            for place, (procedure, day, net) in enumerate(lines, 1)
        ],
        total=money(charged),
    )
