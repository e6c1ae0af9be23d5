"""Rows as the pipeline leaves them, without running it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ticketmill.bootstrap import Adapters
from ticketmill.domain.labels import Status
from ticketmill.domain.row import RawVersion, TicketRow


def enriched_key_of(ticket_id: str) -> str:
    """The key of the enrichment that the row of `put_row` points to."""
    return f"tickets/{ticket_id}/a.json"


def put_row(adapters: Adapters, ticket_id: str, at: datetime, **labels: Any) -> TicketRow:
    """Puts the row of a ticket that was uploaded and enriched at a time, with `labels`, and gives it."""
    raw = RawVersion(
        bucket=adapters.stack.raw_bucket,
        key=f"tickets/{ticket_id}.json",
        version_id="v",
        etag="e",
        last_modified=at,
    )
    row = TicketRow(
        ticket_id=ticket_id,
        status=Status.ENRICHED,
        raw=raw,
        content_hash="ab",
        enriched_key=enriched_key_of(ticket_id),
        processed_at=at,
        **labels,
    )
    assert adapters.rows.put(row, replaces=None)
    return row
