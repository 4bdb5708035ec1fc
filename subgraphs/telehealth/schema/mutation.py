"""Entering a video visit and sending a message, as mutations."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import strawberry

from contract.errors import Code
from subgraphs.connectors.errors import Refused, Rejected
from subgraphs.runtime.mutations import (
    Denied,
    InvalidInput,
    NotFound,
    StateConflict,
    UpstreamRefused,
    mutation,
)
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for
from subgraphs.telehealth.correspondence import COMMUNICATION
from subgraphs.telehealth.joining import Entrance, NotInvitedError, ShutError, enter
from subgraphs.telehealth.loaders import APPOINTMENT, Telehealth, watch
from subgraphs.telehealth.schema.messages import (
    SendMessageInput,
    SendMessagePayload,
    send_message,
)

_SHUT: Final = {
    "TOO_EARLY": "The patient's door opens fifteen minutes before the visit begins.",
    "OVER": "The visit is over.",
    "NOT_HELD": "The visit does not take place.",
}


@strawberry.type(
    description="A way into a video visit, for whoever asked and a short time: an address to open, "
    "or a token for the app that shows the room."
)
class VirtualVisitDoor:
    url: str | None = strawberry.field(
        description="The address. A host's holds a secret: it is not to be kept or passed on."
    )
    token: str | None = strawberry.field(
        description="For vendors with an app of ours: a JWT that admits to this room alone."
    )
    room: str | None = strawberry.field(description="The room that the token admits to.")
    identity: str | None = strawberry.field(
        description="Who one is in the room: it says nothing of who that is outside."
    )
    expires_at: DateTime | None = strawberry.field(
        description="Until when one has to enter; null where the vendor sets no time."
    )
    as_host: bool = strawberry.field(description="Whether it is the clinician's.")

    @classmethod
    def of(cls, entrance: Entrance) -> VirtualVisitDoor:
        door = entrance.door
        return cls(
            url=door.url,
            token=door.token,
            room=door.room,
            identity=door.identity,
            expires_at=date_time(door.expires_at),
            as_host=entrance.as_host,
        )


JoinVirtualVisitPayload = Annotated[
    VirtualVisitDoor | StateConflict | Denied | NotFound | InvalidInput | UpstreamRefused,
    strawberry.union(
        name="JoinVirtualVisitPayload", description="How asking for a door can come out."
    ),
]
Payload: TypeAlias = VirtualVisitDoor | StateConflict | Denied | UpstreamRefused


@strawberry.input(description="A video visit to enter.")
class JoinVirtualVisitInput:
    visit: strawberry.ID = strawberry.field(description="A `VirtualVisit.id`.")


@strawberry.type(description="What changes something.")
class Mutation:
    @mutation(
        requires_scopes=scopes_for(APPOINTMENT),
        description="A door into a video visit: for the patient from fifteen minutes before it "
        "begins, as host for a clinician who takes part. Each time asked it is another one, so it "
        "needs no idempotency key. Conflicts: `TOO_EARLY`, `OVER`, `NOT_HELD`.",
    )
    async def join_virtual_visit(
        self,
        info: strawberry.Info,
        input: Annotated[  # noqa: A002 - its public name
            JoinVirtualVisitInput, strawberry.argument(description="Which one.")
        ],
    ) -> JoinVirtualVisitPayload | None:
        request: Request[Telehealth] = info.context
        try:
            return VirtualVisitDoor.of(await enter(request, input.visit))
        except NotInvitedError:
            return Denied(
                code=Code.FORBIDDEN.value, message="Only those who take part enter a visit."
            )
        except ShutError as shut:
            return StateConflict(code=shut.code, message=_SHUT[shut.code])
        except (Rejected, Refused) as refused:
            return UpstreamRefused.of(watch(request, input.visit).source, refused)

    @mutation(
        requires_scopes=[[f"{level}/{COMMUNICATION}.c"] for level in ("patient", "user")],
        description="Send a message: a patient to those who care for her, or one of them to her. "
        "Conflicts: `NO_MAILBOX`.",
    )
    async def send_message(
        self,
        info: strawberry.Info,
        input: Annotated[  # noqa: A002 - its public name
            SendMessageInput, strawberry.argument(description="What is to be said.")
        ],
    ) -> SendMessagePayload | None:
        return await send_message(info, input)
