"""What patients have directed, as every subgraph learns it from governance and remembers it.

What is remembered is good for as long as nothing changes: each change has a version, governance is
asked for it again after `BOUND` seconds, and its news of a change (`TOPIC`) ends it at once. So a
consent that was revoked is followed at once where the news arrives, and after that bound where it
is lost. What the sources hold has no version and no news: it is asked for anew after `FRESH`
seconds, and after the bound where a source could not be asked.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from subgraphs.runtime.access_facts import LinkSet, SignedCalls
from subgraphs.runtime.consent import NO_DIRECTIVES, Directives
from subgraphs.runtime.events import Events, EventsLostError

TOPIC: Final = "directives"
PATH: Final = "/directives"
URL: Final = "http://127.0.0.1:4109"
"""Where governance is, unless it is said."""
BOUND: Final = 1.0
FRESH: Final = 30.0
CAPACITY: Final = 50_000
"""People of whom it is remembered; most have directed nothing."""


class Standing(msgspec.Struct, frozen=True):
    """What stands under a version."""

    version: int
    directives: tuple[Directives, ...]


class Question(msgspec.Struct, frozen=True):
    link_sets: tuple[LinkSet, ...]


class DirectiveSource(Protocol):
    async def look_up(self, link_sets: Sequence[LinkSet]) -> Standing:
        """What each of these people has directed; with none, the version alone."""
        ...


class HttpDirectives:
    """Governance over HTTP."""

    def __init__(self, calls: SignedCalls) -> None:
        self._calls = calls

    async def look_up(self, link_sets: Sequence[LinkSet]) -> Standing:
        return await self._calls.ask(PATH, Question(tuple(link_sets)), Standing)


class NothingDirected:
    """For a developer's subgraph that runs alone."""

    async def look_up(self, link_sets: Sequence[LinkSet]) -> Standing:
        return Standing(0, (NO_DIRECTIVES,) * len(link_sets))


class RememberedDirectives:
    """`subgraphs.runtime.access_facts.Directed`"""

    def __init__(
        self, source: DirectiveSource, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._clock = clock
        self._known: OrderedDict[LinkSet, tuple[Directives, float]] = OrderedDict()
        self._version: int | None = None
        self._asked_at = float("-inf")
        self._changes = 0

    async def directives(self, link_sets: list[LinkSet]) -> list[Directives]:
        known = self._remembered(link_sets)
        return known if known is not None else await self._learn(link_sets)

    def forget(self) -> None:
        """Something has changed."""
        self._changes += 1
        self._known.clear()
        self._asked_at = float("-inf")

    async def keep_listening(self, events: Events) -> None:
        """Never ends."""
        while True:
            try:
                with events.listen(TOPIC) as changes:
                    # Nobody knows what was said before we listened.
                    self.forget()
                    async for _ in changes:
                        self.forget()
            except EventsLostError:
                continue

    def _remembered(self, link_sets: Sequence[LinkSet]) -> list[Directives] | None:
        """None unless it is known of all of them, and was asked about lately."""
        now = self._clock()
        if now - self._asked_at >= BOUND:
            return None
        known = [self._current(links, now) for links in link_sets]
        return None if None in known else [each for each in known if each is not None]

    def _current(self, links: LinkSet, now: float) -> Directives | None:
        directives, until = self._known.get(links, (None, now))
        return directives if now < until else None

    async def _learn(self, link_sets: Sequence[LinkSet]) -> list[Directives]:
        changes, asked_at = self._changes, self._clock()
        current = {links: self._current(links, asked_at) for links in link_sets}
        remembered = {links: each for links, each in current.items() if each is not None}
        unknown = [links for links in link_sets if links not in remembered]
        standing = await self._source.look_up(unknown)
        if remembered and (standing.version != self._version or changes != self._changes):
            # What was remembered may be no more.
            unknown, remembered = list(link_sets), {}
            standing = await self._source.look_up(unknown)
        found = {
            links: directives if directives != NO_DIRECTIVES else NO_DIRECTIVES
            for links, directives in zip(unknown, standing.directives, strict=True)
        }
        if changes == self._changes:
            self._remember(standing.version, found, asked_at)
        return [remembered.get(links) or found[links] for links in link_sets]

    def _remember(self, version: int, found: dict[LinkSet, Directives], asked_at: float) -> None:
        if version != self._version:
            self._known.clear()
        if self._version is not None and version < self._version:
            # An answer that was overtaken by a later one, or a store that was emptied.
            self._version = None
            return
        self._version, self._asked_at = version, asked_at
        for links, directives in found.items():
            good_for = BOUND if directives.unread else FRESH
            self._known[links] = directives, asked_at + good_for
        while len(self._known) > CAPACITY:
            self._known.popitem(last=False)
