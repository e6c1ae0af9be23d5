"""Every object key and every index key is made here, and read here."""

from __future__ import annotations

from datetime import UTC, datetime

TICKETS_PREFIX = "tickets/"
TICKET_SUFFIX = ".json"

PROBE_PREFIX = f"{TICKETS_PREFIX}ticketmill-probe-"
"""Objects that `ticketmill up` drops to see their event arrive. A worker ignores them."""

OUTAGE_PROBE = f"{PROBE_PREFIX}outage"
"""An object and a row that never exist: a worker asks for them to see whether S3 and DynamoDB answer."""


RESERVED_NAMES = "#"
"""What begins the keys of table items that are no ticket's row. No ticket id begins with it."""
SERVING_KEY = f"{RESERVED_NAMES}serving"
"""The item of the serving decisions, in the table of the rows."""


def raw_key(ticket_id: str) -> str:
    """The key of a raw ticket that is dropped under its id."""
    return f"{TICKETS_PREFIX}{ticket_id}{TICKET_SUFFIX}"


def id_of_key(key: str) -> str:
    """The name of a ticket whose id cannot be read: its key, without prefix and suffix.

    Whoever uploads chooses the key: a reserved name keeps the prefix.
    """
    name = key.removeprefix(TICKETS_PREFIX).removesuffix(TICKET_SUFFIX) or key
    return f"{TICKETS_PREFIX}{name}" if name.startswith(RESERVED_NAMES) else name


def is_ticket_key(key: str) -> bool:
    """Whether an object of that key is a ticket, and not a probe."""
    return key.endswith(TICKET_SUFFIX) and not key.startswith(PROBE_PREFIX)


def enriched_key(ticket_id: str, content_hash: str, fingerprint: str, attempt: str) -> str:
    """The key of an enriched ticket.

    It names the attempt, so that no attempt overwrites the object that a row points to.
    """
    return f"{TICKETS_PREFIX}{ticket_id}/{content_hash}-{fingerprint}-{attempt}{TICKET_SUFFIX}"


def day_shard(label: str, moment: datetime) -> str:
    """The index key of a label on the day (UTC) of a moment, as in `high#2026-11-21`."""
    return f"{label}#{moment.astimezone(UTC):%Y-%m-%d}"
