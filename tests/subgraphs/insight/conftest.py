import pytest

from subgraphs.insight.store.store import open_insight_store
from tests.subgraphs.insight.population import MEASURES, Population
from tests.subgraphs.signed import KEY


@pytest.fixture
async def population(tmp_path):
    store = await open_insight_store(tmp_path, KEY, MEASURES, memory_mb=128)
    yield Population(store)
    await store.close()
