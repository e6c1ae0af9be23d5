"""GitHub: issues of the API, of `gh issue list --json`, and of webhooks."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.importers.conversation import AGENT, CUSTOMER, Message, conversation
from ticketmill.importers.priorities import WORDS_ALONE, level_of_labels
from ticketmill.importers.raw_ticket import RawTicket, raw_ticket
from ticketmill.importers.values import (
    Payload,
    child,
    first_object,
    first_text,
    names_of,
    objects,
    text_of,
    time_of,
)

SOURCE = "github"
FIELDS = {
    "ticket_id": "owner, repository and number, of repository.full_name or of the issue's address",
    "subject": "title",
    "body": "body, then the comments of the issue's author",
    "priority": "labels such as P1 and priority: high",
    "created_at": "created_at",
    "customer_id": "user.login",
    "tags": "labels",
    "channel": "none: github",
}
PRIORITIES = WORDS_ALONE

_ADDRESS = re.compile(r"/(?:repos/)?([^/\s]+)/([^/\s]+)/(?:issues|pull)/\d+")
_REPOSITORY = re.compile(r"/repos/([^/\s]+)/([^/\s]+)/?$")


def matches(payload: Payload) -> bool:
    """Whether `payload` is an issue, or an event with one."""
    issue = payload.get("issue")
    if isinstance(issue, Mapping):
        return "action" in payload and "number" in issue
    if "title" not in payload or "body" not in payload or not isinstance(payload.get("number"), int):
        return False
    return "priority" not in payload and "subject" not in payload


def ticket(payload: Payload) -> RawTicket:
    """The ticket of a payload."""
    issue = first_object(payload.get("issue"), payload)
    if issue.get("pull_request"):
        message = "expected an issue, found a pull request"
        raise TicketRejected(RejectionCode.SCHEMA, message, "pull_request")
    opener = _login(issue)
    labels = names_of(issue.get("labels"))
    comments = objects(issue.get("comments"))
    if isinstance(payload.get("comment"), Mapping):
        comments = [*comments, payload["comment"]]
    return raw_ticket(
        SOURCE,
        "-".join(filter(None, (_repository(payload, issue), first_text(issue, "number", "id")))),
        subject=first_text(issue, "title"),
        body=conversation([_message(each, opener) for each in comments], first_text(issue, "body")),
        priority=level_of_labels(labels),
        created_at=issue.get("created_at") or issue.get("createdAt"),
        customer_id=opener,
        tags=labels,
    )


def _login(entry: Payload) -> str:
    return text_of(child(entry, "user", "login")) or text_of(child(entry, "author", "login"))


def _repository(payload: Payload, issue: Payload) -> str:
    """As in `owner-repository`; empty where the payload does not say."""
    full_name = text_of(child(payload, "repository", "full_name")) or text_of(
        child(issue, "repository", "full_name")
    )
    if full_name:
        return full_name.replace("/", "-")
    if found := _REPOSITORY.search(text_of(issue.get("repository_url"))):
        return "-".join(found.groups())
    address = first_text(issue, "html_url", "url")
    return "-".join(found.groups()) if (found := _ADDRESS.search(address)) else ""


def _message(comment: Payload, opener: str) -> Message:
    return Message(
        first_text(comment, "body"),
        CUSTOMER if opener and _login(comment) == opener else AGENT,
        time_of(comment.get("created_at") or comment.get("createdAt")),
    )
