"""The last report of gaps, over HTTP and on its page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from gap_world import GapWorld, usual_period
from starlette.testclient import TestClient
from web_parts import NOON

from ticketmill.domain.errors import SetupError
from ticketmill.domain.gap_report import GapReport
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.queries.gaps import BELOW
from ticketmill.text.mask import Mask

HERE = "http://127.0.0.1:8080"


@pytest.fixture
def world(tmp_path: Path) -> GapWorld:
    return usual_period(tmp_path)


def client_of(parts: WebParts) -> TestClient:
    return TestClient(make_app(parts), base_url=HERE)


@pytest.fixture
def report(world: GapWorld) -> GapReport:
    return world.desk().find(NOON - timedelta(days=28), NOON, BELOW)


@pytest.fixture
def client(world: GapWorld, report: GapReport) -> Iterator[TestClient]:
    with client_of(replace(world.web.parts(), gaps=lambda: report)) as client:
        yield client


def test_the_api_gives_the_last_report(client: TestClient, report: GapReport) -> None:
    told = client.get("/api/v1/gaps").json()["report"]
    assert GapReport.model_validate(told) == report


def test_the_page_shows_gaps_their_tickets_and_how_to_make_labels(
    client: TestClient, report: GapReport
) -> None:
    page = client.get("/gaps").text
    for gap in report.gaps:
        assert f"ticketmill gaps label {gap.id} {gap.label} --taxonomy topics.yaml" in page
        assert f'href="/tickets/{gap.tickets[0]}"' in page
    assert "about card" in page and page.count("Make this a label") == len(report.gaps)
    assert "login issue · payment issue" in page
    assert 'href="/gaps"' in client.get("/models").text


def test_a_ticket_without_a_row_is_not_shown(world: GapWorld, report: GapReport) -> None:
    gone = report.gaps[0].tickets[0]
    del world.web.rows.rows[gone]
    parts = replace(world.web.parts(), gaps=lambda: report.model_copy(update={"overlaps": ()}))
    with client_of(parts) as client:
        page = client.get("/gaps").text
    assert gone not in page and report.gaps[0].tickets[1] in page


def test_tickets_are_shown_as_people_may_see_them(world: GapWorld, report: GapReport) -> None:
    class Hidden(Mask):
        def row(self, row):  # type: ignore[no-untyped-def]
            return row.model_copy(update={"summary_display": "hidden"})

    with client_of(replace(world.web.parts(), gaps=lambda: report, mask=Hidden())) as client:
        page = client.get("/gaps").text
    assert "about card" not in page and "hidden" in page


def test_where_nobody_has_looked_the_page_says_which_command_does(world: GapWorld) -> None:
    with client_of(world.web.parts()) as client:
        assert client.get("/api/v1/gaps").json() == {"report": None}
        assert "<code>ticketmill gaps</code>" in client.get("/gaps").text


def test_a_stack_that_keeps_nothing_is_told(world: GapWorld) -> None:
    def nothing() -> GapReport:
        raise SetupError("stack x has no learning table")

    with client_of(replace(world.web.parts(), gaps=nothing)) as client:
        page = client.get("/gaps")
        assert client.get("/api/v1/gaps").status_code == page.status_code == 503
    assert "stack x has no learning table" in page.text and "Look again" in page.text
