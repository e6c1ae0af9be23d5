"""Salesforce Service Cloud: cases of the REST API and of queries."""

from __future__ import annotations

from collections.abc import Iterator

from ticketmill.importers.conversation import AGENT, CUSTOMER, Message, conversation
from ticketmill.importers.priorities import WORDS_ALONE, level_of
from ticketmill.importers.raw_ticket import RawTicket, raw_ticket
from ticketmill.importers.values import Payload, child, first_text, names_of, objects, text_of, time_of

SOURCE = "salesforce"
FIELDS = {
    "ticket_id": "CaseNumber, else Id",
    "subject": "Subject",
    "body": "Description, then EmailMessages.records[] that are Incoming",
    "priority": "Priority: High, Medium, Low",
    "created_at": "CreatedDate",
    "customer_id": "ContactId, else SuppliedEmail",
    "tags": "Type, Reason",
    "channel": "Origin",
}
PRIORITIES = WORDS_ALONE


def matches(payload: Payload) -> bool:
    """Whether `payload` is a case."""
    return child(payload, "attributes", "type") == "Case" or (
        "CaseNumber" in payload and ("Subject" in payload or "Description" in payload)
    )


def ticket(payload: Payload) -> RawTicket:
    """The ticket of a payload."""
    return raw_ticket(
        SOURCE,
        first_text(payload, "CaseNumber", "Id"),
        subject=first_text(payload, "Subject"),
        body=conversation(_messages(payload), first_text(payload, "Description")),
        priority=level_of(payload.get("Priority")),
        stated_priority=payload.get("Priority"),
        created_at=payload.get("CreatedDate"),
        customer_id=first_text(payload, "ContactId", "SuppliedEmail", "AccountId"),
        channel=first_text(payload, "Origin").lower(),
        tags=names_of([payload.get("Type"), payload.get("Reason")]),
    )


def _messages(payload: Payload) -> Iterator[Message]:
    for mail in objects(child(payload, "EmailMessages", "records")):
        by = CUSTOMER if mail.get("Incoming") is True else AGENT
        yield Message(
            first_text(mail, "TextBody", "HtmlBody"),
            by,
            time_of(mail.get("MessageDate") or mail.get("CreatedDate")),
        )
    for comment in objects(child(payload, "CaseComments", "records")):
        public = comment.get("IsPublished") is not False
        yield Message(text_of(comment.get("CommentBody")), AGENT, time_of(comment.get("CreatedDate")), public)
