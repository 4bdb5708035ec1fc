"""Headless Chromium, as the machine has it, that can reach nothing but this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Browser, Page, async_playwright

LOOPBACK_ONLY = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@dataclass(frozen=True)
class Visit:
    """An open page and everything it did since its first byte."""

    page: Page
    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Uncaught exceptions, console errors and refusals by the content security policy."""

    def hosts(self) -> set[str]:
        # `data:` and `blob:` are the page's own memory and reach no host.
        return {url.split("/")[2] for url in self.requests if url.startswith(("http", "ws"))}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    # Chromium's own sandbox cannot be set up by root, which is who runs tests in a container.
    unsandboxed = ["--no-sandbox"] if os.geteuid() == 0 else []
    executable = _chromium()
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=executable, args=[LOOPBACK_ONLY, *unsandboxed]
        )
        yield chromium
        await chromium.close()


@pytest.fixture
async def visit(browser: Browser) -> Callable[[str], Awaitable[Visit]]:
    """Opens an address in a fresh profile and watches it from the start."""

    async def open_page(url: str) -> Visit:
        context = await browser.new_context(viewport={"width": 1600, "height": 1000})
        context.set_default_timeout(20_000)
        visit = Visit(await context.new_page())
        context.on("request", lambda request: visit.requests.append(request.url))
        context.on("weberror", lambda raised: visit.problems.append(str(raised.error)))
        context.on(
            "console",
            lambda message: message.type == "error" and visit.problems.append(message.text),
        )
        await visit.page.goto(url)
        return visit

    return open_page


def _chromium() -> str:
    executable = os.environ.get("CHARTGRAPH_CHROMIUM") or shutil.which("chromium")
    if executable is None:
        absent = "Chromium is absent: apt-get install chromium, or set CHARTGRAPH_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(absent)
        pytest.skip(absent)
    return executable
