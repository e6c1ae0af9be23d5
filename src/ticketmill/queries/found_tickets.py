"""What a search found, as it stands now: entries of the index beside the rows of their tickets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.indexed_ticket import Hit
from ticketmill.queries.tickets import TicketQueries


@dataclass(frozen=True, slots=True)
class FoundTicket:
    """A ticket, and how well it fits."""

    row: EffectiveRow
    enriched_key: str
    score: float


def with_rows(hits: Sequence[Hit], tickets: TicketQueries) -> list[FoundTicket]:
    """Those that count, in the order given: an entry counts while its ticket's row points to its object."""
    rows = {row.ticket_id: row for row in tickets.rows_of(list({hit.ticket_id: None for hit in hits}))}
    return [
        FoundTicket(row, hit.enriched_key, hit.score)
        for hit in hits
        if (row := rows.get(hit.ticket_id)) is not None and row.enriched_key == hit.enriched_key
    ]
