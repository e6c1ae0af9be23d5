"""Gorgias: tickets of the API with their messages."""

from __future__ import annotations

from ticketmill.importers.attachments import attachments_of
from ticketmill.importers.conversation import AGENT, CUSTOMER, Message, conversation
from ticketmill.importers.priorities import WORDS_ALONE, level_of
from ticketmill.importers.raw_ticket import RawTicket, raw_ticket
from ticketmill.importers.values import Payload, first_text, names_of, objects, time_of

SOURCE = "gorgias"
FIELDS = {
    "ticket_id": "id",
    "subject": "subject",
    "body": "messages[] of the customer: body_text, else body_html; else excerpt",
    "priority": "priority: low, normal, high, critical",
    "created_at": "created_datetime",
    "customer_id": "customer.id, else customer.email",
    "tags": "tags[].name",
    "channel": "channel",
}
PRIORITIES = WORDS_ALONE


def matches(payload: Payload) -> bool:
    """Whether `payload` is a ticket."""
    return "created_datetime" in payload and ("messages" in payload or "excerpt" in payload)


def ticket(payload: Payload) -> RawTicket:
    """The ticket of a payload."""
    messages = objects(payload.get("messages"))
    excerpt = "" if messages else first_text(payload, "excerpt")
    return raw_ticket(
        SOURCE,
        first_text(payload, "id"),
        subject=first_text(payload, "subject"),
        body=conversation(map(_message, messages), excerpt),
        priority=level_of(payload.get("priority")),
        stated_priority=payload.get("priority"),
        created_at=payload.get("created_datetime"),
        customer_id=first_text(payload.get("customer"), "id", "email"),
        channel=first_text(payload, "channel", "via"),
        language=payload.get("language"),
        tags=names_of(payload.get("tags")),
        extra={"attachments": attachments_of(*(message.get("attachments") for message in messages))},
    )


def _message(message: Payload) -> Message:
    return Message(
        first_text(message, "body_text", "stripped_text", "body_html"),
        AGENT if message.get("from_agent") is True else CUSTOMER,
        time_of(message.get("created_datetime") or message.get("sent_datetime")),
        public=message.get("public") is not False and message.get("channel") != "internal-note",
    )
