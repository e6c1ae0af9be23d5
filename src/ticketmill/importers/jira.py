"""Jira and Jira Service Management: issues of the API, webhooks, flat exports, and customer requests."""

from __future__ import annotations

from collections.abc import Mapping

from ticketmill.importers.adf import jira_text
from ticketmill.importers.attachments import attachments_of
from ticketmill.importers.conversation import AGENT, CUSTOMER, Message, conversation
from ticketmill.importers.priorities import WORDS_ALONE, level_of
from ticketmill.importers.raw_ticket import RawTicket, raw_ticket
from ticketmill.importers.values import (
    Payload,
    child,
    first_object,
    first_text,
    name_of,
    names_of,
    objects,
    time_of,
)

SOURCE = "jira"
FIELDS = {
    "ticket_id": "key, else issueKey",
    "subject": "fields.summary",
    "body": "fields.description (text or document), then fields.comment.comments[] of the reporter",
    "priority": "fields.priority.name: Highest, High, Medium, Low, Lowest, and Blocker … Trivial",
    "created_at": "fields.created",
    "customer_id": "fields.reporter.accountId, else its emailAddress or name",
    "tags": "fields.labels",
    "channel": "none: jira",
}
PRIORITIES = WORDS_ALONE


def matches(payload: Payload) -> bool:
    """Whether `payload` is an issue or a customer request, or a webhook with one."""
    if "webhookEvent" in payload or "issueKey" in payload:
        return True
    fields = payload.get("fields")
    if isinstance(fields, Mapping):
        return "key" in payload or "summary" in fields
    return "key" in payload and "summary" in payload


def ticket(payload: Payload) -> RawTicket:
    """The ticket of a payload."""
    issue = first_object(payload.get("issue"), payload)
    fields = first_object(issue.get("fields"), issue)
    requested = {
        name_of(each.get("fieldId")): each.get("value") for each in objects(issue.get("requestFieldValues"))
    }
    reporter = _account(fields.get("reporter"))
    comments = objects(child(fields, "comment", "comments")) or objects(fields.get("comments"))
    written = payload.get("comment")  # of a webhook
    if isinstance(written, Mapping) and written.get("id") not in [each.get("id") for each in comments]:
        comments = [*comments, written]
    description = fields.get("description") or requested.get("description")
    created = fields.get("created") or child(issue, "createdDate", "iso8601")
    return raw_ticket(
        SOURCE,
        first_text(issue, "key", "issueKey", "id"),
        subject=first_text(fields, "summary") or name_of(requested.get("summary")),
        body=conversation([_message(each, reporter) for each in comments], jira_text(description)),
        priority=level_of(fields.get("priority")),
        stated_priority=fields.get("priority"),
        created_at=created,
        customer_id=reporter,
        tags=names_of(fields.get("labels")),
        extra={"attachments": attachments_of(fields.get("attachment"))},
    )


def _account(user: object) -> str:
    return first_text(user, "accountId", "emailAddress", "name", "key") or name_of(user)


def _message(comment: Payload, reporter: str) -> Message:
    return Message(
        jira_text(comment.get("body")),
        CUSTOMER if reporter and _account(comment.get("author")) == reporter else AGENT,
        time_of(comment.get("created")),
        comment.get("jsdPublic") is not False,
    )
