"""What a person sees of surges, in a real browser."""

from __future__ import annotations

from datetime import timedelta

import pytest
from page_world import PageWorld
from person import Person
from playwright.sync_api import Browser, Page, expect
from surge_samples import surge_record

from ticketmill.domain.surge import SurgeState

pytestmark = pytest.mark.timeout(300)

SURGE_ID = "20261121-1a2b3c"


@pytest.fixture
def world() -> PageWorld:
    world = PageWorld()
    world.add_many(3)
    return world


def state(world: PageWorld) -> SurgeState:
    return world.surges.find(SURGE_ID).state_at(world.started_at)


def test_a_surge_that_opens_is_shown_without_a_reload_and_acknowledged(
    world: PageWorld, person: Person
) -> None:
    page = person.page
    person.opens()
    banner = page.locator("#surges")
    expect(banner).to_be_empty()
    page.wait_for_timeout(3000)  # the server has looked at the surges once
    world.surges.add(surge_record(world.started_at + timedelta(seconds=1)))
    expect(banner).to_contain_text("card declined, 14 tickets in 2 h, at most 9 at once (1.2 expected)")
    banner.get_by_role("button", name="Acknowledge").click()
    expect(banner).to_be_empty()
    assert state(world) is SurgeState.ACKNOWLEDGED
    assert person.complaints == []


def test_without_scripts_a_surge_is_dismissed_from_its_page(
    world: PageWorld, browser: Browser, url: str
) -> None:
    world.surges.add(surge_record(world.started_at))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(url)
    page.get_by_role("link", name="card declined").click()
    expect(page.get_by_role("link", name="TKT-002")).to_be_visible()
    page.get_by_role("button", name="Not a surge").click()
    expect(page.get_by_role("heading", name="card declined")).to_contain_text("dismissed")
    page.goto(url)
    expect(page.locator("#surges")).to_be_empty()
    page.goto(f"{url}/surges")
    expect(page.get_by_role("row", name="card declined")).to_contain_text("dismissed")
    context.close()
    assert state(world) is SurgeState.DISMISSED


def test_on_a_phone_nothing_is_wider_than_the_window(world: PageWorld, person: Person, page: Page) -> None:
    world.surges.add(surge_record(world.started_at))
    page.set_viewport_size({"width": 380, "height": 720})
    for path in ("/", "/surges", f"/surges/{SURGE_ID}"):
        page.goto(f"{person.url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 380
    assert person.complaints == []
