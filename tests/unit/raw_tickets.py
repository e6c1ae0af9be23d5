"""Raw tickets as bytes, and what turns them down."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ticketmill.domain.errors import TicketRejected
from ticketmill.domain.intake import parse_ticket
from ticketmill.domain.json_document import MAX_TICKET_BYTES
from ticketmill.domain.ticket import Ticket

FIELDS = {"ticket_id": "TKT-001", "subject": "Cannot sign in", "body": "The reset link is dead."}


def document(**changes: Any) -> bytes:
    return json.dumps({**FIELDS, **changes}).encode()


def without(*names: str, **changes: Any) -> bytes:
    fields = {**FIELDS, **changes}
    return json.dumps({name: value for name, value in fields.items() if name not in names}).encode()


def with_value(json_text: bytes) -> bytes:
    return b'{"ticket_id": "TKT-001", "body": "Text.", "value": ' + json_text + b"}"


def nested(levels: int, leaf: bytes = b"1") -> bytes:
    """A ticket with `levels` levels of nesting, the ticket itself being the first."""
    return with_value(b"[" * (levels - 1) + leaf + b"]" * (levels - 1))


def rejection_of(body: bytes, max_bytes: int = MAX_TICKET_BYTES) -> TicketRejected:
    with pytest.raises(TicketRejected) as caught:
        parse_ticket(body, max_bytes)
    return caught.value


def warned(ticket: Ticket) -> list[tuple[str, str | None, str]]:
    """The warnings of a ticket: code, field and what was found."""
    return [(str(each.code), each.field, each.found) for each in ticket.warnings]
