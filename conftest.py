"""Fixtures every test may ask for: the sandbox's process, a browser, the real inputs."""

from __future__ import annotations

from importlib.util import find_spec

PLUGINS = (
    "tests.plugins.sandbox",
    "tests.plugins.browser",
    "tests.plugins.valkey",
    "tests.plugins.sekmet",
)
pytest_plugins = [name for name in PLUGINS if find_spec(name)]
