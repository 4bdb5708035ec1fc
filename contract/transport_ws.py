"""The messages of graphql-transport-ws and the codes a socket is closed with; pure.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any, TypeAlias

import msgspec

PROTOCOL = "graphql-transport-ws"
MAX_ID_LENGTH = 256
MAX_REASON_BYTES = 123
"""https://www.rfc-editor.org/rfc/rfc6455#section-5.5"""

Id: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_LENGTH)]
Payload: TypeAlias = dict[str, Any] | None


class Close(IntEnum):
    NORMAL = 1000
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    CONNECTION_INIT_TIMEOUT = 4408
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY_INIT_REQUESTS = 4429
    INTERNAL_ERROR = 4500


class _Message(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True):
    pass


class ConnectionInit(_Message, tag="connection_init", frozen=True):
    payload: Payload = None


class ConnectionAck(_Message, tag="connection_ack", frozen=True):
    payload: Payload = None


class Ping(_Message, tag="ping", frozen=True):
    payload: Payload = None


class Pong(_Message, tag="pong", frozen=True):
    payload: Payload = None


class Subscribe(_Message, tag="subscribe", frozen=True):
    id: Id
    payload: msgspec.Raw
    """A request as GraphQL over HTTP has it."""


class Next(_Message, tag="next", frozen=True):
    id: Id
    payload: msgspec.Raw


class Error(_Message, tag="error", frozen=True):
    id: Id
    payload: list[dict[str, Any]]


class Complete(_Message, tag="complete", frozen=True):
    id: Id


ClientMessage: TypeAlias = ConnectionInit | Ping | Pong | Subscribe | Complete
ServerMessage: TypeAlias = ConnectionAck | Ping | Pong | Next | Error | Complete

_client_messages: Any = msgspec.json.Decoder(ClientMessage)
_server_messages: Any = msgspec.json.Decoder(ServerMessage)
_encoder = msgspec.json.Encoder()


class NoMessageError(Exception):
    """What came is no message of the protocol; nothing of it is quoted."""


def read_client_message(text: str | bytes) -> ClientMessage:
    """Raises `NoMessageError`."""
    try:
        message: ClientMessage = _client_messages.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NoMessageError from None
    return message


def read_server_message(text: str | bytes) -> ServerMessage:
    """Raises `NoMessageError`."""
    try:
        message: ServerMessage = _server_messages.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NoMessageError from None
    return message


def write_message(message: ClientMessage | ServerMessage) -> str:
    return _encoder.encode(message).decode()
