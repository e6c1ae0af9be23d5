"""Duplicates by the API and on the page: proposals, groups, and a person's word on a pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from duplicate_world import DuplicateWorld, page_of_duplicates
from starlette.testclient import TestClient

from ticketmill.domain.duplicates import denied_of, reference_of
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.caller import Scope
from ticketmill.entrypoints.web.keys import add_key
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.entrypoints.web.problems import PROBLEM_TYPE

HERE = "http://127.0.0.1:8080"
API = "/api/v1/tickets"
FRAGMENT = {"HX-Request": "true", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def world(tmp_path: Path) -> DuplicateWorld:
    """T-2 and T-3 came after T-1 and say the same; T-4 is elsewhere."""
    return page_of_duplicates(tmp_path)


@pytest.fixture
def parts(world: DuplicateWorld) -> WebParts:
    return world.parts


@pytest.fixture
def client(parts: WebParts) -> Iterator[TestClient]:
    with TestClient(make_app(parts), base_url=HERE, follow_redirects=False) as client:
        yield client


def refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM_TYPE)
    assert answer.json()["code"] == code


class TestApi:
    def test_candidates_come_with_what_speaks_for_them(self, client: TestClient) -> None:
        told = client.get(f"{API}/T-3/duplicates?limit=2").json()
        assert told["is_indexed"] is True
        assert told["group"]["duplicates"] == []
        first, second = told["candidates"]
        assert {first["ticket_id"], second["ticket_id"]} == {"T-1", "T-2"}
        assert first["cosine"] > 0.9
        assert "crashes" in first["shared_words"]

    def test_a_verdict_makes_a_group_and_can_be_taken_back(
        self, client: TestClient, world: DuplicateWorld
    ) -> None:
        said = client.put(f"{API}/T-1/duplicates/T-3", json={"is_duplicate": True})
        assert said.json() == {"ticket_id": "T-3", "duplicate_of": "T-1", "not_duplicate_of": []}
        group = client.get(f"{API}/T-1/duplicates").json()["group"]
        assert group["reference"]["ticket_id"] == "T-1"
        assert [each["ticket_id"] for each in group["duplicates"]] == ["T-3"]
        refused(client.put(f"{API}/T-3/duplicates/T-1", json={"is_duplicate": True}), 409, "same_group")
        assert client.delete(f"{API}/T-1/duplicates/T-3").json()["duplicate_of"] is None
        assert reference_of(world.row("T-3")) is None
        refused(client.delete(f"{API}/T-1/duplicates/T-3"), 422, "nothing_to_undo")

    def test_each_denial_is_taken_back_alone(self, client: TestClient, world: DuplicateWorld) -> None:
        for other in ("T-1", "T-2"):
            client.put(f"{API}/T-3/duplicates/{other}", json={"is_duplicate": False, "note": "other pages"})
        left = client.get(f"{API}/T-3/duplicates").json()["candidates"]
        assert not {"T-1", "T-2"} & {each["ticket_id"] for each in left}
        client.delete(f"{API}/T-3/duplicates/T-1")
        assert denied_of(world.row("T-3")) == {"T-2"}
        client.delete(f"{API}/T-2/duplicates/T-3")
        assert denied_of(world.row("T-3")) == set()

    def test_what_is_not_there_is_told(self, client: TestClient) -> None:
        refused(client.get(f"{API}/T-9/duplicates"), 404, "unknown_ticket")
        refused(client.put(f"{API}/T-1/duplicates/T-9", json={"is_duplicate": True}), 404, "unknown_ticket")
        refused(client.put(f"{API}/T-1/duplicates/T-2", json={"same": True}), 422, "invalid_request")

    def test_verdicts_need_the_right_to_correct(self, world: DuplicateWorld, tmp_path: Path) -> None:
        file = tmp_path / "keys.json"
        key = add_key(file, "bob", [Scope.READ], world.web.now)
        web: Any = world.web
        headers = {"Authorization": f"Bearer {key}"}
        with TestClient(make_app(web.page_parts(api_keys_file=file)), base_url=HERE) as client:
            assert client.get(f"{API}/T-1/duplicates", headers=headers).status_code == 200
            url = f"{API}/T-1/duplicates/T-2"
            refused(client.put(url, json={"is_duplicate": True}, headers=headers), 403, "scope_missing")
            refused(client.delete(url, headers=headers), 403, "scope_missing")

    def test_without_a_search_index_the_answer_says_what_is_missing(self, world: DuplicateWorld) -> None:
        with TestClient(make_app(replace(world.parts, search=None)), base_url=HERE) as client:
            answer = client.get(f"{API}/T-1/duplicates")
        refused(answer, 501, "no_search")
        assert "ticketmill[search]" in answer.json()["next"]


class TestPage:
    def test_a_form_says_that_a_ticket_is_the_same_and_the_page_says_so(
        self, client: TestClient, world: DuplicateWorld
    ) -> None:
        asked = client.get("/tickets/T-3/duplicates").text
        assert "Same matter?" in asked and 'value="T-1"' in asked
        assert "hx-post" not in asked.partition('id="same-say"')[2].partition(">")[0]
        said = client.post("/tickets/T-3/duplicates", data={"confirm": "T-1", "list": "since=30d"})
        assert said.status_code == 303
        page = client.get(said.headers["location"]).text
        assert "T-3</bdi>: <bdi>recorded" in page
        assert 'Duplicate of <a href="/tickets/T-1?since=30d">' in page
        assert "Its duplicates" in client.get("/tickets/T-1/duplicates", headers=FRAGMENT).text
        undone = client.post("/tickets/T-3/labels", data={"undo": "duplicate_of", "list": "since=30d"})
        assert undone.status_code == 303
        assert reference_of(world.row("T-3")) is None

    def test_the_ticket_stays_and_what_was_said_can_be_undone(self, client: TestClient) -> None:
        told = client.post("/tickets/T-3/duplicates", data={"deny": "T-1"}, headers=FRAGMENT).text
        assert 'data-id="T-3"' in told
        assert "another matter than T-1" in told
        assert 'name="undo" value="not_duplicate_of"' in told

    def test_what_cannot_be_recorded_is_told(self, client: TestClient) -> None:
        client.post("/tickets/T-3/duplicates", data={"confirm": "T-1"})
        again = client.post("/tickets/T-3/duplicates", data={"confirm": "T-1"}, headers=FRAGMENT)
        assert again.status_code == 422 and "duplicates already" in again.text
        assert client.post("/tickets/T-9/duplicates", data={"confirm": "T-1"}).status_code == 404
        assert client.get("/tickets/T-9/duplicates").status_code == 404
        assert client.get("/tickets/T-1/duplicates?urgency=hihg").status_code == 400

    def test_without_a_search_index_the_part_stays_empty_and_its_page_says_why(
        self, world: DuplicateWorld
    ) -> None:
        with TestClient(make_app(replace(world.parts, search=None)), base_url=HERE) as client:
            assert "proposed" not in client.get("/tickets/T-1/duplicates", headers=FRAGMENT).text
            assert "ticketmill[search]" in client.get("/tickets/T-1/duplicates").text
