"""What comes from a payer: an answer to a request, answers to an inquiry, a notification.

An answer is believed if its Bundle keeps the rules: it is valid FHIR R4, its first entry is a
ClaimResponse for a prior authorization, and the patient it names is in the Bundle, under the
address it is named by. What breaks one is refused with what is wrong. What PAS 2 asks for and
PAS 1 did not (`request`, the Bundle's identifier) may be missing.
https://hl7.org/fhir/us/davinci-pas/StructureDefinition-profile-pas-response-bundle.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import msgspec

from subgraphs.connectors.errors import ProtocolViolation, Rejected
from subgraphs.connectors.fhir.conformance import nonconforming_elements
from subgraphs.connectors.status import ISSUE_CODES

Resource: TypeAlias = dict[str, Any]

TOPIC: Final = "http://hl7.org/fhir/us/davinci-pas/SubscriptionTopic/PASSubscriptionTopic"
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
# Anything longer may be free text, hence PHI. https://codesystem.x12.org/005010/901
_CODE: Final = re.compile(r"[A-Z0-9]{1,3}")
_NO_NEWS: Final = frozenset({"handshake", "heartbeat"})
"""Notifications that tell no more than that the subscription is alive."""
_PROBLEM: Final = "the payer's answer breaks the rules of prior authorization"


class NotAccepted(Rejected):
    """The payer answered that it cannot work on the request; `codes` are X12's (AAA03)."""

    def __init__(self, codes: tuple[str, ...]) -> None:
        super().__init__(HTTPStatus.OK, codes)
        named = f" ({', '.join(codes)})" if codes else ""
        self.args = (f"the payer could not work on the request{named}",)


@dataclass(frozen=True, slots=True)
class PasAnswer:
    """One answer, with whom it is about; `claim` is the request, where the payer sends it along."""

    response: Resource
    patient: Resource | None = None
    claim: Resource | None = None

    @property
    def traces(self) -> frozenset[str]:
        """The identifiers that it repeats of the request, and the trace numbers of its items."""
        parts = (self.response, self.claim or {})
        own = (each for part in parts for each in part.get("identifier", ()))
        items = (each for part in parts for item in part.get("item", ()) for each in _traced(item))
        return frozenset(str(each.get("value")) for each in (*own, *items))


@dataclass(frozen=True, slots=True)
class Notification:
    """That something was decided: with the answer, or only where it can be read."""

    focus: tuple[str, ...]
    answers: tuple[PasAnswer, ...]


def _traced(item: Resource) -> Iterator[Resource]:
    for each in item.get("extension", ()):
        if str(each.get("url")).endswith("itemTraceNumber"):
            yield each.get("valueIdentifier", {})


def read_answer(content: bytes) -> PasAnswer:
    """The answer to a request; `Rejected` or `NotAccepted` where the payer has declined it."""
    found = _read(content)
    _decline(found)
    answer = _answer(found)
    if answer.response.get("outcome") == "error":
        raise NotAccepted(error_codes(answer.response))
    return answer


def read_inquiry(content: bytes) -> list[PasAnswer]:
    """Every answer that was found: Parameters with Bundles, or a Bundle alone as in PAS 2.0."""
    found = _read(content)
    _decline(found)
    if found.get("resourceType") != "Parameters":
        return [_answer(found)] if found.get("entry") else []
    bundles = (each.get("resource") for each in found.get("parameter", ()))
    # A payer that keeps something back may say so beside what it gives.
    return [_answer(each) for each in bundles if each and each.get("resourceType") == "Bundle"]


def read_notification(content: bytes) -> Notification:
    """A topic notification of the R4 backport, of the guide's topic; one that only says that the
    subscription is alive is about nothing.

    https://hl7.org/fhir/uv/subscriptions-backport/notifications.html
    """
    found = _read(content)
    resources = _resources(found)
    status = resources[0] if resources else {}
    told = _parameters(status)
    if status.get("resourceType") != "Parameters" or told.get("topic") != TOPIC:
        raise ProtocolViolation("a notification is not of prior authorization's topic")
    if told.get("type") in _NO_NEWS:
        return Notification((), ())
    events = [each for each in status["parameter"] if each.get("name") == "notification-event"]
    focus = [_parameters({"parameter": each.get("part", ())}).get("focus") for each in events]
    if not events or not all(isinstance(each, str) for each in focus):
        raise ProtocolViolation("a notification does not say what it is about")
    by_url = {str(e.get("fullUrl")): e.get("resource") for e in found.get("entry", ())}
    answers = [by_url[str(url)] for url in focus if url in by_url]
    return Notification(
        tuple(map(str, focus)),
        tuple(PasAnswer(each) for each in answers if each and _is_response(each)),
    )


def problems(bundle: Resource) -> tuple[str, ...]:
    """What about an answer's Bundle breaks the rules, as paths and words without values."""
    wrong = list(nonconforming_elements("Bundle", _ENCODER.encode(bundle)))
    resources = _resources(bundle)
    if not resources or not _is_response(resources[0]):
        return (*wrong, "entry.0 is no ClaimResponse for a prior authorization")
    patient = resources[0].get("patient", {}).get("reference")
    if patient not in set(_addresses(bundle.get("entry", ()))):
        wrong.append("ClaimResponse.patient leads to no entry")
    return tuple(wrong)


def error_codes(response: Resource) -> tuple[str, ...]:
    codings = (
        coding
        for error in response.get("error", ())
        for coding in error.get("code", {}).get("coding", ())
    )
    codes = (str(coding.get("code")) for coding in codings)
    return tuple(dict.fromkeys(code for code in codes if _CODE.fullmatch(code)))


def _read(content: bytes) -> Resource:
    try:
        found = _DECODER.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # `from None`, because the decoder's message may quote what it read: PHI.
        raise ProtocolViolation("the payer's answer is not JSON") from None
    if not isinstance(found, dict):
        raise ProtocolViolation("the payer's answer is no resource")
    return found


def _decline(found: Resource) -> None:
    """An OperationOutcome in place of an answer is a refusal, whatever the status says."""
    if found.get("resourceType") != "OperationOutcome":
        return
    codes = (str(issue.get("code")) for issue in found.get("issue", ()) if isinstance(issue, dict))
    raise Rejected(HTTPStatus.OK, tuple(code for code in codes if code in ISSUE_CODES))


def _answer(bundle: Resource) -> PasAnswer:
    if bundle.get("resourceType") != "Bundle":
        raise ProtocolViolation("the payer's answer is no Bundle")
    wrong = problems(bundle)
    if wrong:
        raise ProtocolViolation(f"{_PROBLEM}: {', '.join(wrong)}")
    response, *others = _resources(bundle)
    claim = next((each for each in others if each.get("resourceType") == "Claim"), None)
    named = response["patient"]["reference"]
    entries = ((_addresses([entry]), entry["resource"]) for entry in bundle["entry"])
    patient = next((resource for urls, resource in entries if named in urls), None)
    return PasAnswer(response, patient, claim)


def _resources(bundle: Resource) -> list[Resource]:
    entries = bundle.get("entry", ())
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise ProtocolViolation("the payer's answer has no entries that can be read")
    found = [entry.get("resource") for entry in entries]
    return [each for each in found if isinstance(each, dict)]


def _is_response(resource: Resource) -> bool:
    return (resource.get("resourceType"), resource.get("use")) == (
        "ClaimResponse",
        "preauthorization",
    )


def _addresses(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Each entry's address, and how an entry of the same server may name it.

    https://hl7.org/fhir/R4/bundle.html#references
    """
    for entry in entries:
        url, resource = str(entry.get("fullUrl")), entry.get("resource")
        yield url
        if isinstance(resource, dict):
            relative = f"{resource.get('resourceType')}/{resource.get('id')}"
            if url.endswith(f"/{relative}"):
                yield relative


def _parameters(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters by name, each with its value; of a reference its text."""
    found = {}
    for each in resource.get("parameter", ()):
        values = (value for name, value in each.items() if name.startswith("value"))
        value = next(values, None)
        found[each.get("name")] = value.get("reference") if isinstance(value, dict) else value
    return found
