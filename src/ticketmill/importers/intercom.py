"""Intercom: conversations and tickets of the API, and the topics of webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ticketmill.importers.attachments import attachments_of
from ticketmill.importers.conversation import AGENT, CUSTOMER, Message, conversation
from ticketmill.importers.priorities import WORDS_ALONE
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

SOURCE = "intercom"
FIELDS = {
    "ticket_id": "id",
    "subject": "title, else source.subject, else ticket_attributes._default_title_",
    "body": "source.body, then conversation_parts[] of users, leads and contacts",
    "priority": "priority: priority is high; not_priority says nothing",
    "created_at": "created_at (Unix)",
    "customer_id": "contacts[0].id, else source.author.id",
    "tags": "tags.tags[].name",
    "channel": "source.type",
}
PRIORITIES = WORDS_ALONE

_CUSTOMERS = {"user", "lead", "contact", "visitor"}
_PRIORITIES = ("priority", "not_priority")


def matches(payload: Payload) -> bool:
    """Whether `payload` is a conversation, a ticket, a flat conversation, or a webhook with one."""
    if payload.get("type") == "notification_event":
        return True
    if payload.get("type") == "conversation" and ("source" in payload or "conversation_parts" in payload):
        return True
    flat = "id" in payload and "body" in payload and payload.get("priority") in _PRIORITIES
    return flat or "ticket_attributes" in payload


def ticket(payload: Payload) -> RawTicket:
    """The ticket of a payload."""
    fields = first_object(child(payload, "data", "item"), payload)
    source, attributes = fields.get("source"), fields.get("ticket_attributes")
    author = child(source, "author")
    contacts = objects(child(fields, "contacts", "contacts")) or objects(fields.get("contacts"))
    contact = contacts[0] if contacts else author
    parts = _parts(fields)
    return raw_ticket(
        SOURCE,
        first_text(fields, "id", "ticket_id"),
        subject=first_text(fields, "title", "subject")
        or first_text(source, "subject")
        or first_text(attributes, "_default_title_"),
        body=conversation(
            [*_opening(fields), *map(_message, parts)], first_text(attributes, "_default_description_")
        ),
        priority="high" if fields.get("priority") == "priority" else None,
        created_at=fields.get("created_at"),
        customer_id=first_text(contact, "id", "external_id", "email") or first_text(author, "id", "email"),
        channel=first_text(source, "type"),
        tags=names_of(child(fields, "tags", "tags")) or names_of(fields.get("tags")),
        extra={
            "attachments": attachments_of(
                child(source, "attachments"), *(part.get("attachments") for part in parts)
            )
        },
    )


def _opening(fields: Payload) -> Iterator[Message]:
    source = fields.get("source")
    opened = time_of(fields.get("created_at"))
    if isinstance(source, Mapping):
        by = text_of(child(source, "author", "type")) or "user"
        yield Message(first_text(source, "body"), CUSTOMER if by in _CUSTOMERS else by, opened)
    elif body := first_text(fields, "body"):
        yield Message(body, CUSTOMER, opened)


def _parts(fields: Payload) -> list[Payload]:
    return objects(child(fields, "conversation_parts", "conversation_parts")) or objects(
        child(fields, "ticket_parts", "ticket_parts")
    )


def _message(part: Payload) -> Message:
    by = text_of(child(part, "author", "type")) or AGENT
    return Message(
        first_text(part, "body"),
        CUSTOMER if by in _CUSTOMERS else AGENT if by == "admin" else by,
        time_of(part.get("created_at")),
        public=text_of(part.get("part_type")) not in ("note", "note_and_reopen"),
    )
