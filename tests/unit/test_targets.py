"""One contract for all targets over HTTP, against a local server with answers as the services give them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from answering_server import AnsweringServer, Asked, Reply
from routing_samples import change, event, rule

from ticketmill.domain.errors import RetryLater, SetupError, TransientFailure
from ticketmill.domain.event import TicketEvent
from ticketmill.operations.routing import event_of
from ticketmill.targets.http import HttpClient
from ticketmill.targets.table import HttpTarget, http_target

SECRETS = {"TOKEN": "t0ken", "AGENT": "agent@acme.example", "HOOK_SECRET": "whsec_" + "c2VjcmV0"}
KEY = "zendesk-42/7/r"


@dataclass
class HelpdeskState:
    """What a helpdesk keeps of one ticket, so far as the four APIs tell it in their own forms."""

    notes: list[Any] = field(default_factory=list)
    tags: list[str] = field(default_factory=lambda: ["old"])

    def zendesk(self, asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply(200, {"comments": self.notes, "next_page": None, "count": len(self.notes)})
        document = asked.json()
        if asked.path.endswith("/tags.json"):
            self.tags += document["tags"]
            return Reply(200, {"tags": self.tags})
        comment = document["ticket"].get("comment")
        self.notes += [{"id": 1, "body": comment["body"], "public": comment["public"]}] if comment else []
        return Reply(200, {"ticket": {"id": 42}, "audit": {"id": 9}})

    def freshdesk(self, asked: Asked) -> Reply:
        if asked.method == "GET" and "/conversations" in asked.path:
            return Reply(200, self.notes)
        if asked.method == "GET":
            return Reply(200, {"id": 42, "tags": self.tags, "priority": 1})
        if asked.method == "POST":
            text = re.sub("<[^>]+>", "\n", asked.json()["body"])
            self.notes.append({"id": 1, "body_text": text, "private": asked.json()["private"]})
            return Reply(201, self.notes[-1])
        self.tags = asked.json().get("tags", self.tags)
        return Reply(200, {"id": 42})

    def jira(self, asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply(200, {"startAt": 0, "total": len(self.notes), "comments": self.notes})
        if asked.method == "POST":
            self.notes.append({"id": "1", "body": asked.json()["body"]})
            return Reply(201, self.notes[-1])
        self.tags += [each["add"] for each in asked.json()["update"].get("labels", [])]
        return Reply(204)

    def github(self, asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply(200, self.notes)
        if asked.path.endswith("/labels"):
            self.tags += asked.json()["labels"]
            return Reply(200, [{"name": each} for each in self.tags])
        self.notes.append({"id": 1, "body": asked.json()["body"]})
        return Reply(201, self.notes[-1])


HELPDESKS: dict[str, dict[str, Any]] = {
    "zendesk": {"user_env": "AGENT", "note": "Looks {urgency}."},
    "freshdesk": {"note": "Looks {urgency}."},
    "jira": {"user_env": "AGENT", "note": "Looks {urgency}."},
    "github": {"repository": "acme/shop", "comment": "Looks {urgency}."},
}
TICKETS = {
    "zendesk": "zendesk-42",
    "freshdesk": "freshdesk-42",
    "jira": "jira-SHOP-42",
    "github": "github-acme-shop-42",
}
OTHERS = {"webhook": {"url_env": "URL", "secret_env": "HOOK_SECRET"}, "slack": {"url_env": "URL"}}


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    made = AnsweringServer()
    yield made
    made.close()


Make = Callable[..., tuple[HttpTarget, TicketEvent]]


@pytest.fixture
def make(server: AnsweringServer) -> Make:
    """A target of a kind, and an event for it."""

    def made(
        kind: str, secrets: dict[str, str] | None = None, **fields: Any
    ) -> tuple[HttpTarget, TicketEvent]:
        send: dict[str, Any] = {"to": kind, **(OTHERS.get(kind) or HELPDESKS[kind])}
        if kind in HELPDESKS:
            send |= {"base_url": server.url, "token_env": "TOKEN", "apply": True, "set_priority": True}
            send["tags"] = ["urgency-{urgency}", "team {language}"]
        of = rule(send={**send, **fields})
        known = {**SECRETS, "URL": f"{server.url}/hook"} if secrets is None else secrets
        target = http_target(of.send, HttpClient(read_timeout_s=2), known)  # type: ignore[arg-type]
        return target, event_of(of, change(ticket_id=TICKETS.get(kind, "zendesk-42")))

    return made


ALL = [*HELPDESKS, *OTHERS]


@pytest.mark.parametrize("kind", ALL)
class TestEveryTarget:
    def test_each_writing_call_has_the_idempotency_key(
        self, kind: str, make: Make, server: AnsweringServer
    ) -> None:
        server.reply = getattr(HelpdeskState(), kind, lambda _asked: Reply())
        target, told = make(kind)
        target.send(told)
        calls = server.by_method("POST", "PUT")
        assert calls
        assert {each.headers["Idempotency-Key"] for each in calls} == {told.idempotency_key}

    def test_a_rate_limit_is_told(self, kind: str, make: Make, server: AnsweringServer) -> None:
        server.reply = lambda _asked: Reply(429, headers={"Retry-After": "30"})
        target, told = make(kind)
        with pytest.raises(RetryLater) as raised:
            target.send(told)
        assert raised.value.after_s == 30
        assert len(server.asked) == 1

    def test_an_error_is_a_failure_that_quotes_neither_ticket_nor_secret(
        self, kind: str, make: Make, server: AnsweringServer
    ) -> None:
        server.reply = lambda _asked: Reply(401, {"error": "The site is down. t0ken"})
        target, told = make(kind)
        with pytest.raises(TransientFailure) as raised:
            target.send(told)
        assert "down" not in str(raised.value)
        assert "t0ken" not in str(raised.value)

    def test_a_secret_that_is_not_set_is_named(self, kind: str, make: Make, server: AnsweringServer) -> None:
        target, told = make(kind, secrets={})
        with pytest.raises(SetupError, match="is not set"):
            target.send(told)
        assert server.asked == []

    def test_what_was_done_is_told_without_the_ticket(
        self, kind: str, make: Make, server: AnsweringServer
    ) -> None:
        server.reply = getattr(HelpdeskState(), kind, lambda _asked: Reply())
        target, told = make(kind)
        assert "site is down" not in target.send(told)


@pytest.mark.parametrize("kind", HELPDESKS)
class TestEveryHelpdesk:
    def test_tags_priority_and_note_are_written_once_however_often_they_are_sent(
        self, kind: str, make: Make, server: AnsweringServer
    ) -> None:
        state = HelpdeskState()
        server.reply = getattr(state, kind)
        target, told = make(kind)
        target.send(told)
        target.send(told)
        assert {"old", "urgency-critical"} <= set(state.tags)
        assert not any("team" in each for each in state.tags), "a tag without a value"
        assert len(state.notes) == 1
        assert "Looks critical." in json.dumps(state.notes)

    def test_without_apply_nothing_is_called_and_it_is_said_what_would_be(
        self, kind: str, make: Make, server: AnsweringServer
    ) -> None:
        target, told = make(kind, apply=False)
        said = target.send(told)
        assert server.asked == []
        assert "dry run: would write tags urgency-critical and priority critical and a note" in said

    def test_a_ticket_of_another_source_is_left_alone(
        self, kind: str, make: Make, server: AnsweringServer
    ) -> None:
        target, told = make(kind)
        target.send(told.model_copy(update={"ticket_id": "TKT-001"}))
        assert server.asked == []


def priorities(server: AnsweringServer) -> list[Any]:
    return [each.json() for each in server.by_method("PUT") if not each.path.endswith("tags.json")]


def test_zendesk_has_its_words_paths_and_an_internal_note(make: Make, server: AnsweringServer) -> None:
    server.reply = HelpdeskState().zendesk
    target, told = make("zendesk")
    target.send(told)
    tags, _, update = server.asked
    assert tags.path == "/api/v2/tickets/42/tags.json"
    assert update.path == "/api/v2/tickets/42.json"
    assert update.json()["ticket"]["priority"] == "urgent"
    assert update.json()["ticket"]["comment"]["public"] is False
    token = base64.b64encode(b"agent@acme.example/token:t0ken").decode()
    assert update.headers["Authorization"] == f"Basic {token}"


def test_freshdesk_keeps_tags_and_notes_privately(make: Make, server: AnsweringServer) -> None:
    server.reply = HelpdeskState().freshdesk
    target, told = make("freshdesk")
    target.send(told)
    (update,) = server.by_method("PUT")
    assert update.json() == {"tags": ["old", "urgency-critical"], "priority": 4}
    (note,) = server.by_method("POST")
    assert (note.path, note.json()["private"]) == ("/api/v2/tickets/42/notes", True)


def test_a_note_of_freshdesk_is_found_on_a_later_page(make: Make, server: AnsweringServer) -> None:
    mark = "ticketmill freshdesk-42/7/r"
    pages = {"1": [{"body_text": "hello"}] * 100, "2": [{"body_text": mark}]}

    def reply(asked: Asked) -> Reply:
        if "/conversations" in asked.path:
            return Reply(200, pages[asked.path.rpartition("page=")[2]])
        return Reply(200, {"tags": []})

    server.reply = reply
    target, told = make("freshdesk")
    target.send(told)
    assert server.by_method("POST") == []


def test_jira_updates_by_operations_and_comments_internally(make: Make, server: AnsweringServer) -> None:
    server.reply = HelpdeskState().jira
    target, told = make("jira")
    target.send(told)
    (update,) = server.by_method("PUT")
    assert update.path == "/rest/api/3/issue/SHOP-42"
    assert update.json()["update"]["priority"] == [{"set": {"name": "Highest"}}]
    (comment,) = server.by_method("POST")
    assert comment.json()["properties"][0]["value"] == {"internal": True}
    assert comment.json()["body"]["type"] == "doc"


def test_github_has_labels_and_a_comment(make: Make, server: AnsweringServer) -> None:
    state = HelpdeskState()
    server.reply = state.github
    target, told = make("github")
    target.send(told)
    assert "priority: critical" in state.tags
    assert {each.path.partition("?")[0] for each in server.asked} == {
        "/repos/acme/shop/issues/42/labels",
        "/repos/acme/shop/issues/42/comments",
    }


def test_a_webhook_is_signed_over_id_time_and_body(make: Make, server: AnsweringServer) -> None:
    target, told = make("webhook")
    target.send(told)
    (asked,) = server.asked
    signed = f"{KEY}.{asked.headers['webhook-timestamp']}.".encode() + asked.body
    expected = base64.b64encode(hmac.new(b"secret", signed, hashlib.sha256).digest()).decode()
    assert asked.headers["webhook-signature"] == f"v1,{expected}"
    assert asked.headers["webhook-id"] == KEY
    assert asked.json()["labels"]["urgency"]["labels"] == ["critical"]


def test_what_a_ticket_says_to_slack_mentions_nobody(server: AnsweringServer, make: Make) -> None:
    target, _ = make("slack")
    target.send(event(summary="<!channel> <https://evil.example|here> & there"))
    (asked,) = server.asked
    assert asked.json()["text"] == (
        "*critical* bug_report · zendesk-42: &lt;!channel&gt; &lt;https://evil.example|here&gt; &amp; there"
    )


def test_a_priority_that_nobody_knows_is_not_written(make: Make, server: AnsweringServer) -> None:
    server.reply = HelpdeskState().zendesk
    target, told = make("zendesk")
    labels = {name: each for name, each in told.labels.items() if name != "urgency"}
    target.send(told.model_copy(update={"labels": labels}))
    assert all("priority" not in each["ticket"] for each in priorities(server))
