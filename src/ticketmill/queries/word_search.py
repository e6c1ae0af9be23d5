"""Tickets by a question in words: near in meaning, or of the same words.

A question that tells in other words what a ticket says is found by the cosine of their embeddings. One that
names a product or a code is found by BM25. The score is the cosine plus a share of BM25 that grows faster
than the score for each word of the question: so one rare code decides, and some common words do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from ticketmill.arrays import Floats
from ticketmill.indexed_ticket import Hit
from ticketmill.queries.filters import Filters
from ticketmill.queries.found_tickets import FoundTicket, with_rows
from ticketmill.queries.ticket_vectors import TicketVectors
from ticketmill.queries.tickets import MAX_ROWS_AT_ONCE, TicketQueries

DEPTH = 200
"""Entries that each measure gives at first."""
MOST_DEPTH = 2000
"""The same where too few of those pass the filters."""
MOST_ALLOWED = 1000
"""Of a filter that so few tickets pass, all are ranked."""
MOST_ENTRIES = 20_000
"""Index entries that are looked through to find them."""
TEXT_WEIGHT = 0.05
TEXT_POWER = 1.5
"""Chosen on the 30 tuning questions and 50 codes of `tests/benchmarks/search_words.py`."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody looks for. `since` and `until` bound when tickets were received."""

    words: str
    filters: Filters = field(default_factory=Filters)
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The tickets, the best first. Where not `is_complete`, more of them may pass the filters."""

    tickets: tuple[FoundTicket, ...]
    is_complete: bool


@dataclass(frozen=True)
class WordSearch:
    """Ranks the entries of the index, and joins them with the rows as they stand now."""

    vectors: TicketVectors
    tickets: TicketQueries
    encode: Callable[[str], Floats]
    """(dimensions,), of length 1; zeros for words that the encoder cannot read."""
    depth: int = DEPTH
    most_depth: int = MOST_DEPTH
    most_allowed: int = MOST_ALLOWED

    def find(self, question: Question, limit: int) -> SearchResult:
        """Up to `limit` tickets. Of a rare label all tickets are ranked, so that none is missed.

        TransientFailure where the index or the table fails.
        """
        vector = self.encode(question.words)
        hits = self._ranked(question, vector, self.depth)
        found = self._matching(hits, question.filters, limit)
        if len(found) == limit or len(hits) < self.depth:
            return SearchResult(found, True)
        allowed = self._allowed(question) if question.filters.labels else None
        if allowed is not None:
            hits = self._ranked(question, vector, self.most_depth, allowed)
            return SearchResult(self._matching(hits, question.filters, limit), True)
        hits = self._ranked(question, vector, self.most_depth)
        found = self._matching(hits, question.filters, limit)
        return SearchResult(found, len(found) == limit or len(hits) < self.most_depth)

    def _ranked(
        self, question: Question, vector: Floats, depth: int, among: Collection[str] | None = None
    ) -> list[Hit]:
        """The nearest entries and those of the same words, by both measures together."""
        since, until = question.since, question.until
        near = self.vectors.nearest(vector, depth, since, until, among) if vector.any() else []
        same_words = self.vectors.store.search_text(question.words, depth, since, until) or []
        if among is not None:
            same_words = [hit for hit in same_words if hit.enriched_key in among]
        text_scores = {hit.enriched_key: hit.score for hit in same_words}
        cosines = {hit.enriched_key: hit.score for hit in near}
        cosines |= self.vectors.cosines(vector, text_scores.keys() - cosines.keys())
        words = max(1, len(_WORD.findall(question.words)))
        hits = [
            Hit(key, cosine + TEXT_WEIGHT * (text_scores.get(key, 0.0) / words) ** TEXT_POWER)
            for key, cosine in cosines.items()
        ]
        return sorted(hits, key=lambda hit: -hit.score)

    def _matching(self, hits: Sequence[Hit], filters: Filters, limit: int) -> tuple[FoundTicket, ...]:
        """The first tickets that count and pass the filters. No more rows are read than that needs."""
        at_once = min(2 * limit, MAX_ROWS_AT_ONCE)
        return tuple(islice((each for each in self._found(hits, at_once) if filters.match(each.row)), limit))

    def _found(self, hits: Sequence[Hit], at_once: int) -> Iterator[FoundTicket]:
        for start in range(0, len(hits), at_once):
            yield from with_rows(hits[start : start + at_once], self.tickets)

    def _allowed(self, question: Question) -> set[str] | None:
        """The entries of all tickets that pass the filters; None where these are too many to list."""
        since = question.since or self.oldest()
        page = self.tickets.list(
            question.filters, since, question.until, limit=self.most_allowed, most_entries=MOST_ENTRIES
        )
        return {row.enriched_key for row in page.rows if row.enriched_key} if page.cursor is None else None

    def oldest(self) -> datetime:
        """When the oldest ticket of the index was received."""
        times = self.vectors.current().times
        return datetime.fromtimestamp(float(times.min()) if len(times) else 0.0, UTC)
