"""Ports: is one free, and who holds it if not."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

LISTEN = "0A"
"""The state of a listening socket in Linux's /proc/net/tcp."""


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def holder(port: int) -> str:
    """Who listens there, as `name (process 123)`; `another process` where that cannot be told."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*"):
        # Processes end while we look, and others' are not ours to read.
        with contextlib.suppress(OSError):
            if any(str(fd.readlink()) in sockets for fd in (process / "fd").iterdir()):
                name = (process / "comm").read_text().strip()
                return f"{name} (process {process.name})"
    return "another process"


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        with contextlib.suppress(OSError):
            for row in table.read_text().splitlines()[1:]:
                columns = row.split()
                if columns[3] == LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                    inodes.add(columns[9])
    return inodes
