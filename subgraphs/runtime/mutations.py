"""What every mutation has in common: its key, and the ways in which it can come out.

A mutation answers with a union of what can come out: `Booked`, say, or one of the three types here.
What its caller can expect to happen is data; errors remain for what nobody expects.

    Annotated[Booked | StateConflict | Denied | UpstreamRefused, strawberry.union("Payload")]
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.connectors.errors import Refused, Rejected
from subgraphs.runtime.errors import ClientError

MAX_KEY: Final = 255


class Because(StrEnum):
    """Why a mutation conflicts, whatever its domain; a domain adds codes of its own."""

    STALE = "STALE"
    KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"


_SAID: Final = {
    Because.STALE: "It has changed since it was read.",
    Because.KEY_REUSED: "The idempotency key was used for something else.",
}


@federation.type(
    shareable=True, description="It cannot be done as things stand; nothing was changed."
)
class StateConflict:
    code: str = strawberry.field(
        description="`STALE` where `ifMatch` names an older version, `IDEMPOTENCY_KEY_REUSED`, or "
        "one of the mutation's own."
    )
    message: str = strawberry.field(description="What stands in the way.")

    @classmethod
    def because(cls, because: Because) -> StateConflict:
        return cls(code=because.value, message=_SAID[because])


@federation.type(shareable=True, description="The caller may not do this; nothing was changed.")
class Denied:
    code: str = strawberry.field(description="Why: `FORBIDDEN` where a role is missing.")
    message: str = strawberry.field(description="What is missing.")


@federation.type(
    shareable=True, description="The system behind refused; as far as it says, nothing was changed."
)
class UpstreamRefused:
    source: str = strawberry.field(description="The id of the source, for example `ehr-a`.")
    code: str = strawberry.field(description="The source's own code, where it gives one.")
    message: str = strawberry.field(description="What its refusal means.")

    @classmethod
    def of(cls, source: str, error: Rejected | Refused) -> UpstreamRefused:
        code = error.codes[0] if isinstance(error, Rejected) and error.codes else error.state.value
        return cls(source=source, code=code, message=str(error))


def check_key(key: str) -> str:
    """The idempotency key, if it is one."""
    if not 0 < len(key) <= MAX_KEY:
        raise ClientError(Code.BAD_USER_INPUT, argument="idempotencyKey", maximum=MAX_KEY)
    return key
