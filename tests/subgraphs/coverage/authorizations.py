"""Requests for prior authorization and their answers, as a payer's FHIR server sends them."""

from __future__ import annotations

from typing import Any

GUIDE = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-"


def extension(name: str, **value: object) -> dict[str, Any]:
    return {"url": GUIDE + name, **value}


def coded(system: str, code: str, **more: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, **more}]}


def x12(element: str, code: str) -> dict[str, Any]:
    return coded(f"https://codesystem.x12.org/005010/{element}", code)


def request(name: str, id_: str, created: str = "2026-11-20T09:00:00Z", **more: Any) -> dict:
    return {
        "resourceType": "Claim",
        "id": id_,
        "identifier": [{"system": "https://ours.example/trace", "value": f"T-{id_}"}],
        "status": "active",
        "type": coded("http://terminology.hl7.org/CodeSystem/claim-type", "professional"),
        "use": "preauthorization",
        "patient": {"reference": f"Patient/p-{name}"},
        "created": created,
        "insurer": {"reference": "Organization/o1"},
        "provider": {"reference": "Organization/o1"},
        "priority": coded("http://terminology.hl7.org/CodeSystem/processpriority", "normal"),
        "insurance": [
            {"sequence": 1, "focal": True, "coverage": {"reference": f"Coverage/c-{name}"}}
        ],
        "item": [item(1)],
        **more,
    }


def item(sequence: int, *told: dict, code: str = "E0601", **more: Any) -> dict[str, Any]:
    return {
        "extension": list(told),
        "sequence": sequence,
        "productOrService": coded("http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", code),
        "quantity": {"value": 1},
        **more,
    }


def answer(name: str, id_: str, claim: str | None, *items: dict, **more: Any) -> dict[str, Any]:
    about = {"request": {"reference": f"Claim/{claim}"}} if claim else {}
    return {
        "resourceType": "ClaimResponse",
        "id": id_,
        "status": "active",
        "type": coded("http://terminology.hl7.org/CodeSystem/claim-type", "professional"),
        "use": "preauthorization",
        "patient": {"reference": f"Patient/p-{name}"},
        "created": "2026-11-21T10:00:00Z",
        "insurer": {"reference": "Organization/o1"},
        "outcome": "complete",
        **about,
        "item": list(items),
        **more,
    }


def reviewed(sequence: int, action: str, *told: dict, **more: Any) -> dict[str, Any]:
    """An item that was decided so; `reason` and `number` go into the review action."""
    review = [extension("reviewActionCode", valueCodeableConcept=x12("306", action))]
    if "number" in more:
        review.append({"url": "number", "valueString": more.pop("number")})
    if "reason" in more:
        why = coded("https://codesystem.x12.org/external/886", more.pop("reason"))
        review.append({"url": "reasonCode", "valueCodeableConcept": why})
    if "second_opinion" in more:
        flag = more.pop("second_opinion")
        review.append({"url": "secondSurgicalOpinionFlag", "valueBoolean": flag})
    return {
        "extension": list(told),
        "itemSequence": sequence,
        "adjudication": [
            {
                "category": coded(
                    "http://terminology.hl7.org/CodeSystem/adjudication", "submitted"
                ),
                "extension": [extension("reviewAction", extension=review)],
            }
        ],
        **more,
    }
