"""What went wrong with a part of an answer, and where.

A `Fault` says what, in words a client may read. A fetch knows *places*: objects it was to complete,
or fields that failed in it. Projection, which knows what the client asked for, turns them into
`ResponseError`s with the client's own paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from contract.errors import MEANINGS, Code
from gateway.errors import PublicText

ResponsePath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    code: Code
    message: PublicText
    subgraph: str | None = None
    """Whose fault it is; shown to developers only."""
    extensions: Mapping[str, Any] = field(default_factory=dict)
    """`source`, `state`, `retryable` and the like, all of them safe to show."""


@dataclass(frozen=True, slots=True)
class ResponseError:
    """One entry of the answer's `errors`, to be rendered by `gateway.errors.render_error`."""

    fault: Fault
    path: ResponsePath | None = None


@dataclass(frozen=True, slots=True)
class FetchError:
    """A fault of a fetch, and its places in the fetched data."""

    fault: Fault
    places: tuple[ResponsePath, ...]
    whole: bool
    """True: what the fetch was to bring for the objects at these places is missing. False: the
    subgraph named the very fields at these places."""


def fault_of(code: Code, subgraph: str | None = None, **extensions: Any) -> Fault:
    """A fault in the words of the code's own meaning."""
    return Fault(code, PublicText(MEANINGS[code].message), subgraph, extensions)
