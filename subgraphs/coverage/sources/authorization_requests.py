"""A request for prior authorization as PAS has it, drawn from what the payer and an EHR keep.

What leaves is no more than the payer needs: the member and the coverage as the payer itself has
them, and of an order what is to be given, how, and how much.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from subgraphs.connectors.pas.bundles import INQUIRY, REQUEST, Entry, token_identifier, write_bundle
from subgraphs.coverage.model.preauthorization.record import CANCEL

Resource: TypeAlias = Mapping[str, Any]

_EXTENSION: Final = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-"
_HL7: Final = "http://terminology.hl7.org/CodeSystem/"
_X12: Final = "https://codesystem.x12.org/005010/"
_PASC: Final = "http://hl7.org/fhir/us/davinci-pas/CodeSystem/PASTempCodes"
_NPI: Final = "http://hl7.org/fhir/sid/us-npi"
_ABSENT: Final = {"coding": [{"system": f"{_HL7}data-absent-reason", "code": "not-applicable"}]}
_UNCHANGED: Final = frozenset({"type", "priority", "diagnosis", "accident"})


@dataclass(frozen=True, slots=True)
class Requestor:
    """Who asks, as the payer knows them."""

    npi: str
    name: str


@dataclass(frozen=True, slots=True)
class Parties:
    """The payer's own records of whom a request is about; each with its address there."""

    coverage: Entry
    patient: Entry
    insurer: Entry
    requestor: Requestor

    @property
    def patient_id(self) -> str:
        return str(self.patient.resource["id"])

    @property
    def numbers(self) -> frozenset[str]:
        """By which the member is known to the payer."""
        return frozenset(
            str(each["value"])
            for each in self.patient.resource.get("identifier", ())
            if "value" in each
        )


@dataclass(frozen=True, slots=True)
class Service:
    """One item of a request. `code` is a FHIR Coding; `order` what an EHR has prescribed."""

    code: Resource
    quantity: Decimal | None = None
    unit: str | None = None
    start: str | None = None
    end: str | None = None
    category: str | None = None
    """X12 1365."""
    place: str | None = None
    """CMS's place of service."""
    order: Entry | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """What goes along, whole."""

    entry: Entry
    title: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for."""

    services: Sequence[Service]
    documents: Sequence[Document] = ()
    diagnoses: Sequence[Resource] = ()
    expedited: bool = False
    claim_type: str = "professional"
    message: str | None = None


def new_claim(parties: Parties, wanted: Wanted, token: str, at: datetime) -> dict[str, Any]:
    level = [_coded_extension("levelOfServiceCode", f"{_X12}1338", "U")]
    diagnoses: list[dict[str, Any]] = [
        {"sequence": n, "diagnosisCodeableConcept": {"coding": [code]}}
        for n, code in enumerate(wanted.diagnoses, start=1)
    ]
    told = _information(wanted)
    enclosed = [each["sequence"] for each in told if "valueReference" in each]
    along = {"informationSequence": enclosed} if enclosed else {}
    claim = {
        **_frame(parties, token, at),
        "extension": level if wanted.expedited else [],
        "type": {"coding": [{"system": f"{_HL7}claim-type", "code": wanted.claim_type}]},
        "priority": _priority(expedited=wanted.expedited),
        "diagnosis": diagnoses,
        "supportingInfo": told,
        "item": [
            {**_item(service, n, token, [each["sequence"] for each in diagnoses]), **along}
            for n, service in enumerate(wanted.services, start=1)
        ],
    }
    return {name: value for name, value in claim.items() if value != []}


def _information(wanted: Wanted) -> list[dict[str, Any]]:
    """A message, and what goes along."""
    told: list[tuple[str, dict[str, Any]]] = []
    if wanted.message:
        told.append(("freeFormMessage", {"valueString": wanted.message}))
    for each in wanted.documents:
        reference = {"reference": each.entry.url, "display": each.title}
        told.append(("additionalInformation", {"valueReference": reference}))
    return [
        {"sequence": n, "category": {"coding": [{"system": _PASC, "code": code}]}, **value}
        for n, (code, value) in enumerate(told, start=1)
    ]


def cancelling(parties: Parties, original: Entry, token: str, at: datetime) -> dict[str, Any]:
    """The Claim that takes another back, whole: its items come along, each of them cancelled."""
    claim = original.resource
    kept = {name: claim[name] for name in _UNCHANGED if name in claim}
    cancel = _coded_extension("certificationType", f"{_X12}1322", CANCEL)
    return {
        **_frame(parties, token, at),
        **kept,
        "extension": [cancel],
        "related": [
            {
                "claim": {"reference": original.url},
                "relationship": {
                    "coding": [{"system": f"{_HL7}ex-relatedclaimrelationship", "code": "prior"}]
                },
            }
        ],
        "item": [_cancelled(item, cancel) for item in claim.get("item", ())],
    }


def request_bundle(
    parties: Parties, claim: Resource, others: Sequence[Entry], token: str, at: datetime
) -> bytes:
    return write_bundle(
        REQUEST, Entry(_urn(token), claim), [*_entries(parties), *others], token, at
    )


def inquiry_bundle(parties: Parties, token: str, at: datetime) -> bytes:
    """About everything the payer knows of the member: the guide has no inquiry by identifier."""
    claim = {
        **_frame(parties, token, at),
        "type": {"coding": [{"system": f"{_HL7}claim-type", "code": "professional"}]},
        "priority": _priority(expedited=False),
        "item": [{"sequence": 1, "productOrService": _ABSENT}],
    }
    return write_bundle(INQUIRY, Entry(_urn(token), claim), [*_entries(parties)], token, at)


def _frame(parties: Parties, token: str, at: datetime) -> dict[str, Any]:
    """What every Claim of ours begins with."""
    return {
        "resourceType": "Claim",
        "id": token,
        "identifier": [token_identifier(token)],
        "status": "active",
        "use": "preauthorization",
        "patient": {"reference": parties.patient.url},
        "created": at.isoformat(timespec="seconds"),
        "insurer": {"reference": parties.insurer.url},
        "provider": {"reference": _requestor_url(parties.requestor)},
        "insurance": [
            {"sequence": 1, "focal": True, "coverage": {"reference": parties.coverage.url}}
        ],
    }


def _entries(parties: Parties) -> Iterator[Entry]:
    yield parties.patient
    yield parties.coverage
    yield parties.insurer
    asking = parties.requestor
    yield Entry(
        _requestor_url(asking),
        {
            "resourceType": "Organization",
            "id": f"npi-{asking.npi}",
            "identifier": [{"system": _NPI, "value": asking.npi}],
            "active": True,
            "type": [{"coding": [{"system": f"{_X12}98", "code": "X3"}]}],
            "name": asking.name,
        },
    )


def _item(service: Service, number: int, token: str, diagnoses: Sequence[int]) -> dict[str, Any]:
    trace = {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{token}#{number}"}
    told = [
        {"url": f"{_EXTENSION}itemTraceNumber", "valueIdentifier": trace},
        _coded_extension("serviceItemRequestType", f"{_X12}1525", "HS"),
        _coded_extension("certificationType", f"{_X12}1322", "I"),
    ]
    if service.order:
        reference = {"reference": service.order.url}
        told.append({"url": f"{_EXTENSION}requestedService", "valueReference": reference})
    item = {
        "extension": told,
        "sequence": number,
        "diagnosisSequence": list(diagnoses),
        "category": _coded(f"{_X12}1365", service.category) if service.category else None,
        "productOrService": {"coding": [service.code]},
        "servicedPeriod": _period(service),
        "locationCodeableConcept": _coded(_PLACES, service.place) if service.place else None,
        "quantity": _quantity(service),
    }
    return {name: value for name, value in item.items() if value not in (None, [])}


_PLACES: Final = (
    "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
)


def _cancelled(item: Resource, cancel: Resource) -> dict[str, Any]:
    others = [e for e in item.get("extension", ()) if e.get("url") not in _CHANGED]
    changed = {"url": f"{_EXTENSION}infoChanged", "valueCode": "changed"}
    # A service of an EHR's is not sent again.
    kept = [e for e in others if not e["url"].endswith("requestedService")]
    flag = {
        "url": f"{_EXTENSION.removesuffix('extension-')}modifierextension-infoCancelled",
        "valueBoolean": True,
    }
    told = {name: value for name, value in item.items() if name not in _ELSEWHERE}
    return {**told, "extension": [*kept, cancel, changed], "modifierExtension": [flag]}


# Who takes part and what went along need not be told again.
_ELSEWHERE: Final = frozenset({"careTeamSequence", "informationSequence"})
_CHANGED: Final = frozenset({f"{_EXTENSION}certificationType", f"{_EXTENSION}infoChanged"})


def _period(service: Service) -> dict[str, str] | None:
    ends = {"start": service.start, "end": service.end}
    return {name: day for name, day in ends.items() if day} or None


def _quantity(service: Service) -> dict[str, Any] | None:
    if service.quantity is None:
        return None
    return {"value": service.quantity, **({"unit": service.unit} if service.unit else {})}


def _priority(*, expedited: bool) -> dict[str, Any]:
    return _coded(f"{_HL7}processpriority", "stat" if expedited else "normal")


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _coded_extension(name: str, system: str, code: str) -> dict[str, Any]:
    return {"url": f"{_EXTENSION}{name}", "valueCodeableConcept": _coded(system, code)}


def _urn(token: str) -> str:
    return f"urn:uuid:{token}"


def _requestor_url(requestor: Requestor) -> str:
    return f"urn:chartgraph:npi:{requestor.npi}"
