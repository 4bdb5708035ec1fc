"""A video visit, whoever its vendor is, and what a vendor can be asked to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec


class Host(msgspec.Struct, frozen=True):
    name: str | None = None


class Visit(msgspec.Struct, frozen=True):
    """A video visit as the vendor keeps it: ids and addresses, nothing clinical."""

    id: str
    status: str
    """`scheduled`, `waiting`, `started`, `ended` or `cancelled`."""
    starts_at: str | None = None
    ends_at: str | None = None
    host: Host = Host()
    join_url: str | None = None
    """The patient's door."""
    start_url: str | None = None
    """The host's door: it holds a secret, so it is neither kept nor shown to anyone else."""
    start_url_expires_at: str | None = None

    def __repr__(self) -> str:
        return f"Visit(status={self.status!r})"


@dataclass(frozen=True, slots=True)
class NewVisit:
    """What is to be held. It names neither the patient nor what it is about."""

    starts_at: datetime
    ends_at: datetime
    host: str | None = None
    """The clinician, as `source/Practitioner/id`."""


@dataclass(frozen=True, slots=True, repr=False)
class Door:
    """A way into a visit, for one person and a short time: an address, or a token for an app."""

    url: str | None = None
    token: str | None = None
    room: str | None = None
    identity: str | None = None
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        return "Door()"


class Vendor(Protocol):
    """A telehealth vendor, whatever it speaks."""

    async def visits(self, ids: Iterable[str]) -> Mapping[str, Visit]:
        """The visits of these ids; what is absent is left out."""
        ...

    async def create(self, visit: NewVisit, token: str) -> str:
        """Its id. Sent twice under one token, there is one."""
        ...

    async def move(self, id_: str, visit: NewVisit) -> None:
        """To another time."""
        ...

    async def cancel(self, id_: str) -> None:
        """Also where there is none, or no longer one."""
        ...

    async def door(self, id_: str, identity: str, *, host: bool) -> Door | None:
        """None for no such visit. `identity` says nothing of who it is."""
        ...
