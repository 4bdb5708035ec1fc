"""Messages, read by thread and sent."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final, TypeAlias

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.runtime.connection import PAGE, After, Connection, First, Listing, connect
from subgraphs.runtime.creating import RefusedError
from subgraphs.runtime.datatypes import FEW, CodeableConcept
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fact_fields import facts_by_id, page_facts
from subgraphs.runtime.fact_nodes import (
    PATIENT,
    FactNode,
    PatientNode,
    common,
)
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.idempotency import Asked, KeyReusedError
from subgraphs.runtime.mutations import (
    Because,
    Denied,
    InvalidInput,
    NotFound,
    StateConflict,
    UpstreamRefused,
    check_key,
)
from subgraphs.runtime.naming import Party, parties_of, party_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for
from subgraphs.telehealth.correspondence import (
    COMMUNICATION,
    MESSAGES,
    Letter,
    NotTheirsError,
    Thread,
    UnreachableError,
    by_thread,
    load_messages,
    send,
    threads,
)
from subgraphs.telehealth.loaders import Telehealth
from subgraphs.telehealth.model import Communication

MAX_SUBJECT: Final = 200
MAX_BODY: Final = 4000


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for(COMMUNICATION),
    description="A message between a patient and those who care for her. "
    "https://hl7.org/fhir/R4/communication.html",
)
class Message(FactNode):
    patient: Patient = strawberry.field(description="Whom it is about.")
    status: str | None = strawberry.field(
        description="`completed` once sent, `in-progress`, `not-done`, …; "
        "http://hl7.org/fhir/event-status"
    )
    category: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="What kind of message it is."
    )
    subject: str | None = strawberry.field(description="What it is about, in words.")
    body: str | None = strawberry.field(description="What it says.")
    sent_at: DateTime | None = strawberry.field(description="When it was sent.")
    received_at: DateTime | None = strawberry.field(description="When it was received.")
    sender: Party | None = strawberry.field(description="Who wrote it.")
    recipients: list[Party] = strawberry.field(directives=[FEW], description="To whom.")

    @strawberry.field(description="The `id` of the message that began the thread: perhaps its own.")
    async def thread(self, info: strawberry.Info) -> strawberry.ID:
        found = await load_messages(info.context, self.fact.compartment)
        return strawberry.ID(threads(found.rows).get(self.id, self.id))

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[Communication]) -> Message:
        record = fact.resource
        return cls(
            **common(fact),
            patient=Patient(id=strawberry.ID(fact.patient)),
            status=record.status,
            category=CodeableConcept.all_of(record.category),
            subject=record.topic.text if record.topic else None,
            body=record.body,
            sent_at=date_time(record.sent),
            received_at=date_time(record.received),
            sender=party_of(fact, lambda message: message.sender),
            recipients=parties_of(fact, lambda message: message.recipient),
        )

    resolve_references = facts_by_id(MESSAGES, load_messages)


@federation.type(
    requires_scopes=scopes_for(COMMUNICATION),
    description="Messages that answer each other, as far as the caller may see them.",
)
class MessageThread:
    id: strawberry.ID = strawberry.field(
        description="The `id` of the message that began it: for `Patient.messages(thread:)`."
    )
    subject: str | None = strawberry.field(description="What it is about, in words.")
    message_count: int = strawberry.field(description="How many messages it has.")
    latest: Message = strawberry.field(description="The message that was sent last.")

    @classmethod
    def of(cls, request: Request[Any], thread: Thread) -> MessageThread:
        return cls(
            id=strawberry.ID(thread.id),
            subject=thread.subject,
            message_count=len(thread.messages),
            latest=Message.of(request, thread.latest),
        )


_THREADS: Final[Listing[Thread]] = Listing(
    id=lambda thread: thread.id, rank=lambda thread: thread.latest.rank
)


@federation.type(keys=["id"], description=PATIENT)
class Patient(PatientNode):
    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for(COMMUNICATION),
        description="Messages to, from and about her, the latest first.",
    )
    async def messages(
        self,
        info: strawberry.Info,
        thread: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only those of the thread that this one began."),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Message] | None:
        request: Request[Telehealth] = info.context
        found = await load_messages(request, await request.compartment(self.id, self.links))
        if thread is not None:
            begun = threads(found.rows)
            found = Gathered(
                tuple(fact for fact in found.rows if begun[fact.id] == thread), found.sources
            )
        return page_facts(
            request,
            found,
            Message,
            scope=f"messages:{self.id}:{thread or ''}",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for(COMMUNICATION),
        description="The same by thread: the one with the latest message first.",
    )
    async def message_threads(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[MessageThread] | None:
        request: Request[Telehealth] = info.context
        found = await load_messages(request, await request.compartment(self.id, self.links))
        return connect(
            request,
            _THREADS,
            partial(MessageThread.of, request),
            Gathered(by_thread(found.rows), found.sources),
            scope=f"threads:{self.id}",
            first=first,
            after=after,
        )


@strawberry.type(description="The message was sent.")
class MessageSent:
    sent: Message | None = strawberry.field(
        description="As it is kept; null for who may write and not read."
    )


SendMessagePayload = Annotated[
    MessageSent | StateConflict | Denied | NotFound | InvalidInput | UpstreamRefused,
    strawberry.union(
        name="SendMessagePayload", description="How the sending of a message can come out."
    ),
]
Payload: TypeAlias = MessageSent | StateConflict | Denied | UpstreamRefused


@strawberry.input(description="A message to be sent.")
class SendMessageInput:
    idempotency_key: str = strawberry.field(
        description="Of the caller's making, another for each message: sent again, it is one."
    )
    patient: strawberry.ID = strawberry.field(
        description="The `Patient.id` of whom it is about: who writes, or to whom is written."
    )
    body: str = strawberry.field(description="What it says: at most 4,000 characters.")
    subject: str | None = strawberry.field(
        default=None,
        description="What it is about: at most 200 characters; of an answer, that of the thread.",
    )
    answers: strawberry.ID | None = strawberry.field(
        default=None, description="The `Message.id` of what it answers."
    )


async def send_message(info: strawberry.Info, given: SendMessageInput) -> Payload:
    request: Request[Telehealth] = info.context
    letter = Letter(
        bounded("body", given.body, MAX_BODY, required=True) or "",
        bounded("subject", given.subject, MAX_SUBJECT),
    )
    asked = Asked(
        request.access.caller,
        info.field_name,
        check_key(given.idempotency_key),
        strawberry.asdict(given),
    )
    try:
        fact = await send(request, asked, given.patient, letter, given.answers)
    except NotTheirsError:
        return Denied(
            code=Code.FORBIDDEN.value,
            message="Patients write for themselves, and who treats them to them.",
        )
    except UnreachableError:
        return StateConflict(
            code="NO_MAILBOX", message="No source that takes messages has a record of the patient."
        )
    except KeyReusedError:
        return StateConflict.because(Because.KEY_REUSED)
    except RefusedError as refused:
        return UpstreamRefused.of(refused.source, refused.refusal)
    return MessageSent(sent=Message.of(request, fact) if fact else None)


def bounded(argument: str, given: str | None, most: int, *, required: bool = False) -> str | None:
    text = (given or "").strip()
    if len(text) > most or (required and not text):
        raise ClientError(Code.BAD_USER_INPUT, argument=argument, maximum=most)
    return text or None
