"""Fixtures every test may ask for, and which tests stay together where several processes run."""

from __future__ import annotations

import pytest

PLUGINS = (
    "tests.plugins.sandbox",
    "tests.plugins.browser",
    "tests.plugins.postgres",
    "tests.plugins.valkey",
    "tests.plugins.demo",
    "tests.plugins.medplum",
    "tests.plugins.sekmet",
)
pytest_plugins = list(PLUGINS)

# What is dear to start is started once: the tests that ask for it run in one of the processes.
DEAR = ("demo_process", "sekmet", "medplum")


@pytest.hookimpl(tryfirst=True)  # xdist reads the marks in this hook too
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        asked = getattr(item, "fixturenames", ())
        group = next((name for name in DEAR if name in asked), item.nodeid.partition("::")[0])
        item.add_marker(pytest.mark.xdist_group(group))
