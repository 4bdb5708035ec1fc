"""What members' doctors have asked the payer to agree to, and what it said: one of each kind.

Everything hangs on the day the sandbox starts: one request is overdue, one is due tomorrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.data.chart import Chart
from sandbox.data.codes import CHECKUP
from sandbox.data.payer import Billing
from sandbox.data.shapes import (
    Coded,
    Resource,
    concept,
    hl7_concept,
    instant,
)
from sandbox.pas.answers import (
    CANCEL,
    CERTIFICATION_TYPES,
    answer,
    cancelled,
    decide_items,
    extension,
)
from sandbox.pas.rules import CPAP, INFLIXIMAB, MULTI_POWER, NURSING, OXYGEN, WHEELCHAIR, Decision

EHR_ADDRESS = "https://ehr-a.invalid/fhir"
"""Stands for EHR-A's address, which is not known before it is open."""
_ANSWERED_AFTER = timedelta(minutes=2)
_REVIEWED_AFTER = timedelta(days=3)
_PASC = "http://hl7.org/fhir/us/davinci-pas/CodeSystem/PASTempCodes"


@dataclass(frozen=True, slots=True)
class Plan:
    """One request. `reviewed`: what a pended one has come to by now."""

    name: str
    service: Coded | None
    """None for a drug that was prescribed."""
    quantity: int
    unit: str
    before: timedelta
    expedited: bool = False
    reviewed: str | None = None
    withdrawn: bool = False


PLANS = (
    Plan("cpap", CPAP, 1, "{device}", timedelta(days=30)),
    Plan("nursing", NURSING, 40, "h", timedelta(days=21)),
    Plan("wheelchair", WHEELCHAIR, 1, "{device}", timedelta(days=18)),
    Plan("oxygen", OXYGEN, 1, "{device}", timedelta(days=10)),
    Plan("infusion", INFLIXIMAB, 50, "{unit}", timedelta(days=15)),
    Plan("chair", MULTI_POWER, 1, "{device}", timedelta(days=1), expedited=True),
    Plan("second-cpap", CPAP, 1, "{device}", timedelta(days=6), withdrawn=True),
    Plan("drug", None, 90, "{tablet}", timedelta(days=4)),
    Plan("old-oxygen", OXYGEN, 1, "{device}", timedelta(days=60), reviewed="A1"),
)


def record_authorizations(
    billing: Billing, chart: Chart, order: Resource | None, today: datetime
) -> None:
    """Every one for the patient persona, who is the first; one for most of the others."""
    number = billing.number
    plans = PLANS if number == 0 else PLANS[number % len(PLANS) :][:1]
    for plan in plans:
        if plan.service is not None or order is not None:
            _record(billing, chart, plan, order, today)


def _record(
    billing: Billing, chart: Chart, plan: Plan, order: Resource | None, today: datetime
) -> None:
    at = today - plan.before + timedelta(hours=14)
    key = ("authorization", billing.number, plan.name)
    claim = _claim(billing, chart, plan, order, at, key)
    decisions = decide_items(claim)
    answered = at + _ANSWERED_AFTER
    if plan.reviewed:
        decisions = [each.after_review(plan.reviewed) for each in decisions]
        answered = at + _REVIEWED_AFTER
    _record_answer(billing, claim, decisions, answered, key)
    if plan.withdrawn:
        _withdraw(billing, claim, at + timedelta(days=1), key)


def _claim(
    billing: Billing,
    chart: Chart,
    plan: Plan,
    order: Resource | None,
    at: datetime,
    key: tuple[object, ...],
) -> Resource:
    service = concept(plan.service) if plan.service else _drug(order)
    trace = billing.source.number(9, "trace", *key)
    told = [
        extension(
            "itemTraceNumber", valueIdentifier={"system": _OURS + "item", "value": f"{trace}-1"}
        ),
        extension("serviceItemRequestType", valueCodeableConcept=_x12("1525", "HS")),
        extension("certificationType", valueCodeableConcept=_x12("1322", "I")),
    ]
    if plan.service is None and order is not None:
        about = {"reference": f"{EHR_ADDRESS}/MedicationRequest/{order['id']}"}
        told.append(extension("requestedService", valueReference=about))
    level = [extension("levelOfServiceCode", valueCodeableConcept=_x12("1338", "U"))]
    billing.source.add(
        "Claim",
        key,
        at,
        extension=level if plan.expedited else [],
        contained=[_REPORT] if plan.name == "wheelchair" else [],
        identifier=[{"system": _OURS + "request", "value": trace}],
        status="active",
        type=hl7_concept("claim-type", "pharmacy" if plan.service is None else "professional"),
        use="preauthorization",
        patient=billing.patient,
        created=instant(at),
        insurer=billing.insurer,
        provider=billing.providers[0][0],
        priority=hl7_concept("processpriority", "stat" if plan.expedited else "normal"),
        diagnosis=[{"sequence": 1, "diagnosisCodeableConcept": concept(_reason(chart))}],
        insurance=[{"sequence": 1, "focal": True, "coverage": billing.coverage}],
        supportingInfo=_information(plan),
        item=[
            {
                "extension": told,
                "sequence": 1,
                "diagnosisSequence": [1],
                "category": _x12("1365", "88" if plan.service is None else "12"),
                "productOrService": service,
                "servicedPeriod": {
                    "start": f"{at + timedelta(days=14):%Y-%m-%d}",
                    "end": f"{at + timedelta(days=104):%Y-%m-%d}",
                },
                "quantity": {"value": Decimal(plan.quantity), "unit": plan.unit},
            }
        ],
    )
    return billing.source.resources[-1]


def _record_answer(
    billing: Billing,
    claim: Resource,
    decisions: list[Decision],
    at: datetime,
    key: tuple[object, ...],
) -> None:
    content = answer(claim, decisions, at)
    del content["resourceType"]
    billing.source.add("ClaimResponse", key, at, **content)


def _withdraw(billing: Billing, claim: Resource, at: datetime, key: tuple[object, ...]) -> None:
    """The whole request, by a Claim that changes it."""
    kept = ("status", "type", "use", "patient", "insurer", "provider", "priority", "insurance")
    key = (*key, "withdrawal")
    trace = billing.source.number(9, "trace", *key)
    billing.source.add(
        "Claim",
        key,
        at,
        extension=[
            extension(
                "certificationType",
                valueCodeableConcept={"coding": [{"system": CERTIFICATION_TYPES, "code": CANCEL}]},
            )
        ],
        identifier=[{"system": _OURS + "request", "value": trace}],
        created=instant(at),
        related=[{"claim": {"reference": f"Claim/{claim['id']}"}}],
        item=claim["item"],
        diagnosis=claim["diagnosis"],
        **{name: claim[name] for name in kept},
    )
    change = billing.source.resources[-1]
    _record_answer(billing, change, cancelled(change), at + _ANSWERED_AFTER, key)


def _drug(order: Resource | None) -> dict[str, Any]:
    assert order is not None, "only what was prescribed is asked for as a drug"
    if "medicationCodeableConcept" in order:
        found: dict[str, Any] = order["medicationCodeableConcept"]
        return found
    contained: dict[str, Any] = order["contained"][0]["code"]
    return contained


def _information(plan: Plan) -> list[dict[str, Any]]:
    message = {
        "sequence": 1,
        "category": {"coding": [{"system": _PASC, "code": "freeFormMessage"}]},
        "valueString": "Please call the practice with questions.",
    }
    report = {
        "extension": [
            extension(
                "documentInformation",
                extension=[
                    {"url": "reportTypeCode", "valueCodeableConcept": _x12("755", "PY")},
                    {"url": "transmissionMethod", "valueCodeableConcept": _x12("756", "EL")},
                    {"url": "description", "valueString": "Report on mobility at home"},
                ],
            )
        ],
        "sequence": 2,
        "category": {"coding": [{"system": _PASC, "code": "additionalInformation"}]},
        "valueReference": {"reference": "#report"},
    }
    return [message, report] if plan.name == "wheelchair" else [message]


def _reason(chart: Chart) -> Coded:
    """None that a payer would have to keep to itself."""
    open_ = (d.problem.icd for d in chart.diagnoses if not d.problem.sensitivity)
    return next(open_, CHECKUP)


def _x12(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": f"https://codesystem.x12.org/005010/{system}", "code": code}]}


def placed(resources: list[Resource], address: str) -> list[Resource]:
    """The same, with EHR-A's address where it is meant."""

    def move(node: Any) -> Any:
        match node:
            case dict():
                return {name: move(value) for name, value in node.items()}
            case list():
                return [move(each) for each in node]
            case str():
                return node.replace(EHR_ADDRESS, address)
        return node

    return [
        move(resource) if resource.get("use") == "preauthorization" else resource
        for resource in resources
    ]


_OURS = "https://chartgraph.example/trace/"
_REPORT = {
    "resourceType": "DocumentReference",
    "id": "report",
    "status": "current",
    "content": [
        {
            "attachment": {
                "contentType": "text/plain",
                "data": "V2Fsa3MgdGVuIHN0ZXBzIHdpdGggYSBmcmFtZS4=",
            }
        }
    ],
}
