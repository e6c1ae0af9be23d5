"""The newest tickets of a period, with their vectors in the search index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.labels import Status

if TYPE_CHECKING:
    from ticketmill.arrays import Floats
    from ticketmill.domain.effective_row import EffectiveRow
    from ticketmill.queries.ticket_vectors import TicketVectors
    from ticketmill.queries.tickets import TicketQueries

MIN_TICKETS = 50
"""Of fewer nobody can say what all tickets share."""


@dataclass(frozen=True, slots=True, eq=False)
class IndexedRows:
    """Tickets that people wrote and a model has read."""

    rows: list[EffectiveRow]
    """Those that the index has, the newest first."""
    vectors: Floats
    """(rows, dimensions), of length 1."""
    without_vector: int
    """Those that it does not have."""


def indexed_rows(queries: TicketQueries, vectors: TicketVectors, since: datetime, most: int) -> IndexedRows:
    """The newest `most` tickets since then. LearningRefused where the index has too few of them."""
    read = [row for row in queries.newest(since, most) if _is_of_a_person(row)]
    current = vectors.current()
    found = [current.position(row.enriched_key or "") for row in read]
    rows = [row for row, at in zip(read, found, strict=True) if at is not None]
    if len(rows) < MIN_TICKETS:
        raise LearningRefused(
            LearningCode.TOO_FEW_TICKETS,
            f"this needs {MIN_TICKETS} tickets with a vector in the search index. The period has {len(read)} "
            f"tickets, and the index {len(rows)} of them: look further back with --since, or run "
            "`ticketmill index rebuild`",
        )
    matrix = current.matrix[[at for at in found if at is not None]]
    return IndexedRows(rows, matrix, len(read) - len(rows))


def _is_of_a_person(row: EffectiveRow) -> bool:
    return row.status in (Status.ENRICHED, Status.PARTIAL) and not row.automatic
