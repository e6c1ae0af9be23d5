"""The headers of the mail that a ticket came from, where its source keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from email import message_from_string

from ticketmill.domain.ticket import Ticket

MAX_HEADERS = 200


def mail_headers(ticket: Ticket) -> dict[str, str]:
    """The headers by lower-case name, from the raw fields `headers` or `metadata.headers`; empty for none."""
    raw = ticket.extra.get("headers") or (ticket.metadata.model_extra or {}).get("headers")
    return {name.strip().lower(): value for name, value in list(_pairs(raw))[:MAX_HEADERS]} if raw else {}


def _pairs(raw: object) -> Iterable[tuple[str, str]]:
    """The headers in an object, in a list of objects or pairs, or in one text."""
    if isinstance(raw, str):
        yield from message_from_string(raw).items()
    elif isinstance(raw, Mapping):
        for name, value in raw.items():
            first = value[0] if isinstance(value, list) and value else value
            yield str(name), str(first)
    elif isinstance(raw, list):
        for each in raw:
            if isinstance(each, Mapping) and "name" in each:
                yield str(each["name"]), str(each.get("value", ""))
            elif isinstance(each, list) and len(each) == 2:
                yield str(each[0]), str(each[1])
