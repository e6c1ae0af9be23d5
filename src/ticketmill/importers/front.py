"""Front: messages and conversations of the API, and the events of webhooks."""

from __future__ import annotations

from collections.abc import Mapping

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

SOURCE = "front"
FIELDS = {
    "ticket_id": "id of the conversation, else of the message",
    "subject": "subject",
    "body": "text, else body, of inbound messages",
    "priority": "none",
    "created_at": "created_at (Unix)",
    "customer_id": "recipient.handle, else the sender's handle",
    "tags": "tags[].name",
    "channel": "type of the message",
}
PRIORITIES = WORDS_ALONE


def matches(payload: Payload) -> bool:
    """Whether `payload` is a message, a conversation, or an event with one."""
    if "is_inbound" in payload:
        return True
    kind = text_of(child(payload, "target", "_meta", "type"))
    if isinstance(payload.get("conversation"), Mapping) and (kind == "message" or "target" in payload):
        return True
    return text_of(payload.get("id")).startswith("cnv_") and "subject" in payload


def ticket(payload: Payload) -> RawTicket:
    """The ticket of a payload."""
    about = first_object(payload.get("conversation"), payload)
    messages = _messages(payload, about)
    first = messages[0] if messages else about
    return raw_ticket(
        SOURCE,
        first_text(about, "id"),
        subject=first_text(about, "subject") or first_text(first, "subject"),
        body=conversation(map(_message, messages)),
        created_at=about.get("created_at") or first.get("created_at"),
        customer_id=first_text(about.get("recipient"), "handle") or _sender(first),
        channel=first_text(first, "type"),
        tags=names_of(about.get("tags")),
        extra={"attachments": attachments_of(*(message.get("attachments") for message in messages))},
    )


def _messages(payload: Payload, about: Payload) -> list[Payload]:
    if "is_inbound" in payload:
        return [payload]
    told = [child(payload, "target", "data"), about.get("last_message")]
    return objects(about.get("messages")) or objects(told)[:1]


def _message(message: Payload) -> Message:
    return Message(
        first_text(message, "text", "body", "blurb"),
        CUSTOMER if message.get("is_inbound") is not False else AGENT,
        time_of(message.get("created_at")),
        public=message.get("is_draft") is not True,
    )


def _sender(message: Payload) -> str:
    senders = [each for each in objects(message.get("recipients")) if each.get("role") == "from"]
    return first_text(senders[0], "handle") if senders else ""
