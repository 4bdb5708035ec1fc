"""What a kind of source is registered by (`connectors.kinds`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Final, Generic, TypeVar

import httpx2

from subgraphs.connectors.config import SourceConfig

ConfigT = TypeVar("ConfigT", bound=SourceConfig)

NOBODY: Final = "chartgraph-probe"
"""Whom a probe asks about."""


class Connector(ABC, Generic[ConfigT]):
    """Speaks to one source in its protocol, as long as the process lives.

    `client` comes from `open_client`: it signs in, tries twice, keeps to the time and raises an
    `UpstreamError` for whatever is no answer.
    """

    settings: ClassVar[type[SourceConfig]]
    """What `sources.yaml` tells of it: the `ConfigT`."""

    def __init__(self, config: ConfigT, client: httpx2.AsyncClient) -> None:
        self.config = config
        self._client = client

    @abstractmethod
    async def probe(self) -> tuple[str, ...]:
        """Ask for what does not exist, so that nobody's data is read: is it reachable, does it
        take our credentials, does it speak its protocol? What it says it can do, for people."""
