"""The telehealth vendor in whose rooms video visits are held that are booked here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from subgraphs.connectors.telehealth.visit import NewVisit, Vendor

_UNNAMED: Final = {"code": "video"}


class Rooms:
    """`subgraphs.scheduling.sources.drafts.VideoRooms`"""

    def __init__(self, vendor: Vendor[Any]) -> None:
        channels = vendor.config.channels
        system, _, code = channels[0].rpartition("|") if channels else ("", "", "")
        self.channel: Mapping[str, str] = {"system": system, "code": code} if code else _UNNAMED
        self._vendor = vendor

    async def create(self, visit: NewVisit, token: str) -> str:
        return await self._vendor.create(visit, token)

    async def move(self, id_: str, visit: NewVisit) -> None:
        await self._vendor.move(id_, visit)

    async def cancel(self, id_: str) -> None:
        await self._vendor.cancel(id_)
