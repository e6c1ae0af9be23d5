"""The list: what each ticket of a page shows of its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ticketmill.domain.duplicates import DUPLICATE_TASKS, reference_of
from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.entrypoints.web.page.labels import CORRECTABLE, Chip, chips, own_chips
from ticketmill.entrypoints.web.page.query import ListQuery

ROWS = 50
MOST_ENTRIES = 4000
"""A list looks through so many tickets at most. Then it shows what it found, and a link to go on."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One ticket of the list."""

    row: EffectiveRow
    labels: tuple[Chip, ...]
    """Of the tasks that have one."""
    topics: tuple[Chip, ...]

    @classmethod
    def of(cls, row: EffectiveRow) -> Entry:
        found = [(task, chips(row, task)) for task in CORRECTABLE]
        own = sorted(row.custom.keys() - set(DUPLICATE_TASKS))
        return cls(
            row,
            labels=(
                *(chip for task, made in found if task.measured != "tags" for chip in made),
                *(chip for task in own for chip in own_chips(row, task)),
            ),
            topics=tuple(chip for task, made in found if task.measured == "tags" for chip in made),
        )

    @property
    def ticket_id(self) -> str:
        return self.row.ticket_id

    @property
    def reference(self) -> str | None:
        """The ticket that it is a duplicate of."""
        return reference_of(self.row)

    @property
    def text(self) -> str:
        """What it says in a line: the summary, else the subject, else why there is none."""
        row = self.row
        reason = row.rejection or row.failure
        return row.summary_display or row.subject or (reason.message if reason else "(no text)")


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list. `older` is the list that goes on after it."""

    query: ListQuery
    entries: tuple[Entry, ...]
    older: ListQuery | None

    @classmethod
    def of(cls, query: ListQuery, rows: Sequence[EffectiveRow], cursor: str | None) -> Listing:
        return cls(query, tuple(map(Entry.of, rows)), query.at(cursor) if cursor else None)

    def after(self, ticket_id: str) -> str | None:
        """The ticket that follows; None after the last one, and after one that is not in the list."""
        ids = [entry.ticket_id for entry in self.entries]
        at = ids.index(ticket_id) + 1 if ticket_id in ids else len(ids)
        return ids[at] if at < len(ids) else None


def age(then: datetime, now: datetime) -> str:
    """As in `4 min`, `3 h`, `2 d`; from 30 days on the day."""
    seconds = max((now - then).total_seconds(), 0)
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 2 * 86_400:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86_400)} d" if seconds < 30 * 86_400 else f"{then:%Y-%m-%d}"
