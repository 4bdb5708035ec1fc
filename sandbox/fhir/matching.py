"""Find what a search matches, and what it wants brought along."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from sandbox.fhir.dates import Span, compare
from sandbox.fhir.reading import Kind, SearchParameter, Token
from sandbox.fhir.search import Filter, Inclusion, Search, read_date
from sandbox.fhir.store import Store, Stored

Test = Callable[[Stored], bool]


def find_matches(store: Store, search: Search) -> list[Stored]:
    matches = list(_candidates(store, search))
    for filter_ in search.filters:
        holds = _TESTS[filter_.parameter.kind](filter_)
        matches = [stored for stored in matches if holds(stored)]
    for parameter, descending in reversed(search.sort):
        matches = _sorted(matches, parameter, descending=descending)
    return matches


def find_included(store: Store, search: Search, matches: Sequence[Stored]) -> list[Stored]:
    """What the inclusions bring along with a page of matches, each once."""
    included: dict[str, Stored] = {}
    for inclusion in search.inclusions:
        for stored in matches:
            for other in _related(store, inclusion, stored):
                if not inclusion.target_type or other.type == inclusion.target_type:
                    included[other.reference] = other
    for stored in matches:
        included.pop(stored.reference, None)
    return list(included.values())


def _candidates(store: Store, search: Search) -> Iterable[Stored]:
    """The narrowest start the indexes offer: by id, or by a reference."""
    for filter_ in search.filters:
        if filter_.modifier == "missing":
            continue
        if filter_.parameter.code == "_id" and not filter_.modifier:
            found = (store.get(search.type, id_) for id_ in dict.fromkeys(filter_.alternatives))
            return [stored for stored in found if stored is not None]
        if filter_.parameter.kind is Kind.REFERENCE:
            unique = {
                stored.id: stored
                for reference in filter_.alternatives
                for stored in store.referring(search.type, filter_.parameter.code, reference)
            }
            return unique.values()
    return store.all(search.type)


def _related(store: Store, inclusion: Inclusion, stored: Stored) -> Iterable[Stored]:
    if inclusion.reverse:
        return store.referring(inclusion.source_type, inclusion.parameter, stored.reference)
    references = cast("tuple[str, ...]", stored.values[inclusion.parameter])
    found = (store.find(reference) for reference in references)
    return [other for other in found if other is not None]


def _sorted(
    matches: Sequence[Stored], parameter: SearchParameter, *, descending: bool
) -> list[Stored]:
    """Stable, and without a value last, whichever the direction."""
    with_value = [stored for stored in matches if stored.values[parameter.code]]
    without = [stored for stored in matches if not stored.values[parameter.code]]
    best: Callable[..., Any] = max if descending else min
    with_value.sort(
        key=lambda stored: best(_sort_key(value) for value in stored.values[parameter.code]),
        reverse=descending,
    )
    return with_value + without


def _sort_key(value: Token | str | Span) -> Any:
    if isinstance(value, str):
        return _fold(value)
    first, second = value
    return (second, first or "") if isinstance(second, str) else value


def _missing(filter_: Filter) -> Test:
    code, wanted = filter_.parameter.code, filter_.alternatives[0] == "true"
    return lambda stored: (not stored.values[code]) is wanted


def _token_test(filter_: Filter) -> Test:
    if filter_.modifier == "missing":
        return _missing(filter_)
    code, negated = filter_.parameter.code, filter_.modifier == "not"
    wanted = [_read_token(text) for text in filter_.alternatives]

    def holds(stored: Stored) -> bool:
        tokens = cast("tuple[Token, ...]", stored.values[code])
        found = any(
            value in ("", has_value) and (system is None or system == (has_system or ""))
            for has_system, has_value in tokens
            for system, value in wanted
        )
        return found is not negated

    return holds


def _read_token(text: str) -> Token:
    """`system|code`, `|code` (of no system), `system|`, or `code` of any system."""
    system, bar, code = text.rpartition("|")
    return (system if bar else None), code


def _reference_test(filter_: Filter) -> Test:
    if filter_.modifier == "missing":
        return _missing(filter_)
    code, wanted = filter_.parameter.code, set(filter_.alternatives)

    def holds(stored: Stored) -> bool:
        references = cast("tuple[str, ...]", stored.values[code])
        return any(r in wanted or r.rpartition("/")[2] in wanted for r in references)

    return holds


def _date_test(filter_: Filter) -> Test:
    if filter_.modifier == "missing":
        return _missing(filter_)
    code = filter_.parameter.code
    wanted = [read_date(filter_.parameter, text) for text in filter_.alternatives]

    def holds(stored: Stored) -> bool:
        spans = cast("tuple[Span, ...]", stored.values[code])
        return any(compare(prefix, value, date) for value in spans for prefix, date in wanted)

    return holds


def _string_test(filter_: Filter) -> Test:
    if filter_.modifier == "missing":
        return _missing(filter_)
    code = filter_.parameter.code

    def holds(stored: Stored) -> bool:
        texts = cast("tuple[str, ...]", stored.values[code])
        match filter_.modifier:
            case "exact":
                return any(text in filter_.alternatives for text in texts)
            case "contains":
                return any(_fold(part) in _fold(t) for t in texts for part in filter_.alternatives)
        return any(_fold(t).startswith(_fold(part)) for t in texts for part in filter_.alternatives)

    return holds


def _fold(text: str) -> str:
    """Without case and accents. https://hl7.org/fhir/R4/search.html#string"""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


_TESTS: dict[Kind, Callable[[Filter], Test]] = {
    Kind.TOKEN: _token_test,
    Kind.REFERENCE: _reference_test,
    Kind.DATE: _date_test,
    Kind.STRING: _string_test,
}
