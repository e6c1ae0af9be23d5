"""From an enriched object to its entry in the search index."""

from __future__ import annotations

import numpy as np

from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.indexed_ticket import MAX_TEXT_CHARS, IndexedTicket


def own_words(ticket: EnrichedTicket) -> str:
    """Subject, line break, and what the writer wrote of the body, at most 4,000 characters.

    `own_text` has ranges of both together; a ticket without any, an automatic one, counts whole.
    """
    text = f"{ticket.subject}\n{ticket.body}"
    ranges = ticket.enrichment.own_text or ((0, len(text)),)
    starts_body = len(ticket.subject) + 1
    body = " ".join(text[max(start, starts_body) : end] for start, end in ranges if end > starts_body)
    return f"{ticket.subject}\n{body}"[:MAX_TEXT_CHARS]


def entry_of(ticket: EnrichedTicket, enriched_key: str) -> IndexedTicket | None:
    """The entry of an enrichment; None where it has no vector, because it has no text or its model failed."""
    vector = np.asarray(ticket.enrichment.embedding, np.float32)
    length = float(np.linalg.norm(vector)) if len(vector) else 0.0
    if length == 0.0:
        return None
    received_at = ticket.received_at or ticket.enrichment.processed_at
    return IndexedTicket(enriched_key, received_at, vector / np.float32(length), own_words(ticket))
