"""The vendors, several side by side, and which of them holds a visit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from subgraphs.connectors.telehealth.visit import Vendor
from subgraphs.telehealth.sources.notices import NoticeBoard


@dataclass(frozen=True, slots=True)
class VideoVendor:
    """One of them, and what it pushes to us."""

    source: str
    vendor: Vendor[Any]
    notices: NoticeBoard
    channels: frozenset[str] = frozenset()
    """By which appointments name it, each as `system|code`."""


@dataclass(frozen=True, slots=True)
class Vendors:
    """By source, in the order in which they are configured."""

    by_source: Mapping[str, VideoVendor]

    def of_channel(self, channel: str | None) -> VideoVendor | None:
        """Who has what an appointment names so: whoever claims it, or else the first that claims
        nothing."""
        known = self.by_source.values()
        claimed = (each for each in known if channel in each.channels)
        others = (each for each in known if not each.channels)
        return next(claimed, None) or next(others, None)

    def get(self, source: str) -> VideoVendor | None:
        return self.by_source.get(source)

    def __iter__(self) -> Iterator[VideoVendor]:
        return iter(self.by_source.values())
