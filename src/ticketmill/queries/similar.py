"""Tickets like one: which there are, what was decided of them, and the words they share with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from ticketmill.domain.duplicates import reference_of
from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.queries.found_tickets import FoundTicket, with_rows
from ticketmill.queries.shared_words import SharedWords
from ticketmill.queries.ticket_vectors import TicketVectors
from ticketmill.queries.tickets import TicketQueries

NOW = timedelta(days=7)
"""Tickets that came so near in time tell of what goes on now."""
MOST_WORDS = 6
MARGIN = 10
MOST_DEPTH = 500
"""Entries that are looked at where too few of the first ones count."""


class When(StrEnum):
    """When a similar ticket came, beside the one that is looked at."""

    NOW = "now"
    """Within seven days of it."""
    PAST = "past"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class SimilarTicket:
    """A ticket like another. Its row says what was decided: its effective labels."""

    row: EffectiveRow
    score: float
    """The cosine of the embeddings."""
    when: When
    words: tuple[str, ...]
    """Words of both, the rarest first."""

    @property
    def duplicate_of(self) -> str | None:
        """The ticket that a person says it is a duplicate of."""
        return reference_of(self.row)

    def about(self) -> dict[str, Any]:
        """Everything but the row, as JSON."""
        return {
            "when": self.when,
            "score": round(self.score, 4),
            "words": list(self.words),
            "duplicate_of": self.duplicate_of,
        }


@dataclass(frozen=True)
class SimilarTickets:
    """Finds the tickets whose embeddings are nearest."""

    vectors: TicketVectors
    tickets: TicketQueries
    shared: SharedWords
    hide: Callable[[str], str] = str
    """Hides of a text what people may not see, before its words are compared."""

    def of(
        self, row: EffectiveRow, limit: int = 5, since: datetime | None = None, until: datetime | None = None
    ) -> list[SimilarTicket] | None:
        """Up to `limit` other tickets, the nearest first; None where the index lacks the ticket.

        They were received from `since` on and before `until`. TransientFailure where the index or the table
        fails.
        """
        vector = None if row.enriched_key is None else self.vectors.vector_of(row.enriched_key)
        if row.enriched_key is None or vector is None:
            return None
        found: list[FoundTicket] = []
        for depth in (2 * limit + MARGIN, MOST_DEPTH):
            hits = self.vectors.nearest(vector, depth, since, until)
            others = [hit for hit in hits if hit.ticket_id != row.ticket_id]
            found = with_rows(others, self.tickets)[:limit]
            if len(found) == limit or len(hits) < depth:
                break
        return self._told(row, row.enriched_key, found)

    def _told(self, row: EffectiveRow, key: str, found: Sequence[FoundTicket]) -> list[SimilarTicket]:
        texts = self.vectors.store.texts([key, *(each.enriched_key for each in found)])
        shown = {each: self.hide(text) for each, text in texts.items()}
        own = shown.get(key, "")
        return [
            SimilarTicket(
                each.row,
                each.score,
                _when(each.row.received_at, row.received_at),
                tuple(self.shared.of(own, shown.get(each.enriched_key, ""), MOST_WORDS)),
            )
            for each in found
        ]


def _when(received_at: datetime, beside: datetime) -> When:
    if abs(received_at - beside) <= NOW:
        return When.NOW
    return When.PAST if received_at < beside else When.LATER
