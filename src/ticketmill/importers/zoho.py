"""Zoho Desk: tickets of the API and of webhooks."""

from __future__ import annotations

from ticketmill.importers.conversation import AGENT, CUSTOMER, Message, conversation
from ticketmill.importers.priorities import WORDS_ALONE, level_of
from ticketmill.importers.raw_ticket import RawTicket, raw_ticket
from ticketmill.importers.values import Payload, first_object, first_text, names_of, objects, text_of, time_of

SOURCE = "zoho"
FIELDS = {
    "ticket_id": "ticketNumber, else id",
    "subject": "subject",
    "body": "description, then threads[] with the direction in",
    "priority": "priority: High, Medium, Low; -None- says nothing",
    "created_at": "createdTime",
    "customer_id": "contactId, else email",
    "tags": "category, classification",
    "channel": "channel",
}
PRIORITIES = WORDS_ALONE


def matches(payload: Payload) -> bool:
    """Whether `payload` is a ticket, or an event with one."""
    fields = _fields(payload)
    return "ticketNumber" in fields and ("subject" in fields or "description" in fields)


def ticket(payload: Payload) -> RawTicket:
    """The ticket of a payload."""
    fields = _fields(payload)
    stated = text_of(fields.get("priority"))
    return raw_ticket(
        SOURCE,
        first_text(fields, "ticketNumber", "id"),
        subject=first_text(fields, "subject"),
        body=conversation(map(_message, objects(fields.get("threads"))), first_text(fields, "description")),
        priority=level_of(stated),
        stated_priority=stated,
        created_at=fields.get("createdTime"),
        customer_id=first_text(fields, "contactId", "email"),
        channel=first_text(fields, "channel").lower(),
        language=fields.get("language"),
        tags=names_of([fields.get("category"), fields.get("classification")]),
    )


def _fields(payload: Payload) -> Payload:
    return first_object(payload.get("payload"), payload)


def _message(thread: Payload) -> Message:
    return Message(
        first_text(thread, "plainText", "content", "summary"),
        CUSTOMER if text_of(thread.get("direction")) == "in" else AGENT,
        time_of(thread.get("createdTime")),
        public=thread.get("visibility") != "private",
    )
