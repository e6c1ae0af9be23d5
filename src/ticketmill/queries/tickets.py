"""What people ask of the tickets: one, a list of some, counts of all. The CLI asks here, and an API can."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Protocol

from ticketmill.domain.effective_row import EffectiveRow, effective
from ticketmill.domain.keys import utc_text
from ticketmill.domain.labels import Status
from ticketmill.domain.row import FoundRows
from ticketmill.domain.ticket_id import known_as
from ticketmill.queries.cursor import decode_cursor, encode_cursor
from ticketmill.queries.filters import Filters
from ticketmill.queries.label_counts import LabelCounts
from ticketmill.queries.overview import Overview
from ticketmill.queries.own_tasks import Definitions
from ticketmill.queries.trends import Step, Trends

MAX_ROWS_AT_ONCE = 100  # what one BatchGetItem takes
SAMPLE = 1000

logger = logging.getLogger(__name__)


class TicketIndex(Protocol):
    """Which tickets there are, without their rows. It may lag behind the rows for a moment."""

    def search(
        self,
        labels: Mapping[str, Sequence[str]],
        since: datetime,
        older_than: str | None = None,
        expected: int = 50,
        most_entries: int | None = None,
    ) -> Generator[tuple[str, str | None], None, None]:
        """Position and id of all tickets with `labels`, the newest first, and of others: it may know less.

        `older_than` is the position after which to go on. About `expected` of them will be asked for. With
        `most_entries` the search ends when about so many were looked through, and the last that it gives then
        is the position where it ended, with None.
        """
        ...

    def facets(
        self, since: datetime, older_than: str | None = None, most_entries: int | None = None
    ) -> Generator[tuple[str, Iterable[str]], None, None]:
        """Position and facets of every ticket, the newest first. About `most_entries` will be asked for."""
        ...

    def count(self, statuses: Iterable[str], since: datetime) -> dict[str, int]:
        """How many tickets have each status."""
        ...


class TicketRows(Protocol):
    """The rows by id."""

    def get_many(self, ticket_ids: Iterable[str]) -> FoundRows: ...


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, the newest upload first, and the cursor for the next page; None where there is no more."""

    rows: tuple[EffectiveRow, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class TicketQueries:
    """The index finds tickets, the table tells of them. All labels are the effective ones."""

    index: TicketIndex
    rows: TicketRows
    repair: Callable[[Iterable[str]], None] | None = None
    """Told the tickets whose index entry does not say what a person says, see `Corrections.repair`."""
    own: Definitions = field(default_factory=dict)
    """Your own tasks."""

    def get(self, ticket_id: str) -> EffectiveRow | None:
        """The row of a ticket. TransientFailure where this version cannot read it."""
        row = self._found([ticket_id]).row_of(ticket_id)
        return None if row is None else effective(row)

    def find(self, typed: str) -> EffectiveRow | None:
        """The row of a ticket by its id here, or by the one that its helpdesk gave it."""
        found = map(self.get, known_as(typed) or (typed,))
        return next((row for row in found if row is not None), None)

    def list(
        self,
        filters: Filters,
        since: datetime,
        until: datetime | None = None,
        cursor: str | None = None,
        limit: int = 50,
        most_entries: int | None = None,
    ) -> Page:
        """Up to `limit` tickets that were uploaded from `since` on and before `until`, the newest first.

        With `most_entries` no more than about so many index entries are looked through: the page may then be
        short, even empty, and its cursor goes on. BadCursor where `cursor` is none, or belongs to a list with
        other filters.
        """
        digest = filters.digest()
        older_than = decode_cursor(cursor, digest) if cursor else utc_text(until) if until else None
        found: list[tuple[str, EffectiveRow]] = []
        cut_at: str | None = None
        with closing(self._matching(filters, since, older_than, limit + 1, most_entries)) as matching:
            for position, row in matching:
                if row is None:
                    cut_at = position
                elif len(found) == limit:
                    cut_at = found[-1][0]
                    break
                else:
                    found.append((position, row))
        return Page(tuple(row for _, row in found), encode_cursor(cut_at, digest) if cut_at else None)

    def counts(
        self, since: datetime, until: datetime | None = None, most_entries: int | None = None
    ) -> LabelCounts:
        """The labels of all tickets that were uploaded from `since` on, or of the newest `most_entries`."""
        return self.trends(since, until, None, most_entries).total

    def entries(
        self, since: datetime, until: datetime | None = None, most_entries: int | None = None
    ) -> Generator[tuple[str, Iterable[str]], None, None]:
        """Index position and facets of tickets that were uploaded from `since` on and before `until`, the
        newest first. About `most_entries` will be asked for."""
        return self.index.facets(since, utc_text(until) if until else None, most_entries)

    def trends(
        self, since: datetime, until: datetime | None, step: Step | None, most_entries: int | None = None
    ) -> Trends:
        """The labels of tickets by day or hour of their upload, counted from the newest back."""
        trends = Trends(step)
        older_than = utc_text(until) if until else None
        with closing(self.index.facets(since, older_than, most_entries)) as tickets:
            for position, facets in islice(tickets, most_entries):
                trends.add(position, facets)
            trends.close(is_complete=most_entries is None or next(tickets, None) is None)
        return trends

    def overview(self, lists: Sequence[Filters], since: datetime, most_entries: int) -> Overview:
        """How many of the newest tickets each of some lists has, and their labels, in one pass."""
        overview = Overview.of(lists)
        with closing(self.index.facets(since, None, most_entries)) as tickets:
            for position, facets in islice(tickets, most_entries):
                overview.add(position, frozenset(facets))
            overview.close(is_complete=next(tickets, None) is None)
        return overview

    def count_statuses(self, since: datetime) -> dict[str, int]:
        """How many tickets that were uploaded from `since` on have each status."""
        return self.index.count([status.value for status in Status], since)

    def known_labels(self, name: str, since: datetime) -> set[str]:
        """The labels of that name that some of the newest tickets have."""
        return set(self.counts(since, most_entries=SAMPLE).labels.get(name, ()))

    def _matching(
        self,
        filters: Filters,
        since: datetime,
        older_than: str | None,
        expected: int,
        most_entries: int | None,
    ) -> Generator[tuple[str, EffectiveRow | None], None, None]:
        """The rows that fit; then, where the search ended early, its position with None."""
        found = self.index.search(filters.labels, since, older_than, expected, most_entries)
        at_once = min(expected, MAX_ROWS_AT_ONCE)
        with closing(found):
            while entries := list(islice(found, at_once)):
                rows = self._readable_rows([ticket_id for _, ticket_id in entries if ticket_id])
                for position, ticket_id in entries:
                    row = rows.get(ticket_id) if ticket_id else None
                    if ticket_id is None or (row is not None and filters.match(row)):
                        yield position, row

    def _found(self, ticket_ids: Sequence[str]) -> FoundRows:
        rows = self.rows.get_many(ticket_ids)
        if rows.misindexed and self.repair is not None:
            self.repair(sorted(rows.misindexed))
        return rows

    def _readable_rows(self, ticket_ids: Sequence[str]) -> Mapping[str, EffectiveRow]:
        """The rows that exist; one that cannot be read is named in the log and left out."""
        rows = self._found(ticket_ids)
        for ticket_id, failure in rows.unreadable.items():
            logger.warning("ticket %s is left out: %s", ticket_id, failure)
        return {ticket_id: effective(row) for ticket_id, row in rows.items()}
