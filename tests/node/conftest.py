"""What the tests of this folder need of Node: there, or a reason to skip, or in CI to fail."""

from __future__ import annotations

import os

import pytest

from tests.node.outside_gateways import installed


@pytest.fixture(autouse=True, scope="module")
def outside_gateways(request):
    if request.node.get_closest_marker("node") is None or installed():
        return
    absent = "the outside gateways are absent: make tests/node/node_modules/.installed"
    if os.environ.get("CI"):
        pytest.fail(absent)
    pytest.skip(absent)
