"""The vendor's visits, asked for many at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from subgraphs.connectors.telehealth.client import Visit


class Vendor(Protocol):
    """A telehealth vendor as the loaders see it; `TelehealthClient` is one."""

    async def visits(self, ids: Iterable[str]) -> Mapping[str, Visit]: ...


class NoVendor:
    """Where none is configured, no visit is known."""

    async def visits(self, ids: Iterable[str]) -> Mapping[str, Visit]:  # noqa: ARG002 - see Vendor
        return {}
