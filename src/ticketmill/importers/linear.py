"""Linear: issues of the API and of webhooks."""

from __future__ import annotations

from ticketmill.importers.conversation import AGENT, CUSTOMER, Message, conversation
from ticketmill.importers.priorities import COUNTS_DOWN, level_of
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

SOURCE = "linear"
FIELDS = {
    "ticket_id": "identifier, else team.key and number, else id",
    "subject": "title",
    "body": "description, then the comments of the creator",
    "priority": "priority: 1 urgent, 2 high, 3 medium, 4 low; 0 says nothing",
    "created_at": "createdAt",
    "customer_id": "creatorId, else creator.id",
    "tags": "labels[].name",
    "channel": "none: linear",
}
PRIORITIES = COUNTS_DOWN


def matches(payload: Payload) -> bool:
    """Whether `payload` is an issue, or a webhook with one."""
    fields = _fields(payload)
    known = "identifier" in fields or "priorityLabel" in fields or "teamId" in fields
    return "title" in fields and known


def ticket(payload: Payload) -> RawTicket:
    """The ticket of a payload."""
    fields = _fields(payload)
    creator = first_text(fields, "creatorId") or first_text(fields.get("creator"), "id", "email", "name")
    number = "-".join(filter(None, (text_of(child(fields, "team", "key")), first_text(fields, "number"))))
    comments = objects(child(fields, "comments", "nodes")) or objects(fields.get("comments"))
    labels = child(fields, "labels", "nodes") or fields.get("labels")
    return raw_ticket(
        SOURCE,
        first_text(fields, "identifier") or (number if "-" in number else first_text(fields, "id", "number")),
        subject=first_text(fields, "title"),
        body=conversation([_message(each, creator) for each in comments], first_text(fields, "description")),
        priority=level_of(fields.get("priority"), PRIORITIES),
        created_at=fields.get("createdAt"),
        customer_id=creator,
        tags=names_of(labels),
    )


def _fields(payload: Payload) -> Payload:
    return first_object(payload.get("data") if payload.get("type") == "Issue" else None, payload)


def _message(comment: Payload, creator: str) -> Message:
    author = first_text(comment, "userId") or first_text(comment.get("user"), "id", "email", "name")
    return Message(
        first_text(comment, "body"),
        CUSTOMER if creator and author == creator else AGENT,
        time_of(comment.get("createdAt")),
    )
