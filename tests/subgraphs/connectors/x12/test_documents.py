"""Published X12 files say here what a reader finds in them; what is not read is refused by name."""

from __future__ import annotations

from functools import singledispatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from subgraphs.connectors.errors import ProtocolViolation, Unsupported
from subgraphs.connectors.x12.benefits import MemberAnswer
from subgraphs.connectors.x12.claim_status import ClaimStatus, Status
from subgraphs.connectors.x12.claims import SubmittedClaim
from subgraphs.connectors.x12.documents import READERS, read_documents
from subgraphs.connectors.x12.elements import Dates, Party
from subgraphs.connectors.x12.inquiry import ReceivedInquiry
from subgraphs.connectors.x12.remittance import Remittance
from tests.shared_data import shared_data

EXPECTED: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parent / "facts" / "expected.yaml").read_text()
)
GUIDES = {guide for _, guide in READERS}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", EXPECTED)
def test_the_facts_of_a_published_file(name):
    documents = read_documents((shared_data("x12", "lfh") / name).read_bytes())
    assert [facts(document) for document in documents] == EXPECTED[name]


@pytest.mark.shared_data
def test_no_published_file_is_passed_over():
    folder = shared_data("x12", "lfh")
    files = {str(path.relative_to(folder)) for path in folder.rglob("*.*") if path.is_file()}
    others = sorted(files - EXPECTED.keys())
    assert EXPECTED.keys() <= files
    assert len(others) >= 20
    for name in others:
        with pytest.raises((Unsupported, ProtocolViolation)) as refused:
            read_documents((folder / name).read_bytes())
        is_cut_short = name.startswith("835") and name.endswith(".997")
        assert isinstance(refused.value, Unsupported) is not is_cut_short, name


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("834_005010X220A1/add-dependent.834", "X12 834 of guide 005010X220A1 is not read here"),
        ("837_004010X096A1/homeowners.837", "X12 837 of guide 004010X096A1 is not read here"),
        (
            "834_005010X220A1/reinstate-employee.834.997",
            "X12 999 of guide 005010X231 is not read here",
        ),
    ],
)
def test_other_transactions_are_refused_by_name(name, told):
    with pytest.raises(Unsupported, match=f"^{told}$"):
        read_documents((shared_data("x12", "lfh") / name).read_bytes())


@singledispatch
def facts(document: object) -> dict[str, Any]:
    raise AssertionError(f"no facts are told of {type(document)}")


@facts.register
def _(asked: ReceivedInquiry) -> dict[str, Any]:
    whom = asked.dependent or asked.subscriber
    return {
        "trace": asked.trace,
        "member_id": asked.member_id,
        "dependent" if asked.dependent else "subscriber": person(whom),
        "service_types": list(asked.service_types),
    }


@facts.register
def _(answer: MemberAnswer) -> dict[str, Any]:
    benefits = [words(each.code, each.amount, each.in_network) for each in answer.benefits]
    return {"trace": answer.trace, "member_id": answer.member_id, "benefits": benefits}


@facts.register
def _(claim: ClaimStatus) -> dict[str, Any]:
    lines = [words(s.procedure.kind, s.procedure.code, s.charged) for s in claim.lines]
    told = {
        "trace": claim.trace,
        "level": claim.level,
        "patient": claim.patient and person(claim.patient),
        "statuses": [status(each) for each in claim.statuses],
        "payer_claim": claim.payer_claim,
        "account": claim.account,
        "prescription": claim.prescription,
        "charged": claim.charged and str(claim.charged),
        "dates": claim.dates and period(claim.dates),
        "lines": lines,
    }
    return {name: value for name, value in told.items() if value or name == "trace"}


@facts.register
def _(remittance: Remittance) -> dict[str, Any]:
    services = [service for claim in remittance.claims for service in claim.services]
    of_claims = [
        each
        for claim in remittance.claims
        for each in [
            *claim.adjustments,
            *(a for service in claim.services for a in service.adjustments),
        ]
    ]
    payer, payee = remittance.payer, remittance.payee
    told = {
        "trace": remittance.trace,
        "paid": words(remittance.amount, remittance.method, remittance.paid_on),
        "parties": payer and payee and f"{payer.name} > {payee.name} {payee.id}",
        "claims": [
            words(c.account, c.status, c.charged, c.paid, c.patient_owes, c.patient.name)
            for c in remittance.claims
        ],
        "services": [f"{s.procedure.code} {s.charged} {s.paid} {s.date}" for s in services],
        "adjustments": [words(each.group, each.reason, each.amount) for each in of_claims],
        "provider_adjustments": [
            words(each.reason, each.reference, each.amount) for each in remittance.adjustments
        ],
        "imbalances": len(remittance.imbalances),
        "unreadable": list(remittance.unreadable),
    }
    return {name: value for name, value in told.items() if value}


@facts.register
def _(claim: SubmittedClaim) -> dict[str, Any]:
    told = {
        "kind": str(claim.kind),
        "account": claim.account,
        "charged": str(claim.charged),
        "billing": claim.billing.npi,
        "payer": claim.payer.id,
        "member": claim.subscriber.id,
        "patient": words(person(claim.patient), claim.patient.sex, claim.relationship),
        "statement": claim.statement and period(claim.statement),
        "diagnoses": [each.code for each in claim.diagnoses],
        "lines": [
            words(
                line.revenue_code,
                line.procedure.code,
                *line.procedure.modifiers,
                line.charged,
                line.quantity,
                line.drug and line.drug.ndc,
            )
            for line in claim.lines
        ],
        "others": [words(o.sequence, o.subscriber.id, o.paid) for o in claim.other_payers],
    }
    return {name: value for name, value in told.items() if value}


def person(party: Party) -> str:
    return f"{party.name}/{party.given}/{party.birth_date or ''}"


def period(dates: Dates) -> str:
    return f"{dates.start}/{dates.end}"


def status(told: Status) -> str:
    codes = " ".join(":".join(filter(None, (c.category, c.code, c.entity))) for c in told.codes)
    return words(codes, told.charged, told.paid)


def words(*values: object) -> str:
    return " ".join(str(value) for value in values if value not in (None, ""))
