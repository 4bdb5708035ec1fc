"""Reading an answer in JSON, of whichever shape."""

from __future__ import annotations

from typing import TypeVar

import httpx2
import msgspec

from subgraphs.connectors.errors import ProtocolViolation

AnswerT = TypeVar("AnswerT")


def read_answer(answer: httpx2.Response, type_: type[AnswerT]) -> AnswerT:
    """What it says, or `ProtocolViolation`."""
    try:
        return msgspec.json.decode(answer.content, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # `from None`, because the decoder's message may quote what it read: PHI.
        raise ProtocolViolation("the source's answer cannot be read") from None
