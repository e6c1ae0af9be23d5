"""What people say of duplicates: corrections of two tasks that no model has.

A duplicate points to a ticket that came before it, its reference; that one may point further. So tickets
that people find to be the same are trees of pointers, and each pointer is one event of the label journal that
can be taken back alone.
"""

from __future__ import annotations

from collections.abc import Callable

from ticketmill.domain.label import CorrectionKind
from ticketmill.domain.row import TicketRow

DUPLICATE_OF = "duplicate_of"
"""The label is the id of the reference."""
NOT_DUPLICATE_OF = "not_duplicate_of"
"""The labels are the ids of tickets that are other matters."""
DUPLICATE_TASKS = (DUPLICATE_OF, NOT_DUPLICATE_OF)


def reference_of(row: TicketRow) -> str | None:
    """The ticket that a row is a duplicate of, as a person says of its content; None where it is its own."""
    labels = _said(row, DUPLICATE_OF)
    return labels[0] if labels else None


def denied_of(row: TicketRow) -> frozenset[str]:
    """The tickets that a person says are other matters."""
    return frozenset(_said(row, NOT_DUPLICATE_OF))


def to_root(row: TicketRow, get: Callable[[str], TicketRow | None]) -> list[TicketRow]:
    """A ticket, its reference, and so on, up to the first of its group. A reference without a row ends it.

    A pointer back into the path ends it too: when old content comes again, so do the pointers of then.
    """
    path = [row]
    while (reference := reference_of(path[-1])) is not None:
        found = None if reference in {each.ticket_id for each in path} else get(reference)
        if found is None:
            break
        path.append(found)
    return path


def came_before(one: TicketRow, other: TicketRow) -> bool:
    """Whether `one` was uploaded before `other`; of two at the same time the one whose id is first."""
    return (one.received_at, one.ticket_id) < (other.received_at, other.ticket_id)


def _said(row: TicketRow, task: str) -> tuple[str, ...]:
    spoken = row.person.get(task)
    if spoken is None or spoken.content_hash != row.content_hash or spoken.kind != CorrectionKind.LABEL:
        return ()
    return spoken.labels
