"""A real Valkey, one for the whole run."""

import pytest

from chartgraph.valkey import valkey


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory):
    with valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url
