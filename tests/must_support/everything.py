"""Prior authorizations that say all there is to say: no published example does."""

from __future__ import annotations

from typing import Any

from tests.subgraphs.coverage.authorizations import GUIDE, coded, extension, x12

PDEX = "http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/"
PERIOD = {"start": "2026-01-02", "end": "2026-02-03"}
PATIENT = {"reference": "Patient/ada"}


def text(name: str, value: str) -> dict[str, Any]:
    return extension(name, valueString=value)


def concept(name: str, element: str, code: str) -> dict[str, Any]:
    return extension(name, valueCodeableConcept=x12(element, code))


def within(url: str, **value: object) -> dict[str, Any]:
    return {"url": url, **value}


TRACE = {
    "system": "https://provider.example/trace",
    "value": "111",
    "extension": [
        text("identifierSubDepartment", "7"),
        extension("identifierJurisdiction", valueCodeableConcept=coded("usps", "MA")),
    ],
}
CANCELLED = {"url": GUIDE.replace("extension-", "modifierextension-") + "infoCancelled"}
ITEM_TRACE = extension("itemTraceNumber", valueIdentifier={"system": "items", "value": "1-1"})
PRICE = {"value": 100.25, "currency": "USD"}
QUANTITY = {"value": 3, "unit": "visits"}
OF_ITEM = [
    ITEM_TRACE,
    text("authorizationNumber", "A-0"),
    text("administrationReferenceNumber", "R-0"),
    concept("serviceItemRequestType", "1525", "HS"),
    concept("certificationType", "1322", "I"),
    concept("productOrServiceCodeEnd", "hcpcs", "E0602"),
    extension("epsdtIndicator", valueBoolean=True),
    concept("nursingHomeResidentialStatus", "1345", "2"),
    concept("nursingHomeLevelOfCare", "1337", "4"),
    extension("revenueUnitRateLimit", valueDecimal=12.5),
]
SERVICE = {
    "productOrService": coded("hcpcs", "E0601"),
    "modifier": [coded("modifiers", "RR")],
    "servicedDate": "2026-01-02",
    "locationCodeableConcept": coded("places", "12"),
    "quantity": QUANTITY,
    "unitPrice": PRICE,
}
DOCUMENT = extension(
    "documentInformation",
    extension=[
        within("reportTypeCode", valueCodeableConcept=x12("755", "PY")),
        within("transmissionMethod", valueCodeableConcept=x12("756", "EL")),
        within("controlNumber", valueString="C-1"),
        within("description", valueString="A report"),
    ],
)
REVIEW = extension(
    "reviewAction",
    extension=[
        concept("reviewActionCode", "306", "A6"),
        within("number", valueString="AUTH-1"),
        within("reasonCode", valueCodeableConcept=coded("external/886", "0A")),
        within("secondSurgicalOpinionFlag", valueBoolean=True),
    ],
)
PROVIDER = extension(
    "itemAuthorizedProvider", extension=[concept("authorizedProviderType", "98", "P3")]
)
DECIDED = [
    extension("itemPreAuthIssueDate", valueDate="2026-01-01"),
    extension("itemPreAuthPeriod", valuePeriod=PERIOD),
    extension("admissionDates", valuePeriod=PERIOD),
    extension("dischargeDate", valueDate="2026-02-03"),
]
DETAIL = extension(
    "itemAuthorizedDetail",
    extension=[
        within("productOrServiceCode", valueCodeableConcept=coded("hcpcs", "E0600")),
        within("modifier", valueCodeableConcept=coded("modifiers", "NU")),
        within("unitPrice", valueMoney=PRICE),
        within("quantity", valueQuantity=QUANTITY),
        within("revenue", valueCodeableConcept=coded("nubc", "0291")),
    ],
)
COMMON = {"status": "active", "type": coded("types", "professional"), "use": "preauthorization"}

REQUEST: dict[str, Any] = {
    "resourceType": "Claim",
    "id": "everything",
    **COMMON,
    "extension": [
        concept("levelOfServiceCode", "1338", "U"),
        text("administrationReferenceNumber", "R-1"),
        text("authorizationNumber", "A-1"),
        extension(
            "conditionCode",
            extension=[
                within("category", valueCodeableConcept=x12("1136", "75")),
                within("indicator", valueBoolean=True),
                within("code", valueCodeableConcept=x12("1321", "12")),
            ],
        ),
        extension(
            "homeHealthCareInformation",
            extension=[
                within("prognosis", valueCodeableConcept=x12("923", "1")),
                within("date", valueDate="2026-01-05"),
            ],
        ),
    ],
    "identifier": [TRACE],
    "patient": PATIENT,
    "created": "2026-01-01T00:00:00Z",
    "careTeam": [
        {
            "extension": [extension("careTeamClaimScope", valueBoolean=True)],
            "sequence": 1,
            "provider": {"display": "Dr. Bell"},
            "role": x12("98", "72"),
            "qualification": coded("nucc", "207R00000X"),
        }
    ],
    "supportingInfo": [
        {"sequence": 1, "category": coded("pas", "patientEvent"), "timingPeriod": PERIOD},
        {"sequence": 2, "category": coded("pas", "dischargeDates"), "timingDate": "2026-02-03"},
        {"sequence": 3, "category": coded("pas", "freeFormMessage"), "valueString": "Call us."},
        {
            "extension": [DOCUMENT, extension("infoChanged", valueCode="changed")],
            "modifierExtension": [{**CANCELLED, "valueBoolean": True}],
            "sequence": 4,
            "category": coded("pas", "additionalInformation"),
            "valueReference": {"reference": "#a"},
        },
        {
            "sequence": 5,
            "category": coded("pas", "additionalInformation"),
            "valueReference": {"display": "A letter"},
        },
    ],
    "diagnosis": [
        {
            "extension": [extension("diagnosisRecordedDate", valueDate="2025-12-01")],
            "sequence": 1,
            "diagnosisCodeableConcept": coded("icd", "G47.33"),
            "type": [coded("kinds", "principal")],
        }
    ],
    "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": "Coverage/c"}}],
    "accident": {
        "date": "2025-11-30",
        "type": x12("1362", "AA"),
        "locationAddress": {"state": "MA", "country": "US"},
    },
    "item": [
        {
            "extension": [*OF_ITEM, extension("infoChanged", valueCode="added")],
            "sequence": 1,
            "careTeamSequence": [1],
            "diagnosisSequence": [1],
            "informationSequence": [4],
            "revenue": coded("nubc", "0290"),
            "category": x12("1365", "12"),
            **SERVICE,
        },
        {
            "modifierExtension": [{**CANCELLED, "valueBoolean": True}],
            "sequence": 2,
            "productOrService": coded("hcpcs", "E0602"),
            "servicedPeriod": PERIOD,
        },
    ],
}
ANSWER: dict[str, Any] = {
    "resourceType": "ClaimResponse",
    "id": "everything",
    **COMMON,
    "extension": [
        extension(
            "claimResponseReviewer",
            extension=[
                within("wasHumanReviewedFlag", valueBoolean=True),
                within("reviewerNPI", valueIdentifier={"value": "1999999984"}),
                within("reviewerSpecialty", valueCodeableConcept=coded("nucc", "207R00000X")),
            ],
        ),
        PROVIDER,
        text("administrationReferenceNumber", "R-1"),
        text("authorizationNumber", "A-1"),
    ],
    "identifier": [{**TRACE, "value": "222"}],
    "patient": PATIENT,
    "created": "2026-01-01T00:00:00Z",
    "outcome": "partial",
    "preAuthRef": "AUTH-0",
    "preAuthPeriod": PERIOD,
    "adjudication": [{"category": coded("adjudication", "submitted"), "extension": [REVIEW]}],
    "item": [
        {
            "extension": [
                *OF_ITEM[:3],
                *DECIDED,
                extension("itemRequestedServiceDate", valuePeriod=PERIOD),
                PROVIDER,
                DETAIL,
                extension("communicatedDiagnosis", valueCodeableConcept=coded("icd", "G47.33")),
            ],
            "itemSequence": 1,
            "noteNumber": [1],
            "adjudication": [{"extension": [REVIEW]}],
        }
    ],
    "addItem": [
        {
            "extension": [*OF_ITEM, *DECIDED, concept("revenueCode", "nubc", "0292")],
            "itemSequence": [1],
            **SERVICE,
            "provider": [
                {
                    "extension": [concept("authorizedProviderType", "98", "P3")],
                    "display": "A supplier",
                }
            ],
            "adjudication": [{"extension": [REVIEW]}],
        }
    ],
    "processNote": [{"number": 1, "text": "Rent before you buy."}],
    "error": [
        {
            "extension": [
                concept("errorFollowupAction", "889", "C"),
                extension("errorElement", extension=[within("error", valueString="2010A-NM103")]),
                text("errorPath", "Bundle.entry[1].resource.name"),
            ],
            "code": x12("901", "T4"),
        }
    ],
}
EXPLANATION: dict[str, Any] = {
    "resourceType": "ExplanationOfBenefit",
    "id": "everything",
    **COMMON,
    "extension": [concept("levelOfServiceCode", "1338", "E")],
    "identifier": [TRACE],
    "patient": PATIENT,
    "created": "2026-01-01T00:00:00Z",
    "enterer": {"display": "Dr. Bell"},
    "facility": {"display": "Lakeside"},
    "outcome": "complete",
    "preAuthRef": ["AUTH-2"],
    "preAuthRefPeriod": [PERIOD],
    "diagnosis": [{"sequence": 1, "diagnosisCodeableConcept": coded("icd", "E11.9")}],
    "insurance": [{"focal": True, "coverage": {"reference": "Coverage/c"}}],
    "adjudication": [{"extension": [REVIEW]}],
    "item": [
        {
            "extension": [*OF_ITEM[:3], *DECIDED[:2], PROVIDER, DETAIL],
            "sequence": 1,
            "category": x12("1365", "3"),
            "productOrService": coded("hipps", "BB201"),
            "adjudication": [
                {
                    "category": coded("adjudication", "submitted"),
                    "reason": coded("reasons", "ar002"),
                    "amount": PRICE,
                    "value": 2.5,
                    "extension": [REVIEW],
                }
            ],
        }
    ],
    "total": [
        {
            "extension": [
                {
                    "url": PDEX + "PriorAuthorizationUtilization",
                    "valueQuantity": {"value": 1, "unit": "visit"},
                }
            ],
            "category": coded("pdex", "eligible"),
            "amount": PRICE,
        }
    ],
}
COVERAGE: dict[str, Any] = {
    "resourceType": "Coverage",
    "id": "c",
    "status": "active",
    "beneficiary": PATIENT,
}
EVERYTHING = (REQUEST, ANSWER, EXPLANATION, COVERAGE)
