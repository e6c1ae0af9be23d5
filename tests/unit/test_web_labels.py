"""What the API takes of people: labels, confirmations, and their undoing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from web_parts import WebWorld

from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.problems import PROBLEM_TYPE
from ticketmill.learning.sampling import is_audit
from ticketmill.settings_learning import LearningSettings

BASE = "http://127.0.0.1:8080"
API = "/api/v1"


@pytest.fixture
def world() -> WebWorld:
    return WebWorld()


@pytest.fixture
def client(world: WebWorld) -> Iterator[TestClient]:
    with TestClient(make_app(world.parts()), base_url=BASE) as client:
        yield client


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The problem document that an answer is."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM_TYPE)
    document: dict[str, Any] = answer.json()
    assert (document["status"], document["code"]) == (status, code)
    assert document["next"]
    return document


def test_a_person_outranks_the_model_and_the_history_says_who(client: TestClient, world: WebWorld) -> None:
    world.put("T-1")
    etag = client.get(f"{API}/tickets/T-1").headers["etag"]
    said = {"labels": {"urgency": "low", "topics": ["billing"]}, "note": "a typo"}
    answer = client.put(f"{API}/tickets/T-1/labels", json=said, headers={"If-Match": etag})
    row = answer.json()
    assert (row["urgency"], row["urgency_source"]) == ("low", "person")
    assert [topic["label"] for topic in row["topics"]] == ["billing"]
    assert row["predicted"]["urgency"]["labels"] == ["high"]
    assert answer.headers["etag"] != etag
    events = client.get(f"{API}/tickets/T-1/history").json()["events"]
    corrected = [each["correction"] for each in events if each["kind"] == "corrected"]
    assert {(each["task"], each["who"], each["note"]) for each in corrected} == {
        ("urgency", "local", "a typo"),
        ("topics", "local", "a typo"),
    }


def test_undo_takes_the_last_word_back(client: TestClient, world: WebWorld) -> None:
    world.put("T-1")
    for word, urgency in (("low", "low"), ({"kind": "undo"}, "high"), ({"kind": "confirm"}, "high")):
        answer = client.put(
            f"{API}/tickets/T-1/labels", json={"labels": {"urgency": word}}, headers={"If-Match": "*"}
        )
        assert answer.json()["urgency"] == urgency


def test_whoever_saw_an_older_revision_is_told_so_and_nothing_is_written(
    client: TestClient, world: WebWorld
) -> None:
    world.put("T-1")
    etag = client.get(f"{API}/tickets/T-1").headers["etag"]
    low, critical = ({"labels": {"urgency": urgency}} for urgency in ("low", "critical"))
    url = f"{API}/tickets/T-1/labels"
    assert client.put(url, json=low, headers={"If-Match": etag}).status_code == 200
    problem(client.put(url, json=critical, headers={"If-Match": etag}), 412, "stale_revision")
    problem(client.put(url, json=critical), 428, "if_match_missing")
    problem(client.put(url, json=critical, headers={"If-Match": "now"}), 400, "bad_if_match")
    assert client.get(f"{API}/tickets/T-1").json()["urgency"] == "low"


def test_only_a_ticket_that_was_drawn_at_random_is_an_audit(client: TestClient, world: WebWorld) -> None:
    ids = [f"T-{number}" for number in range(500)]
    drawn = next(each for each in ids if is_audit(each, LearningSettings().audit_share))
    other = next(each for each in ids if not is_audit(each, LearningSettings().audit_share))
    said = {"labels": {"urgency": "low"}, "found_by": "audit"}
    for ticket_id in (drawn, other):
        world.put(ticket_id)
    url, any_revision = f"{API}/tickets/{{}}/labels", {"If-Match": "*"}
    assert client.put(url.format(drawn), json=said, headers=any_revision).status_code == 200
    problem(client.put(url.format(other), json=said, headers=any_revision), 422, "no_audit")
    seen = said | {"found_by": "found"}
    assert client.put(url.format(drawn), json=seen, headers=any_revision).status_code == 200
    problem(client.put(url.format(drawn), json=said, headers=any_revision), 422, "no_audit")


def test_a_label_that_there_is_not_is_refused_with_those_that_there_are(
    client: TestClient, world: WebWorld
) -> None:
    world.put("T-1")
    url, any_revision = f"{API}/tickets/T-1/labels", {"If-Match": "*"}
    answer = client.put(url, json={"labels": {"urgency": "hgih"}}, headers=any_revision)
    assert 'did you mean "high"' in problem(answer, 422, "unknown_label")["detail"]
    answer = client.put(url, json={"labels": {"mood": "high"}}, headers=any_revision)
    problem(answer, 422, "unknown_task")
    answer = client.put(f"{API}/tickets/T-9/labels", json={"labels": {"urgency": "low"}})
    problem(answer, 428, "if_match_missing")
