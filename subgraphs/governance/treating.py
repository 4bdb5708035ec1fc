"""Who treats a patient: the members of her care teams, where a consent lets them see, or not.

A consent names a team (`care-team|…`), a token a practitioner; here the members take the team's
place. They are asked for where a consent names any, and nowhere else. A member is known under the
id of every source that has the same National Provider Identifier. Where a team cannot be read it
is somebody whom no token names: meant by a deny, and by no permit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from subgraphs.governance.reading import own_id
from subgraphs.governance.remembering import Remembered
from subgraphs.governance.sources.teams import ROLE, CareTeam, TeamSource
from subgraphs.runtime.access_facts import LinkSet
from subgraphs.runtime.consent import CARE_TEAM, UNKNOWN_ACTOR, Provision, actor_key
from subgraphs.runtime.fhir import Period, Reference
from subgraphs.runtime.gathering import Answer, Gathered
from subgraphs.runtime.moments import last_moment
from subgraphs.runtime.practitioners import PRACTITIONER
from subgraphs.runtime.scalars import rank

ANY: Final = actor_key(CARE_TEAM, "any")
"""Whichever active team of the patient's."""
_NAMES_TEAM: Final = f"{CARE_TEAM}|"


@dataclass(frozen=True, slots=True)
class Team:
    """An active care team of a patient's."""

    key: str
    """As a consent names it: `care-team|source/CareTeam/id`."""
    members: frozenset[str]
    """Each practitioner as `actor_key` has them."""


@dataclass(frozen=True, slots=True)
class Teams:
    """Of one patient."""

    known: Mapping[str, frozenset[str]]
    are_whole: bool
    """Whether every source could be read."""

    def in_place(self, provision: Provision) -> Provision:
        """The provision with the members beside each team that it names."""
        recipients = tuple(key for name in provision.recipients for key in self._keys(name))
        exceptions = tuple(map(self.in_place, provision.exceptions))
        return msgspec.structs.replace(provision, recipients=recipients, exceptions=exceptions)

    def _keys(self, name: str) -> Iterable[str]:
        # The name stays: a rule whose team has no member is about nobody, not about everybody.
        yield name
        if name == ANY:
            yield from sorted(frozenset[str]().union(*self.known.values()))
            if not self.are_whole:
                yield UNKNOWN_ACTOR
        elif name.startswith(_NAMES_TEAM):
            yield from sorted(self.known.get(name, {UNKNOWN_ACTOR}))


def names_teams(provision: Provision) -> bool:
    return any(name.startswith(_NAMES_TEAM) for name in provision.recipients) or any(
        map(names_teams, provision.exceptions)
    )


class CareTeams:
    def __init__(
        self,
        sources: Mapping[str, TeamSource],
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources = sources
        self._now = now
        self._remembered = Remembered("care_teams", sources, self._read, now, clock)

    async def look_up(self, link_sets: Sequence[LinkSet]) -> list[Teams]:
        return [_teams(found) for found in await self._remembered.look_up(link_sets)]

    async def _read(self, source: str, patients: Sequence[str]) -> Answer[Team]:
        """The teams, their roles and members, and who these are elsewhere: a question for each."""
        asked = self._sources[source]
        answer = await asked.teams(patients)
        rows = answer.rows
        named = {team.id: self._members(team) for teams in rows.values() for team in teams}
        everyone = {reference for each in named.values() for reference in each}
        roles = await asked.roles(_ids(everyone, ROLE, asked.base))
        held_by = {each.id: own_id(each.practitioner, PRACTITIONER, asked.base) for each in roles}

        def ids(references: Iterable[Reference]) -> frozenset[str]:
            in_person = _ids(references, PRACTITIONER, asked.base)
            by_role = (held_by.get(id_) for id_ in _ids(references, ROLE, asked.base))
            return frozenset((*in_person, *(id_ for id_ in by_role if id_ is not None)))

        known = await self._known_as(source, sorted(ids(everyone)))

        def team(wire: CareTeam) -> Team:
            members = (known[id_] for id_ in ids(named[wire.id]))
            key = actor_key(CARE_TEAM, f"{source}/CareTeam/{wire.id}")
            return Team(key, frozenset[str]().union(*members))

        teams = {patient: list(map(team, found)) for patient, found in rows.items()}
        return Answer(teams, answer.damaged)

    def _members(self, team: CareTeam) -> list[Reference]:
        now = self._now()
        return [
            each.member
            for each in team.participant
            if each.member is not None and not _is_over(each.period, now)
        ]

    async def _known_as(self, source: str, ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Every key by which tokens may name each of a source's practitioners."""
        practitioners = (await self._sources[source].practitioners(ids)).rows.values()
        numbers = {each.npi: each.id for (each,) in practitioners if each.npi is not None}
        known = {id_: {_key(source, id_)} for id_ in ids}
        others = [name for name in self._sources if name != source] if numbers else []
        found = await asyncio.gather(
            *(self._sources[name].numbered(sorted(numbers)) for name in others)
        )
        for name, those in zip(others, found, strict=True):
            for number, named in those.rows.items():
                known[numbers[number]] |= {_key(name, each.id) for each in named}
        return {id_: frozenset(keys) for id_, keys in known.items()}


def _teams(found: Gathered[Team]) -> Teams:
    return Teams(
        {team.key: team.members for team in found.rows},
        all(report.answered for report in found.sources) and bool(found.sources),
    )


def _ids(references: Iterable[Reference], type_: str, base: str) -> list[str]:
    found = (own_id(reference, type_, base) for reference in references)
    return sorted({id_ for id_ in found if id_ is not None})


def _is_over(period: Period | None, now: datetime) -> bool:
    end = period.end if period else None
    return bool(end and rank(end)) and last_moment(end or "") < now


def _key(source: str, id_: str) -> str:
    return actor_key("practitioner", f"{source}/{PRACTITIONER}/{id_}")
