"""A patient index on disk, and patients to put in it."""

from __future__ import annotations

import pytest

from subgraphs.connectors.errors import SourceState
from subgraphs.identity.index.store import open_index, said_by
from subgraphs.runtime.database import sqlite_url
from tests.subgraphs.identity.people import KEY, NOW, patient


@pytest.fixture(name="patient")
def make_patient():
    return patient


@pytest.fixture
async def index(tmp_path):
    opened = await open_index(sqlite_url(tmp_path, "identity"), KEY)
    yield opened
    await opened.close()


@pytest.fixture
def absorb(index):
    """Take in complete crawls: `await absorb(north={...})`, each id → patient."""

    async def take(failed=None, at=NOW, **complete):
        round_ = await index.start_round()
        for source, patients in complete.items():
            said = {id_: said_by(record, at) for id_, record in patients.items()}
            await index.take(source, said, at, round_)
            await index.finish_crawl(source, SourceState.OK, round_, at)
        for source, state in (failed or {}).items():
            await index.finish_crawl(source, state, round_, None)

    return take
