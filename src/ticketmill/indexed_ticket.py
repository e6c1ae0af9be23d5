"""What the search index keeps of an enrichment: nothing that can change.

An enriched object is never overwritten, so an entry is named by its key. Labels and people's words are read
from the row when somebody asks, and an entry counts only while the row points to its object. So events that
come late, twice or in another order do no harm, and a correction shows at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ticketmill.arrays import Floats
from ticketmill.domain.keys import ticket_of_enriched_key

MAX_TEXT_CHARS = 4000
"""Of the writer's own words, what full text finds."""


@dataclass(frozen=True, slots=True, eq=False)
class IndexedTicket:
    """One enrichment in the index."""

    enriched_key: str
    """Names the entry."""
    received_at: datetime
    """When the ticket was uploaded."""
    vector: Floats
    """(dimensions,), of length 1."""
    text: str = field(repr=False)
    """Subject, line break, and the writer's own words of the body, at most 4,000 characters."""

    @property
    def ticket_id(self) -> str:
        return ticket_of_enriched_key(self.enriched_key)


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that a search found. Whether it counts, its row says."""

    enriched_key: str
    score: float
    """A cosine, or of full text BM25: only scores of one kind can be compared."""

    @property
    def ticket_id(self) -> str:
        return ticket_of_enriched_key(self.enriched_key)


def embedding_model_of(models: Mapping[str, str]) -> str:
    """What made the vector of an enrichment, as in `all-MiniLM-L6-v2/int8`; `models` are its record's.

    Of a named model it is its name and revision: precision and dimensions, which follow there, are left out.
    Vectors of two models cannot be compared, so each has an index of its own.
    """
    named = models.get("embedding", "onepass")
    return models.get("encoder", named) if named.startswith("onepass") else named.rsplit("/", 2)[0]
