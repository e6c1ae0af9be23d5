"""Zendesk Support: tickets of the API and of exports, triggers' JSON, and event webhooks."""

from __future__ import annotations

from ticketmill.importers.attachments import attachments_of
from ticketmill.importers.conversation import AGENT, CUSTOMER, Conversation, Message, conversation
from ticketmill.importers.priorities import WORDS_ALONE, level_of
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

SOURCE = "zendesk"
FIELDS = {
    "ticket_id": "id",
    "subject": "subject",
    "body": "comments[] of the requester, else description",
    "priority": "priority: low, normal, high, urgent",
    "created_at": "created_at",
    "customer_id": "requester_id",
    "tags": "tags",
    "channel": "via.channel",
}
PRIORITIES = WORDS_ALONE

_EVENTS = "zen:event-type:"
_PAGES = ("next_page", "after_cursor", "end_of_stream", "after_url")


def matches(payload: Payload) -> bool:
    """Whether `payload` is a ticket of Zendesk, or an event with one."""
    if text_of(payload.get("type")).startswith(_EVENTS) or "zendesk_event_version" in payload:
        return True
    wrapped = payload.get("ticket")
    if _is_plain(wrapped) and "article" not in payload:
        return True
    return "raw_subject" in payload or ("requester_id" in payload and "submitter_id" in payload)


def is_page(document: Payload) -> bool:
    """Whether `document` is a page of tickets, as the API and the incremental export give them."""
    tickets = objects(document.get("tickets"))
    return any(key in document for key in _PAGES) and all(map(_is_plain, tickets))


def ticket(payload: Payload) -> RawTicket:
    """The ticket of a payload."""
    fields = first_object(payload.get("detail"), payload.get("ticket"), payload)
    requester = first_text(fields, "requester_id") or first_text(fields.get("requester"), "id", "email")
    comments = objects(fields.get("comments"))
    return raw_ticket(
        SOURCE,
        first_text(fields, "id", "ticket_id"),
        subject=first_text(fields, "subject", "raw_subject", "title"),
        body=_text(fields, comments, requester),
        priority=level_of(fields.get("priority")),
        stated_priority=fields.get("priority"),
        created_at=fields.get("created_at"),
        customer_id=requester,
        channel=first_text(fields.get("via"), "channel"),
        tags=names_of(fields.get("tags")),
        extra={
            "attachments": attachments_of(
                fields.get("attachments"), *(comment.get("attachments") for comment in comments)
            )
        },
    )


def _text(fields: Payload, comments: list[Payload], requester: str) -> Conversation:
    said = [_message(comment, requester) for comment in comments]
    description = first_text(fields, "description") or first_text(fields.get("comment"), "body", "html_body")
    opened = "" if any(message.is_own and message.text for message in said) else description
    return conversation(said, opened)


def _message(comment: Payload, requester: str) -> Message:
    role = text_of(child(comment, "author", "role"))
    is_requester = role == "end-user" or (bool(requester) and first_text(comment, "author_id") == requester)
    return Message(
        first_text(comment, "plain_body", "body", "html_body"),
        CUSTOMER if is_requester else AGENT,
        time_of(comment.get("created_at")),
        comment.get("public") is not False,
    )


def _is_plain(fields: object) -> bool:
    """Whether `fields` are those of a ticket as triggers write them."""
    if not isinstance(fields, dict):
        return False
    return {"id", "subject", "description"} <= fields.keys() and "description_text" not in fields
