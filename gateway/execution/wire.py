"""JSON in and out without loss: a decimal keeps every digit it came with, an integer its size.

A number with a fraction or an exponent is read as `Decimal`, so that a lab result of 72.50 leaves
as 72.50, which binary floats and most JSON libraries would make 72.5.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from gateway.execution.client import SubgraphInvalidResponse


class SubgraphAnswer(msgspec.Struct, frozen=True):
    """A GraphQL response, with nothing said yet about what its parts hold; extensions are left.

    https://spec.graphql.org/October2021/#sec-Response-Format
    """

    data: Any = msgspec.UNSET
    errors: Any = None


_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)
_answer_decoder: Final = msgspec.json.Decoder(SubgraphAnswer, float_hook=Decimal)

encode = _encoder.encode
"""Any tree of JSON values, to bytes."""


def decode_answer(body: bytes) -> SubgraphAnswer:
    """Read an answer; what is none raises SubgraphInvalidResponse."""
    try:
        answer = _answer_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, InvalidOperation, RecursionError):
        # `from None`, for the decoder's message may quote what it read.
        raise SubgraphInvalidResponse("its answer is not a GraphQL response") from None
    if answer.data is msgspec.UNSET and not answer.errors:
        raise SubgraphInvalidResponse("its answer has neither data nor errors")
    return answer


def decode(text: bytes | str) -> Any:
    """Read any JSON as the gateway does; raises ValueError."""
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, InvalidOperation, RecursionError):
        raise ValueError("not JSON") from None
