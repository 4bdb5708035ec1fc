"""The ClaimResponse to a Claim. https://hl7.org/fhir/us/davinci-pas/"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.data.shapes import Resource, concept, hl7_concept, instant
from sandbox.pas.rules import Decision, decide

GUIDE = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
REVIEW_ACTIONS = "https://codesystem.x12.org/005010/306"
CERTIFICATION_TYPES = "https://codesystem.x12.org/005010/1322"
CANCEL = "3"
VALID = timedelta(days=90)
_WORDS = {
    "A1": "Certified in total",
    "A2": "Certified - partial",
    "A3": "Not Certified",
    "A4": "Pended",
    "A6": "Modified",
    "C": "Cancelled",
}


def extension(name: str, **value: Any) -> dict[str, Any]:
    return {"url": GUIDE + f"extension-{name}", **value}


def find_extension(element: Resource, name: str) -> Resource:
    found = (e for e in element.get("extension", ()) if e["url"] == GUIDE + f"extension-{name}")
    return next(found, {})


def is_cancel(claim: Resource) -> bool:
    """Whether a Claim takes back the one it is related to."""
    coded = find_extension(claim, "certificationType").get("valueCodeableConcept", {})
    return any(each.get("code") == CANCEL for each in coded.get("coding", ()))


def decide_items(claim: Resource) -> list[Decision]:
    return [decide(_codes(item["productOrService"])) for item in claim.get("item", ())]


def cancelled(claim: Resource) -> list[Decision]:
    return [Decision("C") for _ in claim.get("item", ())]


def answer(claim: Resource, decisions: Sequence[Decision], at: datetime) -> Resource:
    """Without id and meta, which the server gives it."""
    items = zip(claim.get("item", ()), decisions, strict=True)
    number = _number(claim)
    found: Resource = {
        "resourceType": "ClaimResponse",
        "identifier": claim.get("identifier", []),
        "status": "active",
        "type": claim["type"],
        "use": "preauthorization",
        "patient": claim["patient"],
        "created": instant(at),
        "insurer": claim["insurer"],
        "requestor": claim["provider"],
        "request": {"reference": f"Claim/{claim['id']}"},
        "outcome": "complete",
        "extension": [extension("administrationReferenceNumber", valueString=f"R{number}")],
    }
    if any(decision.is_certified for decision in decisions):
        found["preAuthRef"] = f"AUTH{number}"
        found["preAuthPeriod"] = _valid(at)
    if items_ := [_item(item, decision, number, at) for item, decision in items]:
        found["item"] = items_
    if any(decision.is_pended for decision in decisions):
        found["disposition"] = "Pended for review"
    return found


def wish(response: Resource, at: datetime) -> Resource:
    """What a reviewer wants to see: the notes of the last visit, about the first item."""
    first = response["item"][0]["itemSequence"]
    number = _number({"id": response["request"]["reference"].partition("/")[2]})
    return {
        "resourceType": "CommunicationRequest",
        "identifier": [{"system": "https://payer.example/attachment", "value": number}],
        "status": "active",
        "subject": response["patient"],
        "category": [_x12("005010/755", "09")],
        "medium": [_x12("005010/756", "EL")],
        "payload": [
            {
                "extension": [extension("serviceLineNumber", valuePositiveInt=first)],
                "contentString": "Notes of the last visit",
            }
        ],
        "authoredOn": instant(at),
    }


def refuse(claim: Resource, code: str, at: datetime) -> Resource:
    """What cannot be worked on; `code` is of X12 901."""
    return {
        "resourceType": "ClaimResponse",
        "identifier": claim.get("identifier", []),
        "status": "active",
        "type": claim["type"],
        "use": "preauthorization",
        "patient": claim["patient"],
        "created": instant(at),
        "insurer": claim["insurer"],
        "requestor": claim["provider"],
        "request": {"extension": [_NOT_KEPT]},
        "outcome": "error",
        "error": [
            {
                "code": _x12("005010/901", code),
                "extension": [
                    extension("errorFollowupAction", valueCodeableConcept=_x12("005010/889", "C"))
                ],
            }
        ],
    }


def _item(item: Resource, decision: Decision, number: str, at: datetime) -> Resource:
    review: list[dict[str, Any]] = [
        extension(
            "reviewActionCode",
            valueCodeableConcept={
                "coding": [
                    {
                        "system": REVIEW_ACTIONS,
                        "code": decision.action,
                        "display": _WORDS[decision.action],
                    }
                ]
            },
        )
    ]
    told: list[dict[str, Any]] = []
    if trace := find_extension(item, "itemTraceNumber"):
        told.append(trace)
    if decision.is_certified:
        review.append({"url": "number", "valueString": f"AUTH{number}-{item['sequence']}"})
        told += [
            extension("itemPreAuthIssueDate", valueDate=f"{at:%Y-%m-%d}"),
            extension("itemPreAuthPeriod", valuePeriod=_valid(at)),
            extension("itemAuthorizedDetail", extension=_authorized(item, decision)),
        ]
    if decision.reason:
        review.append({"url": "reasonCode", "valueCodeableConcept": concept(decision.reason)})
    if not decision.is_certified:
        told.append(
            extension("administrationReferenceNumber", valueString=f"R{number}-{item['sequence']}")
        )
    return {
        "itemSequence": item["sequence"],
        **({"extension": told} if told else {}),
        "adjudication": [
            {
                "category": hl7_concept("adjudication", "submitted"),
                "extension": [extension("reviewAction", extension=review)],
            }
        ],
    }


def _authorized(item: Resource, decision: Decision) -> list[dict[str, Any]]:
    service = concept(decision.service) if decision.service else item["productOrService"]
    detail: list[dict[str, Any]] = [
        {"url": "productOrServiceCode", "valueCodeableConcept": service}
    ]
    if "quantity" in item:
        asked = Decimal(str(item["quantity"]["value"]))
        certified = (asked * decision.share).normalize()
        detail.append(
            {
                "url": "quantity",
                "valueQuantity": {**item["quantity"], "value": Decimal(f"{certified:f}")},
            }
        )
    return detail


def _valid(at: datetime) -> dict[str, str]:
    return {"start": f"{at:%Y-%m-%d}", "end": f"{at + VALID:%Y-%m-%d}"}


def _codes(service: Resource) -> list[str]:
    return [each["code"] for each in service.get("coding", ()) if "code" in each]


def _number(claim: Resource) -> str:
    digest = hashlib.sha256(claim["id"].encode()).digest()
    return f"{int.from_bytes(digest[:5]) % 10**8:08d}"


def _x12(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": f"https://codesystem.x12.org/{system}", "code": code}]}


_NOT_KEPT = {
    "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
    "valueCode": "not-permitted",
}
