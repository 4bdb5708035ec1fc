"""A subgraph's errors in words a client may read, at places of the fetched data.

What a subgraph says about itself stays inside: its message is shown only with a code that our own
subgraphs give, and of its extensions only what is listed here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from contract.errors import Code
from gateway.errors import PublicText
from gateway.execution.client import SubgraphError
from gateway.execution.entities import CollectedCall
from gateway.execution.faults import Fault, FetchError, ResponsePath, fault_of
from gateway.execution.walk import find_located
from gateway.planning.plan import FetchNode

MAX_ERRORS_PER_ANSWER: Final = 50
MAX_MESSAGE_LENGTH: Final = 300

# With these codes the message is one of our own, which quotes neither request nor answer.
SPOKEN_CODES: Final = frozenset(
    {
        Code.NOT_FOUND,
        Code.FORBIDDEN,
        Code.SCOPE_REQUIRED,
        Code.SOURCE_UNAVAILABLE,
        Code.SOURCE_TIMEOUT,
        Code.SOURCE_RATE_LIMITED,
        Code.SOURCE_REFUSED,
        Code.SOURCE_PROTOCOL_VIOLATION,
        Code.OUTCOME_UNKNOWN,
        Code.IN_PROGRESS,
    }
)
# Others' servers give this code too, and quote the value; the code's own meaning is told instead.
NAMED_CODES: Final = frozenset({Code.BAD_USER_INPUT})


def failed_fetch(
    node: FetchNode, calls: Sequence[CollectedCall], data: dict[str, Any], error: SubgraphError
) -> FetchError:
    fault = fault_of(error.code, node.subgraph, retryable=error.retryable)
    return FetchError(fault, _everywhere(node, calls, data), whole=True)


def wrong_shape(
    node: FetchNode, calls: Sequence[CollectedCall], data: dict[str, Any]
) -> FetchError:
    """The data is none, or not what these calls asked for."""
    fault = fault_of(Code.SUBGRAPH_INVALID_RESPONSE, node.subgraph)
    return FetchError(fault, _everywhere(node, calls, data), whole=True)


def no_entity(
    node: FetchNode, collected: CollectedCall, data: dict[str, Any], index: int
) -> FetchError:
    """What came for this representation is neither an object nor null."""
    fault = fault_of(Code.SUBGRAPH_INVALID_RESPONSE, node.subgraph)
    return FetchError(fault, collected.places(data, (index,)), whole=True)


def passed_on(
    calls: Sequence[CollectedCall], data: dict[str, Any], errors: Sequence[FetchError]
) -> list[FetchError]:
    """The earlier faults, as reasons for entities not asked for: those at or below an object that
    was skipped. An object that was skipped without any has a null for a key, which is no fault."""
    skipped = [place for collected in calls for place in collected.skipped_places(data)]
    found = []
    for error in errors if skipped else ():
        above = {place[:length] for place in error.places for length in range(len(place) + 1)}
        places = tuple(place for place in skipped if place in above)
        if places:
            found.append(FetchError(error.fault, places, whole=True))
    return found


def reported_errors(
    node: FetchNode, calls: Sequence[CollectedCall], data: dict[str, Any], errors: Any
) -> list[FetchError]:
    """The errors of an answer; each tells its place by its path, if it has one."""
    if not errors:
        return []
    if not isinstance(errors, list):
        return [wrong_shape(node, calls, data)]
    return [
        _reported_error(node, calls, data, error if isinstance(error, dict) else {})
        for error in errors[:MAX_ERRORS_PER_ANSWER]
    ]


def _reported_error(
    node: FetchNode, calls: Sequence[CollectedCall], data: dict[str, Any], error: dict[str, Any]
) -> FetchError:
    fault = _fault(node.subgraph, error)
    path = _read_path(node, error.get("path"))
    if not node.entities:
        places = _everywhere(node, calls, data)
        return FetchError(fault, tuple((*p, *path) for p in places), whole=not path)
    for collected in calls:
        match path:
            case (collected.call.response_key, int(index), *rest) if (
                0 <= index < len(collected.holders)
            ):
                places = collected.places(data, (index,))
                return FetchError(fault, tuple((*p, *rest) for p in places), whole=not rest)
            case (collected.call.response_key, *_):
                return FetchError(fault, collected.all_places(data), whole=True)
    return FetchError(fault, _everywhere(node, calls, data), whole=True)


def _fault(subgraph: str, error: dict[str, Any]) -> Fault:
    given = error.get("extensions")
    extensions = given if isinstance(given, dict) else {}
    code, message = extensions.get("code"), error.get("message")
    if isinstance(code, str) and code in SPOKEN_CODES and isinstance(message, str):
        text = PublicText(message[:MAX_MESSAGE_LENGTH])
        return Fault(Code(code), text, subgraph, _shown(extensions))
    if isinstance(code, str) and code in NAMED_CODES:
        return fault_of(Code(code), subgraph, **_shown(extensions))
    return fault_of(Code.SUBGRAPH_ERROR, subgraph)


def _shown(extensions: dict[str, Any]) -> dict[str, Any]:
    shown = {
        name: extensions[name]
        for name, fits in _SHOWN_EXTENSIONS.items()
        if fits(extensions.get(name))
    }
    sources = extensions.get("sources")
    if isinstance(sources, list):
        shown["sources"] = [
            {"source": each["source"], "state": each["state"]}
            for each in sources
            if isinstance(each, dict)
            and _is_name(each.get("source"))
            and _is_name(each.get("state"))
        ]
    return shown


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[\w.-]{1,64}", value, re.ASCII) is not None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


_SHOWN_EXTENSIONS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "source": _is_name,
    "state": _is_name,
    "argument": _is_name,
    "variable": _is_name,
    "retryable": lambda value: isinstance(value, bool),
    "retryAfter": _is_number,
    "maximum": _is_number,
}


def _read_path(node: FetchNode, path: Any) -> ResponsePath:
    if not isinstance(path, list):
        return ()
    names = {rename.alias: rename.name for rename in node.renames}
    steps = [names.get(step, step) if isinstance(step, str) else step for step in path]
    # A step of any other kind is nonsense, and so is what follows it.
    return tuple(steps) if all(type(step) in (str, int) for step in steps) else ()


def _everywhere(
    node: FetchNode, calls: Sequence[CollectedCall], data: dict[str, Any]
) -> tuple[ResponsePath, ...]:
    if not node.entities:
        return tuple(place for _, place in find_located(data, node.target))
    return tuple(place for collected in calls for place in collected.all_places(data))
