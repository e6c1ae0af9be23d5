"""A browser once a session; for each test a window, and a server of tickets in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from page_world import PageWorld
from person import Person
from playwright.sync_api import Browser, Page
from window import chromium, serving, window

from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.operations.corrections import Corrections


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


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
    with serving(parts) as url:
        yield url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with window(browser) as page:
        yield page


@pytest.fixture
def person(url: str, page: Page) -> Person:
    """Somebody at the keyboard."""
    return Person(page, url)
