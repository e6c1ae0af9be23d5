"""Search and similar tickets on the page, as a browser asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from page_world import PageWorld
from search_world import SearchWorld
from starlette.testclient import TestClient

from ticketmill.bootstrap.search import Search
from ticketmill.domain.errors import TransientFailure
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.parts import WebParts

HERE = "http://127.0.0.1:8080"
FRAGMENT = {"HX-Request": "true"}
DAY = 24 * 60


@pytest.fixture
def world(tmp_path: Path) -> PageWorld:
    """Two tickets about a card, and one about a train, of which one was received long ago."""
    web = PageWorld()
    index = SearchWorld(tmp_path, web)
    card, old, train = "Card declined in Lyon", "Lyon: the card is declined", "The train is late"
    index.index(web.add("A-1", card, "It says E51.", urgency="high"), f"{card}\nIt says E51.", "card")
    index.index(web.add("A-2", old, "Help.", minutes_ago=90 * DAY, urgency="low"), old, "card")
    index.index(web.add("A-3", train, "Help."), train, "train")
    web.add("A-4", "Not there yet", "It was enriched a moment ago.")
    return web


@pytest.fixture
def parts(world: PageWorld) -> WebParts:
    return world.page_parts()


@pytest.fixture
def client(parts: WebParts) -> Iterator[TestClient]:
    with TestClient(make_app(parts), base_url=HERE, follow_redirects=False) as client:
        yield client


def without_search(parts: WebParts) -> TestClient:
    return TestClient(make_app(replace(parts, search=None)), base_url=HERE, follow_redirects=False)


def test_typed_words_lead_to_what_they_find_the_best_first(client: TestClient) -> None:
    led = client.get("/", params={"filter": "card E51 abroad"})
    assert led.headers["location"] == "/?words=card+E51+abroad"
    page = client.get(led.headers["location"]).text
    assert "<h1>Search</h1>" in page
    assert page.index('id="row-A-1"') < page.index('id="row-A-2"') < page.index('id="row-A-3"')
    assert 'aria-label="Remove the filter words card E51 abroad"' in page
    narrowed = client.get("/?words=card&urgency=low").text
    assert 'id="row-A-2"' in narrowed and 'id="row-A-1"' not in narrowed


def test_one_word_is_a_ticket_where_there_is_one_of_that_id(client: TestClient) -> None:
    assert client.get("/?filter=A-2").headers["location"] == "/tickets/A-2"
    assert client.get("/?filter=E51").headers["location"] == "/?words=E51"


def test_a_search_that_finds_nothing_says_so(client: TestClient) -> None:
    page = client.get("/?words=card&customer=nobody").text
    assert "No ticket was found: remove a filter" in page


def test_a_search_that_cannot_be_answered_says_why(parts: WebParts) -> None:
    def loading() -> Search:
        raise TransientFailure("the models are being loaded; try again in a few seconds")

    with TestClient(make_app(replace(parts, search=loading)), base_url=HERE) as client:
        page = client.get("/?words=card")
    assert page.status_code == 503
    assert "The search does not answer." in page.text and "being loaded" in page.text


def test_without_an_index_words_are_no_filter_and_no_panel_is_shown(parts: WebParts) -> None:
    client = without_search(parts)
    assert "is no label" in client.get("/?filter=card+declined").text
    refused = client.get("/?words=card")
    assert refused.status_code == 400 and "no search index" in refused.text
    assert "Similar tickets" not in client.get("/tickets/A-1").text


def test_similar_tickets_come_after_the_ticket_with_what_was_decided(client: TestClient) -> None:
    ticket = client.get("/tickets/A-1?since=30d").text
    assert 'hx-get="/tickets/A-1/similar?since=30d"' in ticket
    assert "Lyon: the card" not in ticket.partition('id="ticket"')[2]
    panel = client.get("/tickets/A-1/similar?since=30d", headers=FRAGMENT).text
    assert "<html" not in panel
    now, past = panel.split("<h4>Past</h4>")
    assert "within seven days" in now and "A-3" in now
    assert 'href="/tickets/A-2?since=30d"' in past
    assert "urgency-low" in past
    assert "<q>Lyon</q>" in past


def test_the_link_without_javascript_leads_to_a_page(client: TestClient) -> None:
    page = client.get("/tickets/A-1/similar").text
    assert "<html" in page and "A-2" in page
    assert client.get("/tickets/A-404/similar").status_code == 404


def test_a_ticket_that_the_index_lacks_says_so_in_its_panel(client: TestClient) -> None:
    panel = client.get("/tickets/A-4/similar", headers=FRAGMENT)
    assert panel.status_code == 200
    assert "not in the search index yet" in panel.text
