"""What every mutation has in common: its key, and the ways in which it can come out.

A mutation answers with a union of what can come out: `Booked`, say, or one of the types here. What
its caller can expect to happen is data; errors remain for what nobody expects. `mutation` makes
data of what a resolver raises: an id that is unknown is `NotFound`, a value that does not fit
`InvalidInput`.

    Annotated[
        Booked | StateConflict | Denied | NotFound | InvalidInput | UpstreamRefused,
        strawberry.union("Payload"),
    ]
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from functools import wraps
from typing import Any, Final

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
    shareable=True,
    description="What the input names does not exist, or is not the caller's to see; nothing was "
    "changed.",
)
class NotFound:
    code: str = strawberry.field(description="`NOT_FOUND`.")
    message: str = strawberry.field(description="What is missing.")


@federation.type(shareable=True, description="The input is not one; nothing was changed.")
class InvalidInput:
    code: str = strawberry.field(description="`BAD_USER_INPUT`.")
    message: str = strawberry.field(description="What does not fit.")
    argument: str | None = strawberry.field(
        description="The field of the input that does not fit, where it is one."
    )


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


def mutation(**given: Any) -> Callable[[Callable[..., Awaitable[object]]], Any]:
    """A field that changes something; takes what `federation.field` takes."""

    def field(resolve: Callable[..., Awaitable[object]]) -> Any:
        @wraps(resolve)
        async def tell(*args: Any, **kwargs: Any) -> object:
            try:
                return await resolve(*args, **kwargs)
            except ClientError as error:
                refusal = _refusal(error)
                if refusal is None:
                    raise
                return refusal

        return federation.field(**given)(tell)

    return field


def _refusal(error: ClientError) -> Denied | NotFound | InvalidInput | None:
    """None for what is no fault of the caller's."""
    match error.code:
        case Code.NOT_FOUND:
            return NotFound(code=error.code.value, message=str(error))
        case Code.FORBIDDEN:
            return Denied(code=error.code.value, message=str(error))
        case Code.BAD_USER_INPUT:
            return _invalid(error)
        case _:
            return None


def _invalid(error: ClientError) -> InvalidInput:
    told = error.extensions
    message = "The input does not fit what its description says."
    if "maximum" in told:
        message = f"More than the input takes, or nothing: at most {told['maximum']}."
    elif "elements" in told:
        message = f"The record would not be one that its source takes: {told['elements']}."
    argument = told.get("argument")
    return InvalidInput(
        code=error.code.value,
        message=message,
        argument=argument if isinstance(argument, str) else None,
    )


def check_key(key: str) -> str:
    """The idempotency key, if it is one."""
    if not 0 < len(key) <= MAX_KEY:
        raise ClientError(Code.BAD_USER_INPUT, argument="idempotencyKey", maximum=MAX_KEY)
    return key
