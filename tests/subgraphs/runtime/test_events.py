"""Events in one process and in many, and what listeners are told when some are lost."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from subgraphs.connectors.errors import SourceState
from subgraphs.connectors.transport import Call
from subgraphs.runtime.events import WAITING, EventsLostError, LocalEvents
from subgraphs.runtime.shared_events import CHANNEL, SharedEvents
from subgraphs.runtime.source_states import TOPIC, read_change, watch_states

KEY = b"k" * 32


@asynccontextmanager
async def process(url: str, key: bytes = KEY):
    redis = Redis.from_url(url)
    events = SharedEvents(redis, key)
    listening = asyncio.create_task(events.keep_listening())
    await asyncio.wait_for(events.listening.wait(), 5)
    yield events
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await redis.aclose()


async def test_only_who_listens_to_a_topic_hears_of_it():
    events = LocalEvents()
    await events.publish("a", b"before")
    with events.listen("a") as heard:
        await events.publish("b", b"other")
        await events.publish("a", b"1")
        await events.publish("a", b"2")
        assert [await anext(heard), await anext(heard)] == [b"1", b"2"]
    assert not events._listeners


async def test_who_falls_behind_is_told_so_and_holds_up_nobody():
    events = LocalEvents()
    with events.listen("a") as slow, events.listen("a") as fast:
        for number in range(WAITING + 1):
            await events.publish("a", b"%d" % number)
            assert await anext(fast) == b"%d" % number
        with pytest.raises(EventsLostError):
            await anext(slow)


async def test_other_processes_hear_and_the_wire_shows_nothing(valkey_url):
    async with (
        process(valkey_url) as here,
        process(valkey_url) as there,
        process(valkey_url, b"x" * 32) as stranger,
        Redis.from_url(valkey_url) as redis,
        redis.pubsub() as wire,
    ):
        await wire.subscribe(CHANNEL)
        with here.listen("visit:7") as heard, there.listen("visit:7") as heard_there:
            await stranger.publish("visit:7", b"forged")
            await redis.publish(CHANNEL, b"short")
            await here.publish("visit:7", b"id-7")
            async with asyncio.timeout(5):
                assert [await anext(heard), await anext(heard_there)] == [b"id-7", b"id-7"]
        seen = [await wire.get_message(timeout=1) for _ in range(4)]
        assert not any(b"7" in each["data"] and b"visit" in each["data"] for each in seen[1:])


async def test_a_broken_wire_is_told_to_who_listens(valkey_url):
    async with process(valkey_url) as events, Redis.from_url(valkey_url) as redis:
        with events.listen("a") as heard:
            await redis.client_kill_filter(_type="pubsub")
            async with asyncio.timeout(5):
                with pytest.raises(EventsLostError):
                    await anext(heard)


async def test_an_event_that_cannot_be_sent_is_told_here():
    events = SharedEvents(Redis(host="127.0.0.1", port=9), KEY)
    with events.listen("a") as heard:
        await events.publish("a")
        with pytest.raises(EventsLostError):
            await anext(heard)


async def test_a_source_is_told_of_when_it_begins_to_do_otherwise():
    events, calls = LocalEvents(), []
    note = watch_states(events, "ehr-a", calls.append)
    with events.listen(TOPIC) as heard:
        states = [SourceState.OK, SourceState.TIMEOUT, SourceState.TIMEOUT, SourceState.OK]
        for state in states:
            note(Call("ehr-a", state, 0.1))
        async with asyncio.timeout(5):
            changes = [read_change(await anext(heard)) for _ in range(2)]
    assert [(each.source, each.state) for each in changes] == [
        ("ehr-a", SourceState.TIMEOUT),
        ("ehr-a", SourceState.OK),
    ]
    assert [call.state for call in calls] == states
