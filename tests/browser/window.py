"""A browser, and a server for it on a free port of loopback.

Where there is no Chromium the tests are skipped on a laptop, and fail in CI (the variable CI is set).
TICKETMILL_CHROMIUM names another one than Debian's.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.parts import WebParts

CHROMIUM = Path(os.environ.get("TICKETMILL_CHROMIUM", "/usr/bin/chromium"))
DESKTOP = {"width": 1360, "height": 820}
TIMEOUT_MS = 60_000
"""Far more than a busy machine takes."""


@contextmanager
def serving(parts: WebParts) -> Iterator[str]:
    """Serves in a thread of its own; gives the address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            make_app(parts), log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


_open: list[Browser] = []
"""Playwright runs once in a process: whoever asks for a second browser gets the one that is there."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    if _open:
        yield _open[0]
        return
    if not CHROMIUM.exists():
        reason = f"no browser at {CHROMIUM}: apt-get install chromium, or set TICKETMILL_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        # containers lack the rights that its sandbox needs; it sees no page but ours
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        _open.append(browser)
        try:
            yield browser
        finally:
            _open.remove(browser)
            browser.close()


@contextmanager
def window(browser: Browser) -> Iterator[Page]:
    """A window of a desktop, with no cookie yet."""
    context = browser.new_context(viewport=DESKTOP)
    context.set_default_timeout(TIMEOUT_MS)
    yield context.new_page()
    context.close()
