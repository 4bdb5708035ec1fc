"""What can end a request whole, sorted by what the caller can do about it.

    GatewayError
    ├── RequestError    change the request
    ├── IdentityError   sign in, or obtain another token (401)
    ├── AccessError     ask for more access (403)
    ├── BusyError       send it again later (429, 503)
    └── FaultError      report it; only we can mend it

An error is made of a code of `contract.errors`, whose message every client may see. Anything more
that a client may see has to be a `PublicText`, which is written by us and quotes neither a request
nor an answer; `note` is for the log alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NewType, TypeAlias

from contract.errors import MEANINGS, Code

PublicText = NewType("PublicText", str)
"""A message a client may see: our own words, and names that the schema publishes."""

Path: TypeAlias = Sequence[str | int]
GraphQLErrorBody: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Complaint:
    """One entry of a refused request's `errors`."""

    message: PublicText
    locations: tuple[tuple[int, int], ...] = ()
    """Line and column, counted from 1."""


class GatewayError(Exception):
    """Ends the request; `str(error)` is its code and note, for the log."""

    def __init__(
        self,
        code: Code,
        *complaints: Complaint,
        note: str = "",
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {note}" if note else code)
        self.code = code
        self.complaints = complaints
        self.extensions = extensions or {}

    @property
    def status(self) -> int:
        return MEANINGS[self.code].status

    def render(self, request_id: str) -> list[GraphQLErrorBody]:
        complaints = self.complaints or (Complaint(PublicText(MEANINGS[self.code].message)),)
        return [
            render_error(
                self.code,
                request_id,
                message=complaint.message,
                locations=complaint.locations,
                extensions=self.extensions,
            )
            for complaint in complaints
        ]


class RequestError(GatewayError):
    """The request has to change before it is sent again."""


def bad_request(text: str) -> RequestError:
    """`text` is our own, and quotes nothing."""
    return RequestError(Code.BAD_REQUEST, Complaint(PublicText(text)))


class IdentityError(GatewayError):
    """Nobody is signed in, or not with a token we take."""


class AccessError(GatewayError):
    """We know who asks, and it is not permitted."""


class BusyError(GatewayError):
    """The same request may succeed later; `retry_after` says when, in whole seconds."""

    retry_after = 1


class FaultError(GatewayError):
    """Ours to mend."""


def render_error(
    code: Code,
    request_id: str,
    *,
    message: PublicText | None = None,
    path: Path | None = None,
    locations: Sequence[tuple[int, int]] = (),
    extensions: Mapping[str, Any] | None = None,
) -> GraphQLErrorBody:
    """One entry of `errors`. https://spec.graphql.org/October2021/#sec-Errors.Error-result-format"""
    meaning = MEANINGS[code]
    body: GraphQLErrorBody = {"message": message or meaning.message}
    if locations:
        body["locations"] = [{"line": line, "column": column} for line, column in locations]
    if path is not None:
        body["path"] = list(path)
    body["extensions"] = {
        "code": code,
        "mend": meaning.mend,
        **(extensions or {}),
        "requestId": request_id,
    }
    return body
