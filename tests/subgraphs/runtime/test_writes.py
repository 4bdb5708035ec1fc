"""A write to an upstream is neither lost nor doubled, wherever either side dies."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from contract.context import Caller
from subgraphs.connectors.errors import (
    CircuitOpen,
    ProtocolViolation,
    Rejected,
    TimedOut,
    Unavailable,
    Unreachable,
)
from subgraphs.runtime.database import open_store, sqlite_url
from subgraphs.runtime.idempotency import Asked, KeyReusedError
from subgraphs.runtime.writes import (
    LEASE,
    InProgressError,
    OutcomeUnknownError,
    Writes,
    write_table,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
METADATA = sa.MetaData()
TABLE = write_table("test", METADATA)
LOST = [TimedOut("late"), Unreachable("reset"), Unavailable("503"), ProtocolViolation("html")]


class Booked(msgspec.Struct, frozen=True):
    no: int


class Upstream:
    """Keeps what it did by token, as a line of a file; it may fail before or after doing it."""

    source = "ehr-a"
    outcome = Booked

    def __init__(self, file):
        self.file = Path(file)
        self.file.touch()
        self.fails_before = self.fails_after = self.fails_to_tell = None
        self.sends = 0

    @property
    def done(self):
        return self.file.read_text().split()

    async def send(self, token):
        self.sends += 1
        await asyncio.sleep(0)
        if self.fails_before:
            raise self.fails_before
        with self.file.open("a") as file:
            file.write(f"{token}\n")
        if self.fails_after:
            raise self.fails_after
        return Booked(self.done.index(token))

    async def find(self, token):
        if self.fails_to_tell:
            raise self.fails_to_tell
        return Booked(self.done.index(token)) if token in self.done else None


def asked(key="one", what="10 o'clock"):
    return Asked(Caller("patient-1"), "bookAppointment", key, {"slot": what})


class Clock:
    def __init__(self):
        self.time = NOW

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def upstream(tmp_path):
    return Upstream(tmp_path / "upstream")


@pytest.fixture
async def writes(tmp_path, clock):
    database = await open_store(sqlite_url(tmp_path, "test"), "test", METADATA)
    yield Writes(database, TABLE, b"k" * 32, clock)
    await database.close()


async def test_the_same_key_is_answered_again_and_done_once(writes, upstream):
    assert await writes.perform(asked(), upstream) == Booked(0)
    assert await writes.perform(asked(), upstream) == Booked(0)
    assert await writes.perform(asked("two"), upstream) == Booked(1)
    assert upstream.sends == 2


async def test_a_key_used_for_something_else_is_refused(writes, upstream):
    await writes.perform(asked(), upstream)
    with pytest.raises(KeyReusedError):
        await writes.perform(asked(what="11 o'clock"), upstream)
    assert len(upstream.done) == 1


@pytest.mark.parametrize("failure", LOST, ids=lambda f: type(f).__name__)
async def test_an_answer_that_was_lost_is_found_at_once(writes, upstream, failure):
    upstream.fails_after = failure
    assert await writes.perform(asked(), upstream) == Booked(0)
    assert await writes.perform(asked(), upstream) == Booked(0)
    assert (upstream.sends, len(upstream.done)) == (1, 1)


@pytest.mark.parametrize("did_it", [True, False], ids=["done", "not done"])
async def test_what_became_of_it_is_found_out_by_asking_again(writes, upstream, did_it):
    upstream.fails_to_tell = Unreachable("down")
    setattr(upstream, "fails_after" if did_it else "fails_before", Unreachable("reset"))
    for _ in range(2):
        with pytest.raises(OutcomeUnknownError) as unknown:
            await writes.perform(asked(), upstream)
        assert unknown.value.extensions == {"source": "ehr-a", "retryable": True}
    upstream.fails_before = upstream.fails_after = upstream.fails_to_tell = None
    assert await writes.perform(asked(), upstream) == Booked(0)
    assert len(upstream.done) == 1


async def test_one_that_did_not_arrive_may_still_be_on_its_way(writes, upstream):
    upstream.fails_before = TimedOut("late")
    with pytest.raises(OutcomeUnknownError):
        await writes.perform(asked(), upstream)
    late = upstream.done
    upstream.fails_before = Rejected(422)
    with pytest.raises(Rejected):
        await writes.perform(asked(), upstream)
    upstream.fails_before = None
    await writes.perform(asked(), upstream)
    assert (late, len(upstream.done)) == ([], 1)


@pytest.mark.parametrize("refusal", [Rejected(409), CircuitOpen("left alone")], ids=str)
async def test_a_refusal_is_not_remembered(writes, upstream, refusal):
    upstream.fails_before = refusal
    with pytest.raises(type(refusal)):
        await writes.perform(asked(), upstream)
    upstream.fails_before = None
    assert await writes.perform(asked(what="another slot"), upstream) == Booked(0)


async def test_two_at_once_are_one(writes, upstream):
    both = await asyncio.gather(
        writes.perform(asked(), upstream),
        writes.perform(asked(), upstream),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in both) == ["Booked", "InProgressError"]
    assert len(upstream.done) == 1


async def test_a_bug_leaves_the_note_and_lets_others_have_it(writes, upstream):
    upstream.fails_after = RuntimeError()
    with pytest.raises(RuntimeError):
        await writes.perform(asked(), upstream)
    assert await writes.perform(asked(), upstream) == Booked(0)
    assert upstream.sends == 1


async def test_nothing_asked_or_done_lies_on_disk_in_clear(writes, upstream, tmp_path):
    await writes.perform(asked("key-in-clear", "Lovelace"), upstream)
    content = b"".join(file.read_bytes() for file in tmp_path.glob("test.db*"))
    assert content
    assert not any(word in content for word in (b"key-in-clear", b"Lovelace", b'"no"'))


KILLED = """
import asyncio, os, signal, sys
sys.path.insert(0, os.getcwd())
from importlib.util import spec_from_file_location, module_from_spec
spec = spec_from_file_location("writes", sys.argv[1])
tests = module_from_spec(spec); spec.loader.exec_module(tests)
class Killing(tests.Upstream):
    async def send(self, token):
        if sys.argv[3] == "before": os.kill(os.getpid(), signal.SIGKILL)
        await super().send(token)
        os.kill(os.getpid(), signal.SIGKILL)
async def main():
    home = tests.Path(sys.argv[2])
    store = await tests.open_store(tests.sqlite_url(home, "test"), "test", tests.METADATA)
    writes = tests.Writes(store, tests.TABLE, b"k" * 32, lambda: tests.NOW)
    await writes.perform(tests.asked(), Killing(home / "upstream"))
asyncio.run(main())
"""


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_process_that_was_killed_is_taken_over(writes, upstream, clock, tmp_path, when):
    command = [sys.executable, "-c", KILLED, __file__, str(tmp_path), when]
    killed = await asyncio.create_subprocess_exec(*command, env=os.environ)
    assert await killed.wait() == -signal.SIGKILL
    assert len(upstream.done) == (when == "after")
    with pytest.raises(InProgressError):
        await writes.perform(asked(), upstream)
    clock.time += LEASE + timedelta(seconds=1)
    assert await writes.perform(asked(), upstream) == Booked(0)
    assert len(upstream.done) == 1


async def test_two_processes_on_postgresql_share_one_note(postgres_url, upstream, clock):
    stores = [await open_store(postgres_url, "test", METADATA) for _ in range(2)]
    one, other = (Writes(store, TABLE, b"k" * 32, clock) for store in stores)
    both = await asyncio.gather(
        one.perform(asked(), upstream), other.perform(asked(), upstream), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in both) == ["Booked", "InProgressError"]
    assert await other.perform(asked(), upstream) == Booked(0)
    assert upstream.sends == 1
    for store in stores:
        await store.close()
