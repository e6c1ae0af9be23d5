"""Help Scout: conversations of the Mailbox API and of webhooks."""

from __future__ import annotations

from ticketmill.importers.attachments import attachments_of
from ticketmill.importers.conversation import AGENT, CUSTOMER, Message, conversation
from ticketmill.importers.priorities import WORDS_ALONE
from ticketmill.importers.raw_ticket import RawTicket, raw_ticket
from ticketmill.importers.values import Payload, child, first_text, names_of, objects, text_of, time_of

SOURCE = "helpscout"
FIELDS = {
    "ticket_id": "number, else id",
    "subject": "subject",
    "body": "_embedded.threads[] of the customer, else preview",
    "priority": "none",
    "created_at": "createdAt",
    "customer_id": "primaryCustomer.id, else its email",
    "tags": "tags[].tag",
    "channel": "type",
}
PRIORITIES = WORDS_ALONE

_PRIVATE = {"note", "forwardparent", "forwardchild"}
_NO_MESSAGE = {"lineitem"}


def matches(payload: Payload) -> bool:
    """Whether `payload` is a conversation."""
    known = "mailboxId" in payload or "folderId" in payload or "primaryCustomer" in payload
    return known and ("subject" in payload or "preview" in payload)


def ticket(payload: Payload) -> RawTicket:
    """The ticket of a payload."""
    threads = objects(child(payload, "_embedded", "threads")) or objects(payload.get("threads"))
    messages = [_message(thread) for thread in threads if text_of(thread.get("type")) not in _NO_MESSAGE]
    preview = "" if messages else first_text(payload, "preview")
    customer = payload.get("primaryCustomer") or payload.get("customer")
    return raw_ticket(
        SOURCE,
        first_text(payload, "number", "id"),
        subject=first_text(payload, "subject"),
        body=conversation(messages, preview),
        created_at=payload.get("createdAt"),
        customer_id=first_text(customer, "id", "email"),
        channel=first_text(payload, "type"),
        tags=[first_text(tag, "tag", "name") for tag in objects(payload.get("tags"))]
        or names_of(payload.get("tags")),
        extra={"attachments": attachments_of(*(child(each, "_embedded", "attachments") for each in threads))},
    )


def _message(thread: Payload) -> Message:
    kind = text_of(thread.get("type"))
    by_customer = kind == "customer" or text_of(child(thread, "createdBy", "type")) == "customer"
    return Message(
        first_text(thread, "body", "text"),
        CUSTOMER if by_customer else AGENT,
        time_of(thread.get("createdAt")),
        public=kind not in _PRIVATE and thread.get("state") not in ("draft", "hidden"),
    )
