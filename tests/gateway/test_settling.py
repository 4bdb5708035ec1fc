"""A gateway that has its process to itself spares the garbage collector what stays."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from gateway import app as app_module
from gateway.app import create_app
from gateway.settings import Settings
from tests.gateway.support.subgraph import SUPERGRAPH


@pytest.fixture
async def start(tmp_path, monkeypatch):
    """The collector is as it was afterwards."""
    monkeypatch.setattr(app_module, "RETIRING_SECONDS", 0.0)
    path = tmp_path / "supergraph.graphql"
    path.write_text(SUPERGRAPH)
    settings = Settings(supergraph=path, dev=True, home=tmp_path, subgraph_timeout=0.01)
    apps = []

    async def start(*, alone: bool):
        apps.append(create_app(settings, alone=alone))
        await apps[-1].start()
        return apps[-1]

    gc.unfreeze()
    yield start
    for each in apps:
        await each.stop()
    gc.unfreeze()


async def test_what_is_there_at_the_start_is_set_aside(start):
    await start(alone=True)
    assert gc.get_freeze_count() > 10_000


async def test_a_guest_in_a_process_leaves_its_memory_alone(start):
    app = await start(alone=False)
    await app.reload()
    await asyncio.sleep(0.1)
    assert gc.get_freeze_count() == 0


async def test_a_schema_that_was_exchanged_is_freed(start):
    app = await start(alone=True)
    old = weakref.ref(app.assembly.pipeline)
    await app.reload()
    while old() is not None:  # noqa: ASYNC110 - nothing tells when memory is freed
        # Nobody but the gateway collects: it must be its own doing.
        await asyncio.sleep(0.01)
    assert gc.get_freeze_count() > 10_000
