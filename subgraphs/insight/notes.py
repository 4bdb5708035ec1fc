"""How operators see and hurry the exports: two files in the home folder, without a patient in them.

The store is one process's own, so another one, `chartgraph insight`, reads what this one wrote last
and leaves word for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from subgraphs.insight.sources.bulk import Progress

PROGRESS: Final = "insight.json"
WORD: Final = "insight.refresh"
LOOK_SECONDS: Final = 0.5


def write_progress(home: Path, progress: Progress) -> None:
    draft = home / f"{PROGRESS}.draft"
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(progress)))
    draft.replace(home / PROGRESS)


def read_progress(home: Path) -> Progress | None:
    """None where no exports have been tried here, or another version wrote of them."""
    try:
        return msgspec.json.decode((home / PROGRESS).read_bytes(), type=Progress)
    except (OSError, msgspec.MsgspecError):
        return None


def leave_word(home: Path) -> None:
    """Ask whoever has the store for a round of exports now."""
    (home / WORD).touch()


async def heed(home: Path, ask: Callable[[], None]) -> None:
    """Pass on what is asked for, until cancelled."""
    word = home / WORD
    while True:
        if word.exists():
            word.unlink(missing_ok=True)
            ask()
        await asyncio.sleep(LOOK_SECONDS)
