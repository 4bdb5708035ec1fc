"""A real PostgreSQL, for the session: a server of its own, over a Unix socket, in a new folder."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ABSENT = "PostgreSQL is absent: apt-get install postgresql"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Path]:
    """The folder of the server's socket."""
    programs = _programs()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail(ABSENT)
        pytest.skip(ABSENT)
    new = tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True)
    with new as folder, _running(programs, Path(folder)):
        yield Path(folder)


@pytest.fixture
def postgres_url(postgres_server: Path, request: pytest.FixtureRequest) -> str:
    """An empty database of the test's own."""
    name = f"test_{abs(hash(request.node.nodeid))}"
    socket = str(postgres_server)
    programs = _programs()
    assert programs is not None
    created = [programs / "createdb", "-h", socket, "-U", "postgres", name]
    subprocess.run(created, check=True, capture_output=True)
    return f"postgresql+asyncpg://postgres@/{name}?host={socket}"


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return installed[-1] if installed else None


@contextmanager
def _running(programs: Path, folder: Path) -> Iterator[None]:
    # It refuses to run as root, who runs tests in a container.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data = folder / "data"
    _run(user, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    log = folder / "log"
    _run(user, programs / "pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
    try:
        yield
    finally:
        _run(user, programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def _run(user: str | None, *command: str | Path) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=user, cwd="/")
