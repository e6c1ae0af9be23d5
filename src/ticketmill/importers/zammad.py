"""Zammad: tickets of the API, with their articles, and the webhooks of triggers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ticketmill.importers.attachments import attachments_of
from ticketmill.importers.conversation import AGENT, CUSTOMER, Message, conversation
from ticketmill.importers.priorities import COUNTS_UP, level_of
from ticketmill.importers.raw_ticket import RawTicket, raw_ticket
from ticketmill.importers.values import (
    Payload,
    first_object,
    first_text,
    name_of,
    names_of,
    objects,
    text_of,
    time_of,
)

SOURCE = "zammad"
FIELDS = {
    "ticket_id": "number, else id",
    "subject": "title",
    "body": "the article or articles[] whose sender is the customer",
    "priority": "priority or priority_id: 1 low, 2 normal, 3 high, and 4 urgent where one is added",
    "created_at": "created_at",
    "customer_id": "customer_id, else customer",
    "tags": "tags",
    "channel": "type of the first article",
}
PRIORITIES = COUNTS_UP

_PRIORITY = re.compile(r"\d \w+")


def matches(payload: Payload) -> bool:
    """Whether `payload` is a ticket, or the webhook of a trigger."""
    if isinstance(payload.get("ticket"), Mapping):
        return "article" in payload
    if "title" not in payload or "number" not in payload:
        return False
    return _PRIORITY.match(name_of(payload.get("priority"))) is not None or "article_count" in payload


def ticket(payload: Payload) -> RawTicket:
    """The ticket of a payload."""
    fields = first_object(payload.get("ticket"), payload)
    articles = [*objects([payload.get("article")]), *objects(fields.get("articles"))]
    stated = fields.get("priority", fields.get("priority_id"))
    return raw_ticket(
        SOURCE,
        first_text(fields, "number", "id"),
        subject=first_text(fields, "title") or (first_text(articles[0], "subject") if articles else ""),
        body=conversation(map(_message, articles), first_text(fields, "body", "note")),
        priority=level_of(stated, PRIORITIES),
        stated_priority=stated,
        created_at=fields.get("created_at"),
        customer_id=first_text(fields, "customer_id")
        or first_text(fields.get("customer"), "id", "email", "login")
        or first_text(fields, "customer"),
        channel=name_of(articles[0].get("type")) if articles else "",
        tags=names_of(fields.get("tags")),
        extra={"attachments": attachments_of(*(article.get("attachments") for article in articles))},
    )


def _message(article: Payload) -> Message:
    sender = name_of(article.get("sender")).lower() or CUSTOMER
    return Message(
        first_text(article, "body"),
        AGENT if sender == "agent" else sender,
        time_of(article.get("created_at")),
        public=article.get("internal") is not True and text_of(article.get("internal")) != "true",
    )
