"""Takes tickets in: a raw ticket or a helpdesk's payload becomes objects in the raw bucket."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from ticketmill.domain.errors import TicketRejected
from ticketmill.domain.keys import raw_key
from ticketmill.domain.message import Upload
from ticketmill.entrypoints.web.parts import API, WebParts
from ticketmill.entrypoints.web.problems import Problem

MAX_TICKETS = 64


class ReceivedTicket(BaseModel):
    """A ticket that was taken in."""

    ticket_id: str
    """Its id here."""
    key: str
    """The object in the raw bucket."""
    stored: bool
    """False where the bucket held the same content already."""
    href: str
    """Where its row will be: 404 until it is enriched."""


class Received(BaseModel):
    """What became of a request to take tickets in."""

    tickets: list[ReceivedTicket]
    """Those that were taken in."""
    refused: list[dict[str, Any]] = []
    """Those of a payload that were not, each with `code`, `message` and `field`."""


def receive(parts: WebParts, body: bytes, source: str | None) -> Received:
    """Stores what the body holds. Raises TicketRejected, or the problem 422, where it holds no ticket."""
    if source is None:
        ticket = parts.intake.parse(body, parts.settings.max_ticket_bytes)
        return Received(tickets=[_store(parts, ticket.ticket_id, body)])
    return receive_payload(parts, body, source)


def receive_payload(parts: WebParts, body: bytes, source: str) -> Received:
    """Stores the tickets of a helpdesk's payload."""
    from ticketmill.importers.raw_ticket import canonical_json
    from ticketmill.importers.recognise import read
    from ticketmill.importers.sources import SOURCES
    from ticketmill.importers.unpack import decode, text_in

    if source not in SOURCES:
        known = ", ".join(sorted(SOURCES))
        raise Problem(422, "unknown_source", "there is no such source", f"use one of {known}")
    received = Received(tickets=[])
    for found in read(decode(text_in(body)), source):
        if len(received.tickets) + len(received.refused) >= MAX_TICKETS:
            raise Problem(
                422, "too_many_tickets", f"expected at most {MAX_TICKETS} tickets", "send fewer at once"
            )
        if isinstance(found, TicketRejected):
            refused = {"code": found.code, "message": found.message, "field": found.field}
            received.refused.append(refused)
        else:
            received.tickets.append(_store(parts, found["ticket_id"], canonical_json(found)))
    if not received.tickets:
        reasons = received.refused
        raise Problem(
            422, "no_ticket", f"no ticket of {source} in it", "see docs/importers.md", refused=reasons
        )
    return received


def _store(parts: WebParts, ticket_id: str, body: bytes) -> ReceivedTicket:
    key = raw_key(ticket_id)
    current = parts.raw_tickets.fetch(Upload(parts.raw_bucket, key, key), parts.settings.max_ticket_bytes)
    is_new = current is None or current.body != body
    if is_new:
        parts.raw_tickets.put(key, body)
    href = f"{API}/tickets/{quote(ticket_id, safe='')}"
    return ReceivedTicket(ticket_id=ticket_id, key=key, stored=is_new, href=href)
