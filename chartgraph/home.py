"""The folder that holds the state of one machine: keys, stores, the cache's socket.

Default `.chartgraph/` in the working folder, or `CHARTGRAPH_HOME`. One process owns it at a time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from subgraphs.runtime.settings import MASTER_KEY_FILE, load_or_make_master_key

OWNER = "owner.lock"


class HomeError(Exception):
    """The folder cannot be used; the message says why and what to do."""


def home_folder() -> Path:
    return Path(os.environ.get("CHARTGRAPH_HOME", ".chartgraph")).resolve()


def prepare(home: Path) -> None:
    """Make the folder, for its owner's eyes only, with a master key of its own."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    load_or_make_master_key(home)


@contextlib.contextmanager
def owned(home: Path) -> Iterator[None]:
    """Own the folder for the time being; a second owner is refused and told who the first is."""
    prepare(home)
    with (home / OWNER).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise HomeError(
                f"{home} is in use by process {lock.read().strip() or 'unknown'}. "
                "Stop it, or set CHARTGRAPH_HOME to another folder."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def reset(home: Path) -> None:
    """Empty the folder: every store, key and cache in it."""
    if not home.exists():
        return
    if any(home.iterdir()) and not (home / MASTER_KEY_FILE).exists():
        raise HomeError(f"{home} is not a Chartgraph folder: it holds no {MASTER_KEY_FILE}.")
    with owned(home):
        for path in home.iterdir():
            if path.name == OWNER:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
