"""A video visit, whoever its vendor is, and what a vendor can be asked to do."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from subgraphs.connectors.config import SourceConfig
from subgraphs.connectors.connector import Connector
from subgraphs.connectors.telehealth.webhooks import ReadNotice


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


class VideoSource(SourceConfig, frozen=True, kw_only=True):
    """What every telehealth vendor has."""

    webhook_secret_file: Path | None = None
    """What it signs with what it pushes; without it, nothing is taken."""
    channels: tuple[str, ...] = ()
    """The `channelType`s, each as `system|code`, by which appointments name it: the first is
    written into those booked here. A vendor without any has what no other claims."""


VideoT = TypeVar("VideoT", bound=VideoSource)


class Vendor(Connector[VideoT]):
    """A telehealth vendor, whatever it speaks."""

    @abstractmethod
    async def visits(self, ids: Iterable[str]) -> Mapping[str, Visit]:
        """The visits of these ids; what is absent is left out."""

    @abstractmethod
    async def create(self, visit: NewVisit, token: str) -> str:
        """Its id. Sent twice under one token, there is one."""

    @abstractmethod
    async def move(self, id_: str, visit: NewVisit) -> None:
        """To another time."""

    @abstractmethod
    async def cancel(self, id_: str) -> None:
        """Also where there is none, or no longer one."""

    @abstractmethod
    async def door(self, id_: str, identity: str, *, host: bool) -> Door | None:
        """None for no such visit. `identity` says nothing of who it is."""

    def notices(self, secret: bytes) -> ReadNotice | None:  # noqa: ARG002 - of those that push
        """How what it pushes is checked, by the secret it signs with, and read; None where there
        is nothing that could be."""
        return None
