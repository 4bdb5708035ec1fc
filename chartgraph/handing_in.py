"""What is pushed instead of fetched, from files."""

from __future__ import annotations

from typing import Final

from subgraphs.connectors.errors import UpstreamError
from subgraphs.connectors.inbox.deliveries import read_delivery
from subgraphs.connectors.inbox.settings import InboxSource
from subgraphs.connectors.inbox.store import InboxStore, inbox_url, open_inbox
from subgraphs.runtime.settings import RuntimeSettings

REFUSED: Final = "refused"


async def load_files(
    settings: RuntimeSettings, source: InboxSource, contents: list[bytes]
) -> list[tuple[str, str]]:
    """For each its outcome, and what is wrong or was left out."""
    url = settings.database_url or inbox_url(settings.home)
    store = await open_inbox(url, settings.key_ring().key("store:inbox"))
    try:
        return [await _take(store, source, content) for content in contents]
    finally:
        await store.close()


async def _take(store: InboxStore, source: InboxSource, content: bytes) -> tuple[str, str]:
    try:
        delivery = read_delivery(content, source, store).delivery
    except UpstreamError as error:
        return REFUSED, str(error)
    is_new = await store.take(source.id, delivery)
    left_out = ", ".join(f"{count} {kind}" for kind, count in delivery.left_out.items())
    return ("taken" if is_new else "known already"), left_out
