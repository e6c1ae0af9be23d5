"""Which tickets may tell of the same thing as one of them, and why: for a person to decide on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice

from ticketmill.domain.duplicates import denied_of, to_root
from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.enrichment import RowEntity
from ticketmill.domain.entities import EntityKind
from ticketmill.domain.row import TicketRow
from ticketmill.indexed_ticket import Hit
from ticketmill.queries.duplicate_pool import DuplicatePool, Ranked
from ticketmill.queries.filters import Filters
from ticketmill.queries.found_tickets import with_rows
from ticketmill.queries.shared_words import SharedWords
from ticketmill.queries.tickets import TicketQueries

IDENTIFYING = frozenset(
    {
        *(EntityKind.ORDER_NUMBER, EntityKind.INVOICE_NUMBER, EntityKind.TICKET_NUMBER),
        *(EntityKind.CUSTOMER_NUMBER, EntityKind.ERROR_CODE, EntityKind.IBAN, EntityKind.IP),
        *(EntityKind.EMAIL, EntityKind.PHONE, EntityKind.URL),
    }
)
"""Kinds whose values stand for one thing. Dates, amounts and versions are shared by chance."""
NUMBERS = frozenset({EntityKind.ORDER_NUMBER, EntityKind.INVOICE_NUMBER, EntityKind.TICKET_NUMBER})
"""Kinds whose values stand for one matter."""
SAME_NUMBER = 2.0
SAME_CUSTOMER = 2.0
SAME_TIME = 1.0
"""Added to the sum of the two z-scores; the last one falls by a factor of e for every three days apart."""
SAME_TIME_WITHIN = timedelta(days=3)
SAME_CUSTOMER_WITHIN = timedelta(days=30)
LEAST_SCORE = 4.0
LEAST_COSINE = 0.8
"""What is proposed has one of both. Among few tickets none stands out by many standard deviations."""
OF_CUSTOMER = 50
MOST_ENTRIES = 2000
"""Entries of the ticket index that are looked through for tickets of the customer."""
MOST_WORDS = 6
READ_ROWS = 50
"""Of the ranking by the texts, the first, whose rows are read beside those of the customer."""


@dataclass(frozen=True, slots=True)
class DuplicateCandidate:
    """A ticket that may tell of the same thing, and what speaks for it."""

    row: EffectiveRow
    score: float
    """The higher the likelier; comparable within one ranking alone."""
    cosine: float
    """Of the two embeddings."""
    shared_words: tuple[str, ...]
    """As the ticket that was asked for has them, what says most first."""
    shared_entities: tuple[RowEntity, ...]
    """Numbers, codes and addresses that both name."""
    is_same_customer: bool
    hours_apart: float
    """Between the two uploads; negative where the candidate came later."""
    reference: str | None = None
    """The first of its group, where it is a duplicate itself."""


@dataclass(frozen=True, slots=True)
class DuplicateCandidates:
    """Asks the search index and the rows."""

    pool: DuplicatePool
    tickets: TicketQueries
    shared: SharedWords
    hide: Callable[[str], str] = str
    """Hides of a text what people may not see, before its words are compared."""

    def of(self, row: EffectiveRow, most: int = 10) -> list[DuplicateCandidate] | None:
        """Up to `most` candidates, the likeliest first; None where the ticket is not in the index (yet).

        Left out are tickets of its own group, and those that a person says are other matters, with their
        duplicates. Of another group only the likeliest stands there.
        """
        if row.enriched_key is None:
            return None
        others = [each.enriched_key for each in self._of_customer(row) if each.enriched_key]
        names = [each.value for each in identifying(row)]
        ranking = self.pool.rank(row.enriched_key, READ_ROWS, names, others)
        if ranking is None:
            return None
        by_key = {each.enriched_key: each for each in ranking.entries}
        hits = [Hit(each.enriched_key, each.score) for each in ranking.entries]
        found = [
            _candidate(row, each.row, by_key[each.enriched_key]) for each in with_rows(hits, self.tickets)
        ]
        found = [each for each in found if each.score >= LEAST_SCORE or each.cosine >= LEAST_COSINE]
        found.sort(key=lambda each: -each.score)
        text = self.hide(ranking.text)
        return [
            replace(each, shared_words=self._shared_words(text, by_key[str(each.row.enriched_key)].text))
            for each in islice(self._chosen(row, found), most)
        ]

    def _shared_words(self, text: str, other: str) -> tuple[str, ...]:
        return tuple(self.shared.of(text, other, MOST_WORDS))

    def _of_customer(self, row: EffectiveRow) -> Sequence[EffectiveRow]:
        """Tickets of the same customer, of 30 days before and after: the newest, bounded."""
        if not row.customer_id:
            return ()
        page = self.tickets.list(
            Filters({"customer_id": (row.customer_id,)}),
            row.received_at - SAME_CUSTOMER_WITHIN,
            row.received_at + SAME_CUSTOMER_WITHIN,
            limit=OF_CUSTOMER,
            most_entries=MOST_ENTRIES,
        )
        return page.rows

    def _chosen(self, row: EffectiveRow, found: Sequence[DuplicateCandidate]) -> Iterator[DuplicateCandidate]:
        """Those that may be proposed."""
        roots = _Roots(self.tickets, {each.row.ticket_id: each.row for each in found})
        own = roots.of(row)
        seen = {row.ticket_id, own, *denied_of(row)}
        for each in found:
            root = roots.of(each.row)
            is_denied = not denied_of(each.row).isdisjoint({row.ticket_id, own})
            if is_denied or seen & {each.row.ticket_id, root}:
                continue
            seen.add(root)
            yield replace(each, reference=None if root == each.row.ticket_id else root)


@dataclass(frozen=True, slots=True)
class _Roots:
    """Finds the first tickets of groups; rows are read once."""

    tickets: TicketQueries
    known: dict[str, EffectiveRow] = field(default_factory=dict)

    def of(self, row: EffectiveRow) -> str:
        return to_root(row, self._get)[-1].ticket_id

    def _get(self, ticket_id: str) -> TicketRow | None:
        if ticket_id not in self.known and (row := self.tickets.get(ticket_id)) is not None:
            self.known[ticket_id] = row
        return self.known.get(ticket_id)


def identifying(row: TicketRow) -> list[RowEntity]:
    """What a ticket names that stands for one thing, as a number of an order does."""
    return [each for each in row.entities if each.kind in IDENTIFYING]


def _candidate(row: EffectiveRow, other: EffectiveRow, ranked: Ranked) -> DuplicateCandidate:
    named = {(each.kind, each.value) for each in identifying(row)}
    shared = tuple(each for each in identifying(other) if (each.kind, each.value) in named)
    apart = row.received_at - other.received_at
    is_same_customer = bool(row.customer_id) and row.customer_id == other.customer_id
    score = ranked.score + SAME_TIME * math.exp(-abs(apart) / SAME_TIME_WITHIN)
    if is_same_customer and abs(apart) <= SAME_CUSTOMER_WITHIN:
        score += SAME_CUSTOMER
    if any(each.kind in NUMBERS for each in shared):
        score += SAME_NUMBER
    return DuplicateCandidate(
        row=other,
        score=score,
        cosine=ranked.cosine,
        shared_words=(),
        shared_entities=shared,
        is_same_customer=is_same_customer,
        hours_apart=apart / timedelta(hours=1),
    )
