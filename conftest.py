"""Fixtures every test may ask for: the sandbox's process, a browser, the real inputs."""

from __future__ import annotations

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
