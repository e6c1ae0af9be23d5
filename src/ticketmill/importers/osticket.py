"""osTicket: the payload with which its API creates tickets, and its tickets in exports."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from ticketmill.importers.attachments import attachments_of
from ticketmill.importers.priorities import COUNTS_UP, level_of
from ticketmill.importers.raw_ticket import RawTicket, raw_ticket
from ticketmill.importers.values import Payload, first_text, text_of

SOURCE = "osticket"
FIELDS = {
    "ticket_id": "number, else made of the text",
    "subject": "subject",
    "body": "message, also as a data: address",
    "priority": "priority: 1 low, 2 normal, 3 high, 4 emergency",
    "created_at": "created",
    "customer_id": "email",
    "tags": "none",
    "channel": "source",
}
PRIORITIES = COUNTS_UP

_DATA = re.compile(r"data:[\w/+.-]*((?:;[\w=-]+)*),(.*)", re.DOTALL)


def matches(payload: Payload) -> bool:
    """Whether `payload` is what osTicket's API takes."""
    return "message" in payload and "subject" in payload and ("autorespond" in payload or "alert" in payload)


def ticket(payload: Payload) -> RawTicket:
    """The ticket of a payload."""
    return raw_ticket(
        SOURCE,
        first_text(payload, "number", "id"),
        subject=first_text(payload, "subject"),
        body=_data_text(text_of(payload.get("message"))),
        priority=level_of(payload.get("priority") or payload.get("priorityId"), PRIORITIES),
        stated_priority=payload.get("priority"),
        created_at=payload.get("created"),
        customer_id=first_text(payload, "email"),
        channel=first_text(payload, "source").lower(),
        extra={"attachments": attachments_of(payload.get("attachments"))},
    )


def _data_text(message: str) -> str:
    """The text of `data:text/html;charset=utf-8,…`; a message of another form as it is."""
    found = _DATA.fullmatch(message)
    if found is None:
        return message
    options, data = found.groups()
    if ";base64" in options:
        try:
            content = base64.b64decode(data)
        except binascii.Error:
            return message
    else:
        content = unquote_to_bytes(data)
    return content.decode("utf-8", "replace")
