"""Claim/$submit and Claim/$inquire over the payer's store. https://hl7.org/fhir/us/davinci-pas/

A request is kept, and so is its answer: both are found by search. The payer does not look whether
it has had a request before; whoever sends one twice has asked twice.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from sandbox.data.shapes import Resource, instant
from sandbox.fhir.interactions import Answer
from sandbox.fhir.operations import Operation
from sandbox.fhir.outcome import Refusal
from sandbox.fhir.store import Store, Stored
from sandbox.fhir.validation import read_resource
from sandbox.pas.answers import answer, cancelled, decide_items, is_cancel, refuse, wish
from sandbox.pas.notices import Notices
from sandbox.pas.rules import Decision
from sandbox.wire import decode, encode

_NOT_ELIGIBLE = "95"  # X12 901: the patient is not eligible
_ACTIONS = ("A1", "A3")
REVIEW_SECONDS = 120.0


class PasOperations:
    def __init__(
        self,
        store: Store,
        base: str,
        review_seconds: float = REVIEW_SECONDS,
        notices: Notices | None = None,
    ) -> None:
        """What comes in and is pended is decided `review_seconds` later, or when somebody says so;
        what was pended before waits for somebody. Whoever has subscribed is told."""
        self._store = store
        self._notices = notices
        self._base = base
        self._review_seconds = review_seconds
        self._pended: dict[str, tuple[Stored, list[Decision]]] = {}
        for response in list(store.all("ClaimResponse")):
            claim = self._claim_of(response)
            decisions = decide_items(claim) if claim and not is_cancel(claim) else []
            if claim and b'"A4"' in bytes(response.raw):
                wished = self._store.put(self._wishing(decode(bytes(response.raw))))
                self._pended[claim["id"]] = (wished, decisions)

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "Claim/$submit": Operation("c", self.submit),
            "Claim/$inquire": Operation("s", self.inquire),
        }

    def submit(self, body: bytes) -> Answer:
        claim, entries = self._read(body)
        coverage = self._own(claim["insurance"][0]["coverage"], "Coverage")
        patient = self._own(claim["patient"], "Patient")
        at = datetime.now(UTC)
        claim = {
            **claim,
            "patient": {"reference": patient.reference},
            "insurer": {"reference": self._own(claim["insurer"], "Organization").reference},
            "insurance": [
                {"sequence": 1, "focal": True, "coverage": {"reference": coverage.reference}}
            ],
            "provider": {"display": _name(entries.get(claim["provider"]["reference"], {}))},
        }
        if decode(bytes(coverage.raw))["status"] != "active":
            return self._answer(refuse(claim, _NOT_ELIGIBLE, at), patient)
        claim = self._related(claim)
        kept = self._store.put({**claim, "id": str(uuid.uuid4()), "meta": {}})
        kept_claim = decode(bytes(kept.raw))
        decisions = cancelled(claim) if is_cancel(claim) else decide_items(claim)
        content = answer(kept_claim, decisions, at)
        is_pended = any(decision.is_pended for decision in decisions)
        response = self._keep(self._wishing(content) if is_pended else content)
        if is_pended:
            self._pended[kept.id] = (response, decisions)
            loop = asyncio.get_running_loop()
            loop.call_later(self._review_seconds, self._decide, kept.id)
        for related in claim.get("related", ()):
            self._pended.pop(related["claim"]["reference"].partition("/")[2], None)
        return self._answer(decode(bytes(response.raw)), patient, kept_claim)

    def inquire(self, body: bytes) -> Answer:
        """Whatever there is of the patient: the example in the request names no more."""
        claim, _ = self._read(body)
        patient = self._own(claim["patient"], "Patient")
        found = [
            self._bundle(decode(bytes(stored.raw)), patient, self._claim_of(stored))
            for stored in self._store.referring("ClaimResponse", "patient", patient.reference)
        ]
        parameters = [{"name": "responseBundle", "resource": bundle} for bundle in found]
        content: dict[str, Any] = {"resourceType": "Parameters"}
        if parameters:
            content["parameter"] = parameters
        return Answer(200, msgspec.Raw(encode(content)))

    def pended(self) -> list[str]:
        """The requests that wait for a decision, by their ids."""
        return list(self._pended)

    def decide(self, id_: str, action: str) -> bool:
        """A reviewer's decision; False where nothing waits for one. Raises ValueError."""
        if action not in _ACTIONS:
            raise ValueError(f"a decision is one of {', '.join(_ACTIONS)}")
        if id_ not in self._pended:
            return False
        self._decide(id_, action)
        return True

    def _decide(self, id_: str, action: str | None = None) -> None:
        response, decisions = self._pended.pop(id_, (None, []))
        claim = self._store.get("Claim", id_)
        if response is None or claim is None:
            return  # it was decided meanwhile, or withdrawn
        decided = [each.after_review(action) if each.is_pended else each for each in decisions]
        content = answer(decode(bytes(claim.raw)), decided, datetime.now(UTC))
        kept = self._store.put({**content, "id": response.id, "meta": {}})
        if self._notices is not None:
            self._notices.tell(f"{self._base}/{kept.reference}")

    def _read(self, body: bytes) -> tuple[Resource, dict[str, Resource]]:
        bundle = read_resource("Bundle", body)
        entries = {e.get("fullUrl", ""): e.get("resource", {}) for e in bundle.get("entry", ())}
        first: Resource = next(iter(entries.values()), {})
        if (first.get("resourceType"), first.get("use")) != ("Claim", "preauthorization"):
            raise Refusal(400, "invalid", "the first entry is no Claim for a prior authorization")
        missing = [
            name
            for name in ("patient", "insurer", "provider")
            if first.get(name, {}).get("reference") not in entries
        ]
        if missing:
            raise Refusal(400, "required", f"no entry for {', '.join(missing)}")
        return first, entries

    def _own(self, reference: Resource, type_: str) -> Stored:
        """The payer's own record that a request means, by its address."""
        stored = self._store.find(reference.get("reference", "").removeprefix(f"{self._base}/"))
        if stored is None or stored.type != type_:
            raise Refusal(422, "not-found", f"there is no such {type_}")
        return stored

    def _related(self, claim: Resource) -> Resource:
        if "related" not in claim:
            return claim
        stored = self._own(claim["related"][0]["claim"], "Claim")
        related = [{**claim["related"][0], "claim": {"reference": stored.reference}}]
        return {**claim, "related": related}

    def _wishing(self, response: Resource) -> Resource:
        """With what the reviewer wants to see before it is decided."""
        kept = self._keep(wish(response, datetime.now(UTC)))
        return {**response, "communicationRequest": [{"reference": kept.reference}]}

    def _keep(self, content: Resource) -> Stored:
        return self._store.put({**content, "id": str(uuid.uuid4()), "meta": {}})

    def _claim_of(self, response: Stored) -> Resource | None:
        reference = decode(bytes(response.raw)).get("request", {}).get("reference", "")
        stored = self._store.find(reference)
        return decode(bytes(stored.raw)) if stored else None

    def _answer(self, response: Resource, patient: Stored, claim: Resource | None = None) -> Answer:
        return Answer(200, msgspec.Raw(encode(self._bundle(response, patient, claim))))

    def _bundle(self, response: Resource, patient: Stored, claim: Resource | None) -> Resource:
        response = {"id": str(uuid.uuid4()), **response}
        resources = [response, decode(bytes(patient.raw)), *([claim] if claim else ())]
        return {
            "resourceType": "Bundle",
            "identifier": {"system": "https://payer.example/answer", "value": response["id"]},
            "type": "collection",
            "timestamp": instant(datetime.now(UTC)),
            "entry": [
                {"fullUrl": f"{self._base}/{r['resourceType']}/{r['id']}", "resource": r}
                for r in resources
            ],
        }


def _name(organization: Resource) -> str:
    return str(organization.get("name", "A provider"))
