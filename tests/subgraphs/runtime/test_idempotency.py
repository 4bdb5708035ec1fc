"""A thing is done once for each key, also by a process that is killed in between."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from contract.context import Caller
from subgraphs.runtime.idempotency import (
    KEPT,
    Asked,
    IdempotencyStore,
    KeyReusedError,
    idempotency_table,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
METADATA = sa.MetaData()
TABLE = idempotency_table("test", METADATA)
EFFECTS = sa.Table("effect", METADATA, sa.Column("no", sa.Integer, primary_key=True))
STORE = IdempotencyStore(TABLE, b"k" * 32)


class Outcome(msgspec.Struct, frozen=True):
    no: int


def asked(key="one", subject="steward-1", mutation="link", what="a and b"):
    return Asked(Caller(subject), mutation, key, {"what": what})


async def do(engine, asked, at=NOW, then=lambda: None):
    async with engine.begin() as connection:

        async def effect():
            done = await connection.execute(sa.insert(EFFECTS))
            then()
            return Outcome(done.inserted_primary_key[0])

        return await STORE.once(connection, asked, at, effect, Outcome)


async def count(engine):
    async with engine.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(EFFECTS))


@pytest.fixture
async def engine(tmp_path):
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    yield engine
    await engine.dispose()


async def test_the_same_key_is_answered_again_and_done_once(engine):
    first = await do(engine, asked())
    assert await do(engine, asked()) == first
    assert await count(engine) == 1


async def test_keys_of_others_never_meet(engine):
    for each in (asked(), asked(subject="steward-2"), asked(mutation="unlink"), asked(key="two")):
        await do(engine, each)
    assert await count(engine) == 4


async def test_a_key_used_for_something_else_is_refused(engine):
    await do(engine, asked())
    with pytest.raises(KeyReusedError):
        await do(engine, asked(what="a and c"))
    assert await count(engine) == 1


async def test_what_failed_is_not_remembered(engine):
    def fail():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await do(engine, asked(), then=fail)
    assert await count(engine) == 0
    await do(engine, asked())
    assert await count(engine) == 1


async def test_a_key_is_forgotten_in_the_end(engine):
    await do(engine, asked())
    await do(engine, asked(key="two"), NOW + KEPT + timedelta(seconds=1))
    await do(engine, asked(), NOW + KEPT + timedelta(seconds=2))
    assert await count(engine) == 3


async def test_nothing_asked_lies_on_disk(engine, tmp_path):
    await do(engine, asked(key="key-in-clear", what="Lovelace"))
    await engine.dispose()
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"key-in-clear" not in content
    assert b"Lovelace" not in content
    assert b"steward-1" not in content


KILLED = """
import asyncio, os, signal, sys
sys.path.insert(0, os.getcwd())
from importlib.util import spec_from_file_location, module_from_spec
spec = spec_from_file_location("once", sys.argv[1])
once = module_from_spec(spec); spec.loader.exec_module(once)
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
async def main():
    engine = once.create_async_engine(f"sqlite+aiosqlite:///{sys.argv[2]}")
    if sys.argv[3] == "between":
        await once.do(engine, once.asked(), then=die)
    else:
        await once.do(engine, once.asked())
        die()
asyncio.run(main())
"""


@pytest.mark.parametrize("when", ["between", "after"])
async def test_a_killed_process_neither_loses_nor_doubles(engine, tmp_path, when):
    command = [sys.executable, "-c", KILLED, __file__, str(tmp_path / "test.db"), when]
    killed = await asyncio.create_subprocess_exec(*command, env=os.environ)
    assert await killed.wait() == -signal.SIGKILL
    assert await count(engine) == (1 if when == "after" else 0)
    await do(engine, asked())
    assert await count(engine) == 1
