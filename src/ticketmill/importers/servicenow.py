"""ServiceNow: incidents and cases of the Table API, also with display values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ticketmill.importers.conversation import AGENT, CUSTOMER, Message, conversation
from ticketmill.importers.priorities import COUNTS_DOWN, level_of
from ticketmill.importers.raw_ticket import RawTicket, raw_ticket
from ticketmill.importers.values import Payload, child, first_text, name_of, names_of, text_of, time_of

SOURCE = "servicenow"
FIELDS = {
    "ticket_id": "number",
    "subject": "short_description",
    "body": "description, then the entries of comments by the caller",
    "priority": "priority: 1 - Critical, 2 - High, 3 - Moderate, 4 - Low, 5 - Planning",
    "created_at": "opened_at, else sys_created_on",
    "customer_id": "caller_id",
    "tags": "sys_tags, else category",
    "channel": "contact_type",
}
PRIORITIES = COUNTS_DOWN

# As in `2024-03-05 10:00:00 - Ada Lovelace (Additional comments)`; a journal has the newest entry first.
_ENTRY = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) - (.+?) \([^()\n]+\)\s*$", re.MULTILINE)


def matches(payload: Payload) -> bool:
    """Whether `payload` is a record of the Table API."""
    return "short_description" in payload and ("number" in payload or "sys_id" in payload)


def ticket(payload: Payload) -> RawTicket:
    """The ticket of a payload."""
    caller = name_of(payload.get("caller_id"))
    messages = [*_journal(payload, "comments", caller), *_journal(payload, "work_notes", "")]
    opened = first_value(payload, "opened_at") or first_value(payload, "sys_created_on")
    return raw_ticket(
        SOURCE,
        first_value(payload, "number") or first_value(payload, "sys_id"),
        subject=first_value(payload, "short_description"),
        body=conversation(messages, first_value(payload, "description")),
        priority=level_of(payload.get("priority"), PRIORITIES),
        stated_priority=payload.get("priority"),
        created_at=opened,
        customer_id=first_value(payload, "caller_id"),
        channel=first_value(payload, "contact_type").lower(),
        tags=names_of(first_value(payload, "sys_tags") or first_value(payload, "category")),
    )


def first_value(payload: Payload, field: str) -> str:
    """A field's value, which the API gives plain or as `{"display_value": …, "value": …}`."""
    value = payload.get(field)
    return first_text(value, "value", "display_value", "name") or text_of(value)


def _journal(payload: Payload, field: str, caller: str) -> Iterator[Message]:
    text = text_of(child(payload, field, "display_value")) or text_of(payload.get(field))
    parts = _ENTRY.split(text)[1:]
    entries = list(zip(parts[0::3], parts[1::3], parts[2::3], strict=False))
    for at, author, said in reversed(entries):
        by = CUSTOMER if caller and author == caller else AGENT
        yield Message(said.strip(), by, time_of(at), public=field != "work_notes")
