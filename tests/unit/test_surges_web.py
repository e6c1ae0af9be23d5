"""Surges over the API, in the stream of events, and on the pages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from page_world import PageWorld
from starlette.testclient import TestClient
from surge_samples import surge_record
from web_parts import NOON, WebWorld

from ticketmill.domain.errors import SetupError, TransientFailure
from ticketmill.domain.surge import SurgeVerdict
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.caller import Scope
from ticketmill.entrypoints.web.feed import Feed
from ticketmill.entrypoints.web.keys import add_key
from ticketmill.entrypoints.web.surges import RecentSurges
from ticketmill.operations.surge_records import SurgeRecords

HERE = "http://127.0.0.1:8080"
API = "/api/v1"
SURGE = f"{API}/surges/20261121-1a2b3c"


@pytest.fixture
def world() -> WebWorld:
    world = WebWorld()
    world.surges.add(surge_record(NOON))
    return world


@pytest.fixture
def client(world: WebWorld) -> Iterator[TestClient]:
    with TestClient(make_app(world.parts()), base_url=HERE, follow_redirects=False) as client:
        yield client


def test_surges_are_listed_the_open_ones_first_and_filtered(client: TestClient, world: WebWorld) -> None:
    closed = {"closed_at": NOON, "last_at": NOON + timedelta(minutes=1)}
    world.surges.add(surge_record(NOON, surge_id="20261121-ffffff", **closed))
    found = client.get(f"{API}/surges").json()["surges"]
    assert [(each["surge_id"][-6:], each["state"]) for each in found] == [
        ("1a2b3c", "open"),
        ("ffffff", "closed"),
    ]
    assert len(client.get(f"{API}/surges?state=closed").json()["surges"]) == 1
    assert client.get(SURGE).json() == found[0]


def test_people_acknowledge_snooze_and_dismiss(client: TestClient, world: WebWorld) -> None:
    assert client.post(f"{SURGE}/acknowledge").json()["state"] == "acknowledged"
    assert client.post(f"{SURGE}/snooze", json={"hours": 3}).json()["state"] == "snoozed"
    world.now += timedelta(hours=3.1)
    assert client.get(SURGE).json()["state"] == "open"
    answer = client.post(f"{SURGE}/dismiss").json()
    assert (answer["state"], answer["said"]["who"]) == ("dismissed", "local")


def test_what_cannot_be_is_a_problem(client: TestClient) -> None:
    missing = client.post(f"{API}/surges/20261121-000000/acknowledge")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_surge")
    assert client.get(f"{API}/surges/nothing").status_code == 422
    assert client.post(f"{SURGE}/snooze", json={"hours": 0}).status_code == 422
    assert client.post("/surges/20261121-1a2b3c", data={"say": "dance"}).status_code == 422


def test_who_may_only_read_says_nothing(world: WebWorld, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    reader, corrector = (add_key(keys, scope, [Scope(scope)], NOON) for scope in ("read", "correct"))
    with TestClient(make_app(world.parts(api_keys_file=keys)), base_url=HERE) as client:
        for key, status in ((reader, 403), (corrector, 200)):
            headers = {"Authorization": f"Bearer {key}"}
            assert client.post(f"{SURGE}/acknowledge", headers=headers).status_code == status


def test_the_banner_is_on_every_page_until_somebody_speaks(client: TestClient, world: WebWorld) -> None:
    for path in ("/", "/jobs", "/models", "/help"):
        shown = client.get(path).text
        assert "card declined" in shown and "14 tickets in 2 h, at most 9 at once (1.2 expected)" in shown
    said = client.post("/surges/20261121-1a2b3c", data={"say": "acknowledge", "back": "banner"})
    assert (said.status_code, said.headers["location"]) == (303, "/")
    assert "card declined" not in client.get("/").text
    assert world.surges.newest()[0].said is not None
    shown = client.get("/surges").text
    assert "card declined" in shown and "acknowledged" in shown


def test_the_page_of_a_surge_shows_its_tickets(tmp_path: Path) -> None:
    del tmp_path
    world = PageWorld()
    world.add("TKT-001", "<b>Card</b> declined", "My card was declined.")
    world.surges.add(surge_record(world.started_at, said=None))
    with TestClient(make_app(world.page_parts()), base_url=HERE, follow_redirects=False) as client:
        shown = client.get("/surges/20261121-1a2b3c").text
        assert 'href="/tickets/TKT-001"' in shown and "&lt;b&gt;Card" in shown
        assert "13 more are not shown" in shown
        assert client.get("/surges/20261121-000000").status_code == 404
        table = client.get("/surges", headers={"HX-Request": "true"}).text
        assert table.startswith('<div id="surge-list"')


class NoSurges:
    def newest(self, *_: Any) -> Any:
        raise TransientFailure("the table does not answer")


def test_where_surges_cannot_be_read_the_pages_show_all_the_rest(world: WebWorld) -> None:
    def missing() -> SurgeRecords:
        raise SetupError("no learning table")

    failing: Any = NoSurges
    for surges, status in ((missing, 503), (failing, 503)):
        parts = replace(world.parts(), surges=surges)
        with TestClient(make_app(parts), base_url=HERE) as client:
            assert client.get("/").status_code == 200
            assert client.get("/surges").status_code == status
            assert client.get(f"{API}/surges").status_code == status


def test_a_table_that_is_down_is_asked_once_in_a_while() -> None:
    asked = []

    def down() -> SurgeRecords:
        asked.append(1)
        raise TransientFailure("the table does not answer")

    recent = RecentSurges(down, lambda: NOON)
    with pytest.raises(TransientFailure):
        recent.get()
    assert recent.get() == []
    assert asked == [1]


def test_a_surge_that_changes_is_an_event(world: WebWorld) -> None:
    async def scenario() -> list[bytes]:
        parts = world.parts()
        feed = Feed(parts.queries, lambda: world.now, poll_every_s=0.001, surges=world.surges.newest)
        stream = feed.listen()
        await anext(stream)
        waiting: Any = asyncio.ensure_future(anext(stream))
        polls = feed.polls
        while feed.polls < polls + 3:
            await asyncio.sleep(0.001)
        now = NOON + timedelta(minutes=1)
        spoken = world.surges.say("20261121-1a2b3c", SurgeVerdict.ACKNOWLEDGE, "anna", now)
        found = [await asyncio.wait_for(waiting, 10)]
        waiting = asyncio.ensure_future(anext(stream))
        feed.notice_surge(spoken)
        found.append(await asyncio.wait_for(waiting, 10))
        feed.close()
        missed = feed._since(f"{NOON:%Y-%m-%dT%H:%M:%SZ}")
        return [*found, *missed]

    polled, noticed, missed = asyncio.run(scenario())
    for event in (polled, noticed, missed):
        head, _, data = event.decode().strip().rpartition("\ndata: ")
        assert head.endswith("event: surge")
        assert (json.loads(data)["name"], json.loads(data)["state"]) == ("card declined", "acknowledged")
