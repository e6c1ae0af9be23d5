"""The page of drift, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from page_world import PageWorld
from starlette.testclient import TestClient
from web_parts import NOON, FakeDrift

from ticketmill.domain.errors import TransientFailure
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.page.drift import KEPT_FOR, KeptDrift
from ticketmill.learning.drift import Check, DriftReport
from ticketmill.learning.drift_history import KeptReport
from ticketmill.learning.drift_plot import DriftPoint

HERE = "http://127.0.0.1:8080"
FOUND = FakeDrift(
    checks=(
        Check("texts", 0.1, 0.4, 0.31, p_value=0.001, drifted=True),
        Check("review", 0.1, 0.12, 0.2, p_value=0.7),
        Check("audits of intent", note="fewer than 30 audits"),
    ),
    points=[DriftPoint(NOON, 0.02, 0.03), DriftPoint(NOON + timedelta(days=1), 0.05, 0.03)],
)


@pytest.fixture
def world() -> PageWorld:
    return PageWorld()


@pytest.fixture
def client(world: PageWorld) -> Iterator[TestClient]:
    with TestClient(make_app(world.page_parts()), base_url=HERE) as client:
        yield client


def test_checks_and_the_plot_are_shown(world: PageWorld, client: TestClient) -> None:
    world.drift = replace(FOUND)
    page = client.get("/drift").text
    assert '<span class="chip warn">drift</span> texts' in page
    assert page.count("as before") == 1 and "fewer than 30 audits" in page
    assert page.count('class="dot over"') == 1 and "As a table" in page
    assert 'href="/drift"' in client.get("/models").text


def test_how_it_went_is_drawn_and_told_from_the_kept_reports(world: PageWorld, client: TestClient) -> None:
    checks = (
        Check("texts", statistic=0.31, p_value=0.001, drifted=True),
        Check("labels of intent", shares={"bug_report": 0.625}),
    )
    kept = KeptReport(NOON - timedelta(days=3), DriftReport(checks, 0.05, 500, 200))
    world.drift = replace(FOUND, reports=[kept])
    page = client.get("/drift").text
    assert "Drift: distance in each report" in page
    assert "<td>0.625</td>" in page and f"{NOON - timedelta(days=3):%b %d}" in page


def test_with_too_few_tickets_the_page_says_what_is_missing(client: TestClient) -> None:
    page = client.get("/drift")
    assert page.status_code == 200 and "drift needs 50 tickets on each side" in page.text


def test_a_failing_table_is_told_with_a_link_to_look_again(world: PageWorld) -> None:
    def failing() -> FakeDrift:
        raise TransientFailure("DynamoDB throttles")

    parts = replace(world.page_parts(), drift=failing)
    with TestClient(make_app(parts), base_url=HERE) as client:
        page = client.get("/drift")
    assert page.status_code == 503 and "DynamoDB throttles" in page.text and "Look again" in page.text


def test_drift_is_measured_once_in_some_minutes() -> None:
    drift, now = replace(FOUND), [NOON]
    kept = KeptDrift(lambda: drift, lambda: now[0])
    first = kept.get()
    now[0] += KEPT_FOR - timedelta(seconds=1)
    assert kept.get() is first and drift.asked == 1
    now[0] += timedelta(seconds=1)
    assert kept.get() is not first and drift.asked == 2
