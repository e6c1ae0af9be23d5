"""Tickets with entries in a real index, for proposing duplicates."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from page_world import PageWorld
from search_world import SearchWorld

from ticketmill.arrays import Floats
from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.keys import enriched_key
from ticketmill.domain.row import TicketRow
from ticketmill.indexed_ticket import IndexedTicket
from ticketmill.operations.corrections import Speaker
from ticketmill.operations.duplicates import DuplicateVerdicts
from ticketmill.queries.duplicate_candidates import DuplicateCandidate
from ticketmill.queries.duplicate_groups import DuplicateGroups
from ticketmill.queries.tickets import TicketQueries

ANN = Speaker("ann")
DIMENSIONS = 16
CRASH = ("Printing crashes the app", "It dies with NS_ERROR_GFX_PRINTER on every page.")
OTHER_TEXTS = (
    "Invoice shows the wrong address\nThe street on my invoice is the one where we lived before.",
    "How do I export my contacts\nI want them all in a spreadsheet.",
    "App is slow on my tablet\nScrolling stutters since a week.",
    "Cancel my subscription\nI do not need it any longer.",
    "Refund for the second charge\nMy card was charged twice in May.",
)


@dataclass
class DuplicateWorld(SearchWorld):
    """A place in memory, and an index in a folder."""

    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    def __post_init__(self) -> None:
        SearchWorld.__post_init__(self)
        self.parts = self.web.parts()

    @property
    def queries(self) -> TicketQueries:
        return self.parts.queries

    def put(
        self, ticket_id: str, text: str, near: Floats | None = None, attempt: str = "a", **fields: Any
    ) -> TicketRow:
        """A row and its entry. Its vector is near to `near`, or anywhere."""
        row = self._row(ticket_id, text, attempt, **fields)
        self.store.put([self._entry(str(row.enriched_key), row, text, near)])
        return row

    def index(self, key: str, row: TicketRow, text: str, near: Floats | None = None) -> None:
        """An entry of the index."""
        self.store.put([self._entry(key, row, text, near)])

    def _row(self, ticket_id: str, text: str, attempt: str, **fields: Any) -> TicketRow:
        key = enriched_key(ticket_id, "c", "f", attempt)
        fields = {"subject": text.partition("\n")[0], "enriched_key": key, **fields}
        return self.web.put(ticket_id, **fields)

    def _entry(self, key: str, row: TicketRow, text: str, near: Floats | None) -> IndexedTicket:
        vector = self.anywhere() if near is None else near + 0.05 * self.anywhere()
        return IndexedTicket(key, row.received_at, vector / np.linalg.norm(vector), text)

    def anywhere(self) -> Floats:
        """(dimensions,), of length 1."""
        vector = self.random.normal(size=DIMENSIONS)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    def put_others(self, minutes_ago: float = 600) -> None:
        """Tickets about other things."""
        texts = [
            *OTHER_TEXTS,
            *(f"Room {number}\nThe lamp of room {number} is dark." for number in range(40)),
        ]
        entries = []
        for number, text in enumerate(texts):
            row = self._row(f"OTHER-{number}", text, "a", minutes_ago=minutes_ago + number)
            entries.append(self._entry(str(row.enriched_key), row, text, None))
        self.store.put(entries)

    def proposed(self, ticket_id: str, most: int = 10, **given: Any) -> list[DuplicateCandidate]:
        """What is proposed for a ticket that the index has."""
        found = self.duplicates(**given).of(self.row(ticket_id), most)
        assert found is not None
        return found

    def proposed_ids(self, ticket_id: str, most: int = 10) -> list[str]:
        return [each.row.ticket_id for each in self.proposed(ticket_id, most)]

    def row(self, ticket_id: str) -> EffectiveRow:
        found = self.parts.queries.get(ticket_id)
        assert found is not None
        return found

    @property
    def verdicts(self) -> DuplicateVerdicts:
        return DuplicateVerdicts(self.parts.corrections)

    @property
    def groups(self) -> DuplicateGroups:
        return DuplicateGroups(self.parts.queries)


def page_of_duplicates(folder: Path) -> DuplicateWorld:
    """For the page: T-2 and T-3 came after T-1 and say the same; T-4 is elsewhere."""
    web = PageWorld()
    web.now = web.started_at
    made = DuplicateWorld(folder, web)
    for number in (1, 2, 3, 4):
        subject, body = CRASH if number < 4 else ("Refund", "My card was charged twice.")
        row = web.add(f"T-{number}", subject, body, minutes_ago=10 - number)
        assert row.enriched_key is not None
        near = np.eye(DIMENSIONS, dtype=np.float32)[number // 4]
        made.index(row.enriched_key, row, f"{subject}\n{body}", near)
    made.parts = web.page_parts()
    return made
