"""Search and similar tickets in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from page_world import PageWorld
from person import Person
from playwright.sync_api import Page, expect
from search_world import SearchWorld

DAY = 24 * 60


@pytest.fixture
def world(tmp_path: Path) -> PageWorld:
    """Seven tickets, of which six are about a card: the server can search."""
    web = PageWorld()
    index = SearchWorld(tmp_path, web)
    for number in range(1, 7):
        subject = f"Card {number} declined in {'Lyon' if number in (1, 5) else 'Rome'}"
        age = 90 * DAY if number > 4 else number
        row = web.add(f"CARD-{number}", subject, "Please help.", minutes_ago=age, urgency="low")
        index.index(row, subject, "card")
    index.index(web.add("TRAIN-1", "The train is late", "Since nine."), "The train is late", "train")
    return web


def test_five_similar_tickets_come_beside_each_ticket(world: PageWorld, person: Person) -> None:
    person.opens("/tickets/CARD-1?since=1d")
    panel = person.page.get_by_role("region", name="Similar tickets")
    expect(panel.locator("li")).to_have_count(5)
    now, past = panel.get_by_role("list").all()
    expect(now.locator("li")).to_have_count(3)
    expect(past.locator("li").first).to_contain_text("both say Lyon")
    expect(panel.get_by_role("heading", level=4).nth(1)).to_have_text("Past")
    past.get_by_role("link", name="Card 5 declined in Lyon").click()
    expect(person.page.locator("#ticket")).to_have_attribute("data-id", "CARD-5")
    assert person.complaints == []


def test_the_panel_follows_the_ticket_that_keys_open(world: PageWorld, person: Person) -> None:
    person.opens("/?since=1d")
    person.presses("j", "j", "k")
    current = person.page.locator("#ticket[data-id]")
    panel = person.page.get_by_role("region", name="Similar tickets")
    expect(panel.locator("li").first).to_be_visible()
    ticket_id = current.get_attribute("data-id")
    expect(panel.locator(".meta", has_text=str(ticket_id))).to_have_count(0)
    person.presses("u", "1")
    expect(person.page.locator("#flash")).to_contain_text(str(ticket_id))
    assert person.complaints == []


def test_words_are_typed_into_the_filter(world: PageWorld, person: Person) -> None:
    person.opens()
    person.presses("/")
    person.page.keyboard.type("train late")
    person.presses("Enter")
    person.sees_ticket("TRAIN-1")
    expect(person.page).to_have_url(f"{person.url}/?words=train+late")
    expect(person.page.get_by_role("heading", level=1)).to_have_text("Search")
    person.presses("j")
    expect(person.page.locator("#ticket")).not_to_have_attribute("data-id", "TRAIN-1")
    assert person.complaints == []


def test_without_javascript_a_link_leads_to_similar_tickets(world: PageWorld, browser: Any, url: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page: Page = context.new_page()
    page.goto(f"{url}/tickets/CARD-1")
    page.get_by_role("link", name="Show similar tickets").click()
    expect(page.get_by_role("link", name="Card 2 declined in Rome")).to_be_visible()
    context.close()
