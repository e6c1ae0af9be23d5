"""Tickets in a search index of this machine, with their rows in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from web_parts import WebWorld

from ticketmill.arrays import Floats
from ticketmill.aws.lance_index import LanceVectorStore
from ticketmill.bootstrap.search import Search
from ticketmill.domain.keys import enriched_key
from ticketmill.domain.row import TicketRow
from ticketmill.indexed_ticket import IndexedTicket
from ticketmill.queries.duplicate_candidates import DuplicateCandidates
from ticketmill.queries.duplicate_pool import DuplicatePool
from ticketmill.queries.shared_words import SharedWords
from ticketmill.queries.similar import SimilarTickets
from ticketmill.queries.text_sample import TextSample
from ticketmill.queries.ticket_vectors import TicketVectors
from ticketmill.queries.tickets import TicketQueries
from ticketmill.queries.word_search import WordSearch

THINGS = ("door", "card", "train", "cake")
"""What a text may be about: one dimension each."""


def meaning(*things: str) -> Floats:
    """(4,): the embedding of a text about these things."""
    vector = np.array([things.count(each) for each in THINGS], np.float32)
    return vector / max(1, float(np.linalg.norm(vector)))


@dataclass
class SearchWorld:
    """A place with an index."""

    folder: Path
    web: WebWorld = field(default_factory=WebWorld)

    def __post_init__(self) -> None:
        self.store = LanceVectorStore(str(self.folder))
        self.vectors = TicketVectors(self.store, clock=self._seconds)
        self._clock_s = 0.0
        self.web.search = lambda: Search(self.words(), self.similar(), self.duplicates())

    def _seconds(self) -> float:
        """Two readings are far enough apart to look at the store again."""
        self._clock_s += 10
        return self._clock_s

    def add(self, ticket_id: str, text: str, *things: str, attempt: str = "a", **given: Any) -> TicketRow:
        """Stores the row of a ticket, and its entry in the index."""
        key = enriched_key(ticket_id, "0f" * 32, "f00d", attempt)
        row = self.web.put(ticket_id, enriched_key=key, **given)
        self.index(row, text, *things)
        return row

    def index(self, row: TicketRow, text: str, *things: str) -> None:
        """Puts the enrichment that a row points to into the index."""
        assert row.enriched_key is not None
        self.store.put([IndexedTicket(row.enriched_key, row.received_at, meaning(*things), text)])

    def point_elsewhere(self, ticket_id: str) -> None:
        """Lets the row point to an enrichment that the index does not have yet."""
        row = self.web.rows.rows[ticket_id]
        newer = enriched_key(ticket_id, "0f" * 32, "f00d", "newer")
        self.web.rows.rows[ticket_id] = row.model_copy(update={"enriched_key": newer})

    @property
    def queries(self) -> TicketQueries:
        return self.web.parts().queries

    def words(self, **limits: int) -> WordSearch:
        """Search whose encoder knows what words are about."""
        return WordSearch(self.vectors, self.queries, lambda words: meaning(*words.split()), **limits)

    def similar(self, **given: Any) -> SimilarTickets:
        made = SimilarTickets(self.vectors, self.queries, SharedWords(self.vectors))
        return replace(made, **given)

    def duplicates(self, **given: Any) -> DuplicateCandidates:
        pool = DuplicatePool(self.vectors, TextSample(self.vectors))
        made = DuplicateCandidates(pool, self.queries, SharedWords(self.vectors))
        return replace(made, **given)
