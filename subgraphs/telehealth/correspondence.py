"""Messages between a patient and those who care for her, at the EHR that keeps them.

https://hl7.org/fhir/R4/communication.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from contract.errors import Code
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.creating import Creation, Wire, create_once, filled
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.facts import Fact, load_by_id, load_facts, merge
from subgraphs.runtime.fhir import tokens
from subgraphs.runtime.gathering import Gathered, Record
from subgraphs.runtime.idempotency import Asked
from subgraphs.runtime.kinds import Kind
from subgraphs.runtime.labelling import mentions_of, words
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import exact, rank
from subgraphs.telehealth.loaders import Telehealth
from subgraphs.telehealth.model import Communication

COMMUNICATION: Final = "Communication"
WRITERS: Final = ("clinician", "nurse", "pharmacist")
"""Who writes to patients."""
_WRITTEN: Final = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode",
            "code": "WRITTEN",
        }
    ]
}

MESSAGES: Final[Kind[Communication]] = Kind(
    type=COMMUNICATION,
    rank=lambda message: rank(message.sent or message.received),
    # Each EHR keeps its own correspondence.
    same=lambda _: None,
    tokens=lambda m: {
        "status": {m.status} if m.status else set(),
        "category": tokens(m.category),
    },
    retracted=lambda message: message.status == "entered-in-error",
    mentions=lambda m: mentions_of(*m.category, m.topic) | words(m.body),
)


class NotTheirsError(Exception):
    """The caller may not write to or for this patient."""


class UnreachableError(Exception):
    """No EHR that takes messages knows the patient."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be said."""

    body: str
    subject: str | None = None


async def load_messages(
    request: Request[Telehealth], patient: Compartment
) -> Gathered[Fact[Communication]]:
    ask = {name: each.messages for name, each in request.services.messages.items()}
    return await load_facts(request, MESSAGES, ask, patient)


def threads(facts: tuple[Fact[Communication], ...]) -> Mapping[str, str]:
    """The id of the message that began it, for each message; one that answers what cannot be seen
    begins its own."""
    by_record = {(r.source, r.resource.id): fact for fact in facts for r in fact.records}

    def root(fact: Fact[Communication]) -> str:
        seen = {fact.id}
        while (before := _answered(fact, by_record)) is not None and before.id not in seen:
            fact = before
            seen.add(fact.id)
        return fact.id

    return {fact.id: root(fact) for fact in facts}


@dataclass(frozen=True, slots=True)
class Thread:
    """Messages that answer each other, the latest first."""

    id: str
    """The id of the message that began it."""
    messages: tuple[Fact[Communication], ...]

    @property
    def latest(self) -> Fact[Communication]:
        return self.messages[0]

    @property
    def subject(self) -> str | None:
        """That of the first message that has one."""
        topics = (fact.resource.topic for fact in reversed(self.messages))
        return next((topic.text for topic in topics if topic and topic.text), None)


def by_thread(facts: tuple[Fact[Communication], ...]) -> tuple[Thread, ...]:
    begun = threads(facts)
    found: defaultdict[str, list[Fact[Communication]]] = defaultdict(list)
    for fact in sorted(facts, key=lambda fact: (fact.rank, fact.id), reverse=True):
        found[begun[fact.id]].append(fact)
    return tuple(Thread(id_, tuple(messages)) for id_, messages in found.items())


async def send(
    request: Request[Telehealth], asked: Asked, patient: str, letter: Letter, answers: str | None
) -> Fact[Communication] | None:
    """The message as it is kept; None for who may write and not read.

    Raises `NotTheirsError`, `UnreachableError` and `RefusedError`.
    """
    ref = request.subgraph.ids.open("identity", "Patient", patient)
    compartment = (await request.compartments([ref]))[0] if ref else None
    if compartment is None:
        raise ClientError(Code.NOT_FOUND)
    _permit(request, compartment)
    before = await _before(request, compartment, answers) if answers else None
    source, known_as = _addressed(request, compartment, before)
    message = _message(request, (source, known_as), letter, before, compartment)
    server = request.services.letters[source]
    assert request.services.writes is not None, "there is a store where there are letters"
    kept = await create_once(request.services.writes, asked, Creation(source, server, message))
    request.forget()
    return _fact(request, source, known_as, kept, compartment)


def _permit(request: Request[Telehealth], compartment: Compartment) -> None:
    access = request.access
    is_staff = any(access.has_role(role) for role in WRITERS)
    if not access.may_write(COMMUNICATION, "c", compartment) or not (
        is_staff or access.is_herself(compartment)
    ):
        access.refuse(COMMUNICATION, "role", compartment)
        raise NotTheirsError


async def _before(
    request: Request[Telehealth], compartment: Compartment, sealed: str
) -> Fact[Communication]:
    """The message that is answered, as far as the caller may see it."""
    (found,) = await load_by_id(
        request, MESSAGES, [sealed], lambda patient: load_messages(request, patient)
    )
    if isinstance(found, Exception):
        raise found
    if found.patient != compartment.patient:
        raise ClientError(Code.NOT_FOUND)
    return found


def _addressed(
    request: Request[Telehealth], compartment: Compartment, before: Fact[Communication] | None
) -> tuple[str, str]:
    """The EHR that is to keep it, and the patient's id there: where the one that is answered is,
    or where the writer is at home, or the first."""
    taking = [link for link in compartment.links if link.source in request.services.letters]
    if before is not None:
        taking = [link for link in taking if link.source == before.records[0].source]
    home = (request.access.caller.fhir_user or "").partition("/")[0]
    preferred = [link for link in taking if link.source == home]
    chosen = next(iter(preferred or taking), None)
    if chosen is None:
        raise UnreachableError
    return chosen


def _message(
    request: Request[Telehealth],
    at: tuple[str, str],
    letter: Letter,
    before: Fact[Communication] | None,
    compartment: Compartment,
) -> Wire:
    source, known_as = at
    patient = {"reference": f"Patient/{known_as}"}
    herself = request.access.is_herself(compartment)
    answered = before.records[0].resource if before else None
    to = _others(answered, known_as) if herself else [patient]
    subject = letter.subject or (answered.topic.text if answered and answered.topic else None)
    return filled(
        resourceType=COMMUNICATION,
        status="completed",
        medium=[_WRITTEN],
        subject=patient,
        topic={"text": subject} if subject else None,
        sender=patient if herself else _sender(request, source),
        recipient=to,
        sent=exact(request.subgraph.now()),
        inResponseTo=[{"reference": f"{COMMUNICATION}/{answered.id}"}] if answered else None,
        payload=[{"contentString": letter.body}],
    )


def _others(answered: Communication | None, patient: str) -> list[Wire]:
    """Whom a patient answers: who wrote, or to whom she wrote before."""
    if answered is None:
        return []
    parties = (answered.sender, *answered.recipient)
    named = (party.reference for party in parties if party and party.id_of("Patient") != patient)
    return [{"reference": reference} for reference in dict.fromkeys(named) if reference]


def _sender(request: Request[Telehealth], source: str) -> Wire:
    """The writer's own record at this EHR, or else who they are to their issuer."""
    caller = request.access.caller
    at, _, own = (caller.fhir_user or "").partition("/")
    if at == source and own.startswith("Practitioner/"):
        return {"reference": own}
    system = {"system": caller.issuer} if caller.issuer else {}
    return {"type": "Practitioner", "identifier": {**system, "value": caller.subject}}


def _answered(
    fact: Fact[Communication], known: Mapping[tuple[str, str], Fact[Communication]]
) -> Fact[Communication] | None:
    record = fact.records[0]
    ids = (each.id_of(COMMUNICATION) or "" for each in record.resource.in_response_to)
    found = (known.get((record.source, id_)) for id_ in ids)
    return next((each for each in found if each is not None), None)


def _fact(
    request: Request[Telehealth], source: str, known_as: str, kept: Wire, compartment: Compartment
) -> Fact[Communication] | None:
    if not request.access.may_read(COMMUNICATION, compartment):
        return None
    message = msgspec.convert(kept, Communication)
    record = Record(source, known_as, message, request.subgraph.now())
    facts = merge(request, MESSAGES, [record], compartment)
    return next((fact for fact in facts if request.access.permits(fact, compartment)), None)
