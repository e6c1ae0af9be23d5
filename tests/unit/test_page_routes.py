"""The page as a browser asks for it, over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from page_world import PageWorld
from starlette.testclient import TestClient

from ticketmill.domain.effective_row import EffectiveRow, effective
from ticketmill.domain.errors import TransientFailure
from ticketmill.entrypoints.web.answers import Answers
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.parts import WebParts

HERE = "http://127.0.0.1:8080"
FRAGMENT = {"HX-Request": "true"}


class Announcements:
    """Stands in for the feed of changes, and keeps what it is told."""

    def __init__(self) -> None:
        self.rows: list[EffectiveRow] = []

    def notice(self, row: EffectiveRow) -> None:
        self.rows.append(row)

    def close(self) -> None:
        pass


@pytest.fixture
def world() -> PageWorld:
    return PageWorld()


@pytest.fixture
def parts(world: PageWorld) -> WebParts:
    return world.page_parts()


@pytest.fixture
def client(parts: WebParts) -> Iterator[TestClient]:
    with TestClient(make_app(parts), base_url=HERE, follow_redirects=False) as client:
        yield client


def test_the_start_says_what_to_do_where_there_are_no_tickets(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "ticketmill drop" in page.text and "ticketmill work" in page.text
    assert "One is at work (messages in flight: 1, waiting: 2)." in page.text


def test_a_view_without_tickets_leads_to_all(world: PageWorld, client: TestClient) -> None:
    world.add("A-1", "Fine", "All is fine.", review=False)
    assert "Nothing needs review" in client.get("/").text
    assert "Fine" in client.get("/?since=30d").text


def test_every_page_forbids_scripts_and_styles_but_ours(world: PageWorld, client: TestClient) -> None:
    world.add_many(1)
    for path in ("/", "/tickets/TKT-001", "/trends", "/help", "/tickets/TKT-001/raw"):
        page = client.get(path)
        policy = page.headers["content-security-policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=\"/static/)", page.text)
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", page.text)


def test_files_are_kept_by_browsers_until_they_change(client: TestClient) -> None:
    address = re.findall(r'src="(/static/[^"]+)"', client.get("/").text)[0]
    answer = client.get(address)
    assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
    assert client.get("/static/../looking.py").status_code == 404


def test_a_filter_that_is_none_is_told_in_its_place(client: TestClient) -> None:
    page = client.get("/?urgency=hihg")
    assert page.status_code == 400 and "did you mean" in page.text
    assert client.get("/?filter=critical").headers["location"] == "/?urgency=critical"
    assert client.get("/?filter=TKT-9").headers["location"] == "/tickets/TKT-9"


def test_a_failing_table_is_told_with_a_link_to_look_again(
    parts: WebParts, world: PageWorld, client: TestClient
) -> None:
    class Failing:
        def search(self, *_args: object, **_kwargs: object) -> Iterator[object]:
            raise TransientFailure("DynamoDB throttles")

    queries = replace(parts.queries, index=Failing())
    with TestClient(make_app(replace(parts, queries=queries)), base_url=HERE) as client:
        page = client.get("/")
    assert page.status_code == 503
    assert "DynamoDB throttles" in page.text and "Look again" in page.text


def test_a_form_corrects_and_leads_to_the_next_ticket(world: PageWorld, client: TestClient) -> None:
    first, second = world.add_many(2)
    said = {"revision": "1", "list": "review=yes", "next": second, "advance": "yes", "urgency": "critical"}
    answer = client.post(f"/tickets/{first}/labels", data=said)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/tickets/{second}?review=yes")
    assert effective(world.rows.rows[first]).urgency == "critical"
    page = client.get(answer.headers["location"])
    assert f"{first}</bdi>: <bdi>recorded" in page.text


def test_a_correction_shows_in_the_lists_of_the_api_at_once_and_is_announced(world: PageWorld) -> None:
    (first,) = world.add_many(1)
    app = make_app(world.page_parts())
    app.state.answers = Answers(kept_s=3600)
    app.state.feed = feed = Announcements()
    with TestClient(app, base_url=HERE, follow_redirects=False) as client:
        client.get("/api/v1/tickets")
        for said in ({"urgency": "critical"}, {"undo": "urgency"}):
            revision = str(world.rows.rows[first].revision)
            answer = client.post(f"/tickets/{first}/labels", data={"revision": revision, **said})
            assert answer.status_code == 303
            (row,) = client.get("/api/v1/tickets").json()["tickets"]
            assert row["urgency"] == effective(world.rows.rows[first]).urgency
    assert [row.urgency for row in feed.rows] == ["critical", "medium"]


def test_a_stale_form_is_refused_with_what_stands_now(world: PageWorld, client: TestClient) -> None:
    first, *_ = world.add_many(1)
    client.post(f"/tickets/{first}/labels", data={"revision": "1", "urgency": "low"})
    answer = client.post(
        f"/tickets/{first}/labels", data={"revision": "1", "urgency": "critical"}, headers=FRAGMENT
    )
    assert answer.status_code == 412
    assert "local said that urgency is low" in answer.text
    assert effective(world.rows.rows[first]).urgency == "low"


@pytest.mark.parametrize(
    ("said", "status"),
    [({"urgency": "extreme"}, 422), ({"undo": "urgency"}, 422), ({"cannot_tell": "mood"}, 422)],
)
def test_what_cannot_be_recorded_is_told(
    world: PageWorld, client: TestClient, said: dict[str, str], status: int
) -> None:
    first, *_ = world.add_many(1)
    answer = client.post(f"/tickets/{first}/labels", data={"revision": "1", **said})
    assert answer.status_code == status and "cannot be recorded" in answer.text


def test_a_form_of_another_site_changes_nothing(world: PageWorld, client: TestClient) -> None:
    first, *_ = world.add_many(1)
    answer = client.post(
        f"/tickets/{first}/labels", data={"urgency": "low"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert effective(world.rows.rows[first]).urgency == "medium"


def test_masked_kinds_are_hidden_in_list_ticket_and_raw_json(world: PageWorld) -> None:
    from ticketmill.text.mask import Mask

    world.add("M-1", "Mail me", "Write to jo@example.org please.", summary="Write to jo@example.org")
    parts = replace(world.page_parts(), mask=Mask(["email"]))
    with TestClient(make_app(parts), base_url=HERE) as client:
        for path in ("/", "/tickets/M-1", "/tickets/M-1/raw", "/list?review=yes"):
            text = client.get(path).text
            assert "jo@example.org" not in text and "**@*******.***" in text


def test_a_ticket_without_enrichment_shows_why_and_its_raw_object(
    world: PageWorld, client: TestClient
) -> None:
    row = world.add("GONE-1", "Lost", "The object is lost.")
    world.enriched.objects.clear()
    page = client.get(f"/tickets/{row.ticket_id}")
    assert page.status_code == 200 and "ticketmill backfill --ids GONE-1" in page.text
    assert "The object is lost." in client.get("/tickets/GONE-1/raw").text
    assert client.get("/tickets/NONE").status_code == 404


def test_a_list_ends_after_fifty_tickets_and_goes_on(world: PageWorld, client: TestClient) -> None:
    world.add_many(60)
    page = client.get("/")
    assert page.text.count('class="row"') == 50
    older = re.findall(r'id="older" href="([^"]+)"', page.text)[0].replace("&amp;", "&")
    assert client.get(older).text.count('class="row"') == 10


def test_the_parts_that_come_later_are_answered_alone(world: PageWorld, client: TestClient) -> None:
    first, *_ = world.add_many(3)
    client.post(f"/tickets/{first}/labels", data={"revision": "1", "urgency": "low", "note": "no hurry"})
    views = client.get("/views?review=yes", headers=FRAGMENT).text
    assert '<span class="count">3</span>' in views and "<html" not in views
    history = client.get(f"/tickets/{first}/history", headers=FRAGMENT).text
    assert "number 1: urgency is low, not medium" in history and "no hurry" in history


def test_trends_lead_to_the_tickets_of_a_day_and_label(world: PageWorld, client: TestClient) -> None:
    world.add("C-1", "Down", "All is down.", minutes_ago=0, urgency="critical")
    page = client.get("/trends?by=urgency&days=7").text
    address = re.findall(r'<a href="([^"]*urgency=critical[^"]*)" aria-label="[^"]*: 1 critical"', page)[0]
    assert "C-1" in client.get(address.replace("&amp;", "&")).text
    assert client.get("/trends?by=nonsense&days=x").status_code == 200


def test_a_person_saves_and_removes_views(client: TestClient) -> None:
    saved = client.post("/views", data={"list": "urgency=high", "name": "Mine"})
    assert saved.headers["location"] == "/?urgency=high"
    assert "httponly" in saved.headers["set-cookie"].lower()
    assert "Mine" in client.get("/").text
    client.post("/views", data={"list": "", "remove": "Mine"})
    assert "Mine" not in client.get("/").text
