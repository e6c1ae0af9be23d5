"""Freshdesk: tickets of the API and of exports, and the webhooks of automations."""

from __future__ import annotations

from ticketmill.importers.attachments import attachments_of
from ticketmill.importers.conversation import AGENT, CUSTOMER, Message, conversation
from ticketmill.importers.priorities import COUNTS_UP, level_of
from ticketmill.importers.raw_ticket import RawTicket, raw_ticket
from ticketmill.importers.values import Payload, first_object, first_text, names_of, objects, text_of, time_of

SOURCE = "freshdesk"
FIELDS = {
    "ticket_id": "id",
    "subject": "subject",
    "body": "description_text, else description, then conversations[] that are incoming and not private",
    "priority": "priority: 1 low, 2 medium, 3 high, 4 urgent",
    "created_at": "created_at",
    "customer_id": "requester_id, else requester.email",
    "tags": "tags",
    "channel": "source: 1 email, 2 portal, 3 phone, 7 chat, 9 feedback_widget, 10 outbound_email",
}
PRIORITIES = COUNTS_UP

_CHANNELS = {
    "1": "email",
    "2": "portal",
    "3": "phone",
    "7": "chat",
    "9": "feedback_widget",
    "10": "outbound_email",
}


def matches(payload: Payload) -> bool:
    """Whether `payload` is a ticket of Freshdesk, or the webhook of an automation."""
    if "freshdesk_webhook" in payload or "ticket_description" in payload:
        return True
    return "description_text" in payload and "subject" in payload


def ticket(payload: Payload) -> RawTicket:
    """The ticket of a payload."""
    fields = first_object(payload.get("freshdesk_webhook"), payload)
    replies = objects(fields.get("conversations"))
    channel = first_text(fields, "source", "ticket_source")
    stated = fields.get("priority", fields.get("ticket_priority"))
    return raw_ticket(
        SOURCE,
        first_text(fields, "id", "ticket_id", "display_id"),
        subject=first_text(fields, "subject", "ticket_subject"),
        body=conversation(
            map(_message, replies),
            first_text(
                fields, "description_text", "description", "ticket_description_text", "ticket_description"
            ),
        ),
        priority=level_of(stated, PRIORITIES),
        stated_priority=stated,
        created_at=fields.get("created_at", fields.get("ticket_created_at")),
        customer_id=first_text(
            fields, "requester_id", "ticket_requester_id", "ticket_requester_email", "email"
        )
        or first_text(fields.get("requester"), "id", "email"),
        channel=_CHANNELS.get(channel, "" if channel.isdigit() else channel.lower()),
        tags=names_of(fields.get("tags", fields.get("ticket_tags"))),
        extra={
            "attachments": attachments_of(
                fields.get("attachments"), *(reply.get("attachments") for reply in replies)
            )
        },
    )


def _message(reply: Payload) -> Message:
    return Message(
        first_text(reply, "body_text", "body"),
        CUSTOMER if reply.get("incoming") is True else AGENT,
        time_of(reply.get("created_at")),
        text_of(reply.get("private")) != "1" and reply.get("private") is not True,
    )
