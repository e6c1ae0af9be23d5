"""The page's queue of what is worth a label most."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from page_world import PageWorld
from starlette.testclient import TestClient

from ticketmill.domain.label import Correction, FoundBy
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.learning.sampling import Suspect, is_audit

HERE = "http://127.0.0.1:8080"
QUEUE = "/?queue=next"


@pytest.fixture
def world() -> PageWorld:
    return PageWorld()


def client_of(parts: WebParts) -> TestClient:
    return TestClient(make_app(parts), base_url=HERE, follow_redirects=False)


def listed(client: TestClient) -> list[str]:
    return re.findall(r'id="row-([^"]+)"', client.get(QUEUE).text)


def said(parts: WebParts, ticket_id: str) -> list[Correction]:
    return list(parts.corrections.journal.of_ticket(ticket_id))


def say(client: TestClient, ticket_id: str, **form: Any) -> Any:
    fields = {"list": "queue=next", "next": "", "advance": "yes", **form}
    return client.post(f"/tickets/{ticket_id}/labels", data=fields, headers={"Sec-Fetch-Site": "same-origin"})


def test_the_least_sure_ticket_comes_first_and_leaves_once_all_is_said(world: PageWorld) -> None:
    parts = world.page_parts(audit_share=0)
    world.add("A-1", "Sure", "All is clear.", confidence=0.95)
    world.add("A-2", "Unsure", "Hm.", confidence=0.3)
    with client_of(parts) as client:
        assert listed(client) == ["A-2", "A-1"]
        assert say(client, "A-2", confirm="all").status_code == 303
        assert listed(client) == ["A-1"]
    assert {each.found_by for each in said(parts, "A-2")} == {FoundBy.MARGIN}


def audit_of(world: PageWorld) -> str:
    """A ticket that is an audit."""
    ticket_id = next(f"A-{number}" for number in range(1000) if is_audit(f"A-{number}", 0.2))
    world.add(
        ticket_id,
        "Cannot log in",
        "I cannot log in.",
        urgency="critical",
        topics=("two_factor",),
        confidence=0.77,
    )
    return ticket_id


def test_an_audit_shows_nothing_of_what_the_models_say(world: PageWorld) -> None:
    parts = world.page_parts(audit_share=0.2)
    ticket_id = audit_of(world)
    with client_of(parts) as client:
        page = client.get(f"/tickets/{ticket_id}{QUEUE[1:]}").text.partition("<article")[2]
        assert 'id="blind"' in page
        for told in (
            'id="confirm"',
            'aria-pressed="true"',
            "77",
            "speaks for",
            "Raw JSON",
            f"/tickets/{ticket_id}/raw",
            f"/tickets/{ticket_id}/history",
            "Review, because",
        ):
            assert told not in page, told
        assert "77" in client.get(f"/tickets/{ticket_id}?since=30d").text.partition("<article")[2]


def test_an_audit_stays_until_every_task_is_said_and_its_topics_begin_with_none(world: PageWorld) -> None:
    parts = world.page_parts(audit_share=0.2)
    ticket_id = audit_of(world)
    with client_of(parts) as client:
        words = [
            ("topics", "billing"),
            ("urgency", "low"),
            ("intent", "bug_report"),
            ("sentiment", "neutral"),
        ]
        for number, (task, label) in enumerate(words):
            answer = say(client, ticket_id, next="elsewhere", **{task: label})
            stays = answer.headers["location"].startswith(f"/tickets/{ticket_id}?")
            assert stays == (number < len(words) - 1)
        assert listed(client) == []
    corrections = said(parts, ticket_id)
    assert {each.found_by for each in corrections} == {FoundBy.AUDIT}
    assert corrections[0].labels == ("billing",)
    assert corrections[0].shown is not None
    assert corrections[0].shown.labels == ("two_factor",)


def test_what_was_confirmed_unseen_is_no_audit(world: PageWorld) -> None:
    parts = world.page_parts(audit_share=0.2)
    ticket_id = audit_of(world)
    with client_of(parts) as client:
        say(client, ticket_id, confirm="all")
    assert {each.found_by for each in said(parts, ticket_id)} == {FoundBy.MARGIN}


def test_a_suspected_label_gets_one_second_look(world: PageWorld) -> None:
    doubted = (Suspect("A-1", "urgency"),)
    parts = replace(world.page_parts(audit_share=0), suspects=lambda: doubted)
    world.add("A-1", "Late", "It is late.")
    with client_of(parts) as client:
        say(client, "A-1", list="urgency=medium", confirm="all")
        assert listed(client) == ["A-1"]
        say(client, "A-1", urgency="high")
        assert listed(client) == []
    assert [each.found_by for each in said(parts, "A-1")][-1] is FoundBy.SUSPECT


def test_the_queue_is_narrowed_by_filters(world: PageWorld) -> None:
    parts = world.page_parts(audit_share=0)
    world.add("A-1", "Late", "It is late.", urgency="high")
    world.add("A-2", "Later", "It is later.", urgency="low")
    with client_of(parts) as client:
        assert re.findall(r'id="row-([^"]+)"', client.get(f"{QUEUE}&urgency=low").text) == ["A-2"]
        assert client.get("/?queue=last").status_code == 400
