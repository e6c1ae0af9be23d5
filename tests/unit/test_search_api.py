"""Search and similar tickets over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from search_world import SearchWorld
from web_parts import WebWorld

from ticketmill.entrypoints.web.app import make_app
from ticketmill.text.mask import Mask

API = "/api/v1"
DAY = 24 * 60


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SearchWorld:
    world = SearchWorld(tmp_path_factory.mktemp("index"))
    world.add("T-1", "Card declined by the Bank of Harle.", "card", urgency="high", minutes_ago=1)
    world.add(
        "T-2",
        "The Bank of Harle declined the card that I have from work.",
        "card",
        urgency="low",
        minutes_ago=60 * DAY,
    )
    world.add("T-3", "The train is late, write to ada@example.com.", "train", minutes_ago=3)
    world.web.put("T-4", minutes_ago=4)
    return world


@pytest.fixture(scope="module")
def client(world: SearchWorld) -> TestClient:
    return _client(world.web)


def _client(web: WebWorld, **parts: Any) -> TestClient:
    from dataclasses import replace

    return TestClient(make_app(replace(web.parts(), **parts)), base_url="http://127.0.0.1")


def ids(answer: Any, name: str = "tickets") -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["ticket"]["ticket_id"] for each in answer.json()[name]]


def test_a_question_finds_tickets_of_any_time(client: TestClient) -> None:
    answer = client.get(f"{API}/search", params={"q": "card"})
    assert ids(answer)[:2] == ["T-1", "T-2"]
    first = answer.json()["tickets"][0]
    assert first["ticket"]["urgency"] == "high"
    assert first["score"] > 0
    assert answer.json()["is_complete"] is True


def test_a_search_has_the_filters_of_a_list(client: TestClient) -> None:
    assert ids(client.get(f"{API}/search", params={"q": "card", "urgency": "low"})) == ["T-2"]
    assert ids(client.get(f"{API}/search", params={"q": "card", "since": "7d", "limit": 1})) == ["T-1"]
    answer = client.get(f"{API}/search", params={"q": "card", "urgency": "purple"})
    assert answer.status_code == 422


@pytest.mark.parametrize("words", ["", "   ", "x" * 1001])
def test_a_question_without_words_and_one_too_long_are_refused(words: str, client: TestClient) -> None:
    answer = client.get(f"{API}/search", params={"q": words})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("words", ["the", "???", 'it\'s "quoted" AND (OR', "\0", "a:b*~2^3", "卡"])
def test_whatever_is_asked_is_answered(words: str, client: TestClient) -> None:
    assert client.get(f"{API}/search", params={"q": words}).status_code == 200


def test_tickets_like_one_are_told_with_what_was_decided(client: TestClient) -> None:
    answer = client.get(f"{API}/tickets/T-1/similar", params={"limit": 1})
    assert ids(answer, "similar") == ["T-2"]
    (like,) = answer.json()["similar"]
    assert like["when"] == "past"
    assert {"Bank", "Harle", "Card", "declined"} == set(like["words"])
    assert like["ticket"]["urgency"] == "low"
    assert like["duplicate_of"] is None


def test_similar_tickets_that_the_reader_knows_are_not_sent_again(client: TestClient) -> None:
    first = client.get(f"{API}/tickets/T-1/similar")
    again = client.get(f"{API}/tickets/T-1/similar", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


def test_a_ticket_that_the_index_lacks_says_so(client: TestClient) -> None:
    answer = client.get(f"{API}/tickets/T-4/similar")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_indexed")
    answer = client.get(f"{API}/tickets/T-404/similar")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_ticket")


def test_a_server_without_the_extra_says_what_to_install(world: SearchWorld) -> None:
    client = _client(world.web, search=None)
    for path in ("search?q=card", "tickets/T-1/similar"):
        answer = client.get(f"{API}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (501, "no_search")
        assert "ticketmill[search]" in answer.json()["next"]


def test_what_others_may_not_see_is_hidden(world: SearchWorld) -> None:
    world.add("T-5", "Mail", "cake", subject="Write to ada@example.com", minutes_ago=2)
    client = _client(world.web, mask=Mask(["email"]))
    answer = client.get(f"{API}/search", params={"q": "cake"})
    assert ids(answer)[0] == "T-5"
    assert "ada@example.com" not in answer.text
