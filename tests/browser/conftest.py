"""A browser, and servers for it: tickets in memory, on a free port of loopback.

Where there is no Chromium the tests are skipped on a laptop, and fail in CI (the variable CI is set).
TICKETMILL_CHROMIUM names another one than Debian's.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from page_world import PageWorld
from person import Person
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.operations.corrections import Corrections

CHROMIUM = Path(os.environ.get("TICKETMILL_CHROMIUM", "/usr/bin/chromium"))
DESKTOP = {"width": 1360, "height": 820}
TIMEOUT_MS = 60_000
"""Far more than a busy machine takes."""


class Serving:
    """A server in a thread of its own."""

    def __init__(self, parts: WebParts) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            make_app(parts), log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> Serving:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        reason = f"no browser at {CHROMIUM}: apt-get install chromium, or set TICKETMILL_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        # containers lack the rights that its sandbox needs; it sees no page but ours
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def world() -> PageWorld:
    return PageWorld()


@pytest.fixture
def parts(world: PageWorld) -> WebParts:
    return world.page_parts()


@pytest.fixture
def other(parts: WebParts) -> Corrections:
    """Somebody else, who corrects the same tickets."""
    return parts.corrections


@pytest.fixture
def url(parts: WebParts) -> Iterator[str]:
    with Serving(parts) as serving:
        yield serving.url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window of a desktop."""
    context = browser.new_context(viewport=DESKTOP)
    context.set_default_timeout(TIMEOUT_MS)
    yield context.new_page()
    context.close()


@pytest.fixture
def person(page: Page, url: str) -> Person:
    """Somebody at the keyboard."""
    return Person(page, url)
