"""The file insight counts over, and the threads that alone touch it.

DuckDB encrypts it: AES-256-GCM for each block and for the log of what is not yet in a block
(https://duckdb.org/docs/stable/sql/statements/attach). By itself it can only read such a file; the
OpenSSL that writes one comes with its `httpfs` extension, which is loaded from a package, signed by
DuckDB: nothing is fetched. Nothing spills to disk either: what does not fit in memory is an error,
and no temporary file holds what this one hides.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import duckdb

T = TypeVar("T")
Connection: TypeAlias = duckdb.DuckDBPyConnection

FILE: Final = "insight.duckdb"
THREADS: Final = 2
READERS: Final = 2
_EXTENSION: Final = "duckdb_extension_httpfs"
_NAME: Final = "insight"


class StoreUnreadableError(Exception):
    """The store cannot be used; the message says what to do. All in it is elsewhere too."""


class Database:
    """One writer at a time; whoever reads sees the last thing that was written whole."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._writer = ThreadPoolExecutor(1, "insight-writer")
        self._readers = ThreadPoolExecutor(READERS, "insight-reader")

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run in a thread of its own: the event loop goes on."""
        return await _in(self._readers, lambda: self._on_cursor(work))

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run as one transaction."""

        def transact(cursor: Connection) -> T:
            cursor.begin()
            try:
                done = work(cursor)
            except BaseException:
                cursor.rollback()
                raise
            cursor.commit()
            return done

        return await _in(self._writer, lambda: self._on_cursor(transact))

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self._connection.close()

    def _on_cursor(self, work: Callable[[Connection], T]) -> T:
        with self._connection.cursor() as cursor:
            cursor.execute(f"USE {_NAME}")
            return work(cursor)


async def open_database(home: Path, key: bytes, tables: str, *, memory_mb: int = 512) -> Database:
    """`StoreUnreadableError` for another key's file, or while another process has it."""
    connection = await asyncio.to_thread(_open, home / FILE, key, tables, memory_mb)
    return Database(connection)


def _open(path: Path, key: bytes, tables: str, memory_mb: int) -> Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": f"{memory_mb}MB",
            "threads": THREADS,
            "temp_directory": "",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    secret = base64.b64encode(key).decode()
    try:
        connection.execute(f"LOAD '{_extension()}'")
        connection.execute(f"ATTACH '{path}' AS {_NAME} (ENCRYPTION_KEY '{secret}')")
        # From here on nothing but this file is touched.
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        connection.execute(f"USE {_NAME}")
        connection.execute(tables)
    except duckdb.IOException:
        connection.close()
        raise StoreUnreadableError(f"{path} is another process's: one at a time has it") from None
    except duckdb.Error:
        connection.close()
        raise StoreUnreadableError(
            f"{path} cannot be read with this key, or is of another version: remove it, and it is "
            "filled anew from the sources' exports"
        ) from None
    return connection


def _extension() -> Path:
    found = find_spec(_EXTENSION)
    assert found is not None, "it is installed with us"
    assert found.origin is not None, "it is no namespace"
    return next(Path(found.origin).parent.rglob("*.duckdb_extension"))


async def _in(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)
