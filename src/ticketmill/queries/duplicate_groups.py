"""Groups of tickets that people found to be the same: a reference, and its duplicates.

A duplicate is found by its labels in the ticket index, where a person's word is a facet like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ticketmill.domain.duplicates import DUPLICATE_OF, reference_of, to_root
from ticketmill.domain.effective_row import EffectiveRow, effective
from ticketmill.domain.row import TicketRow
from ticketmill.queries.filters import Filters
from ticketmill.queries.tickets import MAX_ROWS_AT_ONCE, TicketQueries

BEFORE = timedelta(days=30)
"""A reference that was uploaded again is younger than its duplicates."""
MOST_ENTRIES = 5000
"""Entries of the ticket index that are looked through for the duplicates of one ticket: the newest."""


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Tickets that tell of the same thing."""

    reference: EffectiveRow
    """The one that points to no other."""
    members: tuple[EffectiveRow, ...]
    """Its duplicates, the newest upload first."""
    is_complete: bool = True
    """Whether all tickets since were looked through."""


@dataclass(frozen=True, slots=True)
class DuplicateGroups:
    """What the rows and the ticket index say of groups."""

    tickets: TicketQueries

    def of(self, row: EffectiveRow, most_entries: int = MOST_ENTRIES) -> DuplicateGroup:
        """The group of a ticket; without members where it has no duplicate and is none."""
        path = [effective(each) for each in to_root(row, self.tickets.get)]
        root = path[-1]
        members = {each.ticket_id: each for each in path[:-1]}
        since = min(each.received_at for each in path) - BEFORE
        wanted, is_complete = [each.ticket_id for each in path], True
        while wanted:
            page = self.tickets.list(
                Filters({DUPLICATE_OF: wanted}), since, limit=MAX_ROWS_AT_ONCE, most_entries=most_entries
            )
            is_complete = is_complete and page.cursor is None
            known = {root.ticket_id, *members}
            new = [each for each in page.rows if reference_of(each) in wanted and each.ticket_id not in known]
            members |= {each.ticket_id: each for each in new}
            wanted = [each.ticket_id for each in new]
        return DuplicateGroup(root, _newest_first(members.values()), is_complete)

    def since(self, since: datetime, until: datetime | None = None) -> list[DuplicateGroup]:
        """Groups with a duplicate that was uploaded from `since` on and before `until`.

        The group of the newest duplicate comes first. Duplicates that were uploaded at other times are left
        out.
        """
        duplicates = list(self._duplicates(since, until))
        known: dict[str, TicketRow | None] = {each.ticket_id: each for each in duplicates}

        def get(ticket_id: str) -> TicketRow | None:
            if ticket_id not in known:
                known[ticket_id] = self.tickets.get(ticket_id)
            return known[ticket_id]

        groups: dict[str, list[EffectiveRow]] = {}
        roots: dict[str, EffectiveRow] = {}
        for row in duplicates:
            root = effective(to_root(row, get)[-1])
            roots[root.ticket_id] = root
            groups.setdefault(root.ticket_id, []).append(row)
        return [DuplicateGroup(roots[name], _newest_first(group)) for name, group in groups.items()]

    def _duplicates(self, since: datetime, until: datetime | None) -> Iterator[EffectiveRow]:
        """The newest first."""
        spoken, cursor = Filters({"corrected": (DUPLICATE_OF,)}), None
        while True:
            page = self.tickets.list(spoken, since, until, cursor, limit=MAX_ROWS_AT_ONCE)
            yield from (row for row in page.rows if reference_of(row) is not None)
            if (cursor := page.cursor) is None:
                return


def _newest_first(rows: Iterable[EffectiveRow]) -> tuple[EffectiveRow, ...]:
    return tuple(sorted(rows, key=lambda row: (row.received_at, row.ticket_id), reverse=True))
