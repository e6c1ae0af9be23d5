"""Tickets of a period as points of a plane: those that are about the same thing lie together."""

from __future__ import annotations

from datetime import datetime

from ticketmill.domain.records import Record

NO_LABEL = "none"


class TicketMap(Record):
    """Every list has an entry a ticket, in the same order."""

    at: datetime
    since: datetime
    tickets: tuple[str, ...]
    """The ids, the newest upload first."""
    x: tuple[float, ...]
    """From 0 to 1."""
    y: tuple[float, ...]
    """From 0 to 1."""
    labels: dict[str, tuple[str, ...]]
    """By task, the effective label when the map was drawn: of topics the most probable one, `none` for no
    label. `gap` has the name of the gap in the last report of gaps."""


def without_ticket(drawn: TicketMap, ticket_id: str) -> TicketMap:
    """The map without a ticket."""
    kept = [at for at, each in enumerate(drawn.tickets) if each != ticket_id]
    return drawn.model_copy(
        update={
            "tickets": tuple(drawn.tickets[at] for at in kept),
            "x": tuple(drawn.x[at] for at in kept),
            "y": tuple(drawn.y[at] for at in kept),
            "labels": {task: tuple(each[at] for at in kept) for task, each in drawn.labels.items()},
        }
    )
