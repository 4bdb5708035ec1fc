"""Headers of the subgraphs' answers for the client: those on a list, merged by a rule for each.

Of a name with several values, in the order in which the subgraphs were asked, the client gets the
`first`, the `last`, or all different ones in one line (`append`). Two names have rules of their
own: cookies are repeated, for they cannot share a line
(https://www.rfc-editor.org/rfc/rfc6265#section-3), and an answer may be cached only as far as every
part of it may (https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

from gateway.execution.client import HeaderSink

COOKIE: Final = b"set-cookie"
CACHING: Final = b"cache-control"
NO_STORE: Final = b"no-store"

Pairs: TypeAlias = tuple[tuple[bytes, bytes], ...]

# https://www.rfc-editor.org/rfc/rfc9110#section-5.5: a line break would begin another header.
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]+")
_SECONDS = re.compile(rb"[0-9]{1,9}")
_KEPT = (b"no-cache", b"must-revalidate", b"proxy-revalidate", b"no-transform")


class Rule(StrEnum):
    FIRST = "first"
    LAST = "last"
    APPEND = "append"


def read_rules(names: Iterable[str]) -> Mapping[bytes, Rule]:
    """From `name` and `name=rule`, as `Settings.response_headers` has checked them."""
    parts = (each.partition("=") for each in names)
    return {name.encode(): Rule(rule or Rule.APPEND) for name, _, rule in parts}


class ResponseHeaders:
    """Of all answers to one operation."""

    def __init__(self, rules: Mapping[bytes, Rule]) -> None:
        self.incomplete = False
        """Something is missing from the operation's answer: it must not be kept."""
        self._rules = rules
        self._sinks: list[HeaderSink] = []

    def sink(self) -> HeaderSink:
        """For the answer to a request that is about to be sent."""
        sink = HeaderSink(self._rules.keys())
        self._sinks.append(sink)
        return sink

    def merged(self) -> Pairs:
        used = [sink for sink in self._sinks if sink.used]
        merged: list[tuple[bytes, bytes]] = []
        for name, rule in self._rules.items():
            per_answer = [_values(sink, name) for sink in used]
            values = list(dict.fromkeys(value for values in per_answer for value in values))
            if name == CACHING:
                whole = not self.incomplete and len(used) == len(self._sinks)
                merged.append((name, _strictest(per_answer) if whole else NO_STORE))
            elif name == COOKIE:
                merged.extend((name, value) for value in values)
            elif values:
                merged.append((name, _merge(rule, values, per_answer)))
        return tuple(merged)


def _values(sink: HeaderSink, name: bytes) -> Sequence[bytes]:
    stripped = (value.strip(b" \t") for each, value in sink.headers if each == name)
    return [value for value in stripped if _VALUE.fullmatch(value)]


def _merge(rule: Rule, values: Sequence[bytes], per_answer: Sequence[Sequence[bytes]]) -> bytes:
    match rule:
        case Rule.FIRST:
            return values[0]
        case Rule.LAST:
            # Not of the different ones: the last may be one that came before.
            return [value for each in per_answer for value in each][-1]
        case Rule.APPEND:
            return b", ".join(values)


def _strictest(answers: Sequence[Sequence[bytes]]) -> bytes:
    """What all allow; `no-store` where one does not say what it allows."""
    read = [_directives(values) for values in answers]
    if not read or any(not each or NO_STORE in each for each in read):
        return NO_STORE
    # Only `public` opens an answer to who is signed in to caches that others share.
    directives = [b"public" if all(b"public" in each for each in read) else b"private"]
    directives.extend(name for name in _KEPT if any(name in each for each in read))
    directives.append(b"max-age=%d" % min(map(_age, read)))
    return b", ".join(directives)


def _directives(values: Sequence[bytes]) -> dict[bytes, bytes]:
    """By name; what is told twice counts as not understood."""
    found: dict[bytes, bytes] = {}
    for part in b",".join(values).split(b","):
        name, _, value = part.strip(b" \t").partition(b"=")
        name = name.lower()
        if name:
            found[name] = b"" if name in found else value.strip(b'"')
    if b"private" in found:
        found.pop(b"public", None)
    return found


def _age(directives: Mapping[bytes, bytes]) -> int:
    """Seconds; none where it says none, or not in digits."""
    told = [directives[name] for name in (b"max-age", b"s-maxage") if name in directives]
    return min((int(each) if _SECONDS.fullmatch(each) else 0 for each in told), default=0)
