"""Draws the tickets of a stack as a map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ticketmill.bootstrap.adapters import Adapters
from ticketmill.bootstrap.indexed_rows import indexed_rows
from ticketmill.bootstrap.learning import learning_store_of
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.domain.effective_row import EffectiveRow
    from ticketmill.domain.ticket_map import TicketMap
    from ticketmill.learning.ports import LearningObjects
    from ticketmill.queries.ticket_vectors import TicketVectors
    from ticketmill.queries.tickets import TicketQueries

GAP = "gap"


@dataclass(frozen=True)
class MapDesk:
    """Places tickets on a map, and keeps the last one."""

    queries: TicketQueries
    open_vectors: Callable[[], TicketVectors]
    objects: LearningObjects

    def find(self, since: datetime, now: datetime, most: int) -> TicketMap:
        """The newest `most` tickets since then. LearningRefused where there are too few."""
        from ticketmill.domain.ticket_map import TicketMap
        from ticketmill.learning.flat import flatten

        found = indexed_rows(self.queries, self.open_vectors(), since, most)
        places = flatten(found.vectors).round(4)
        return TicketMap(
            at=now,
            since=since,
            tickets=tuple(row.ticket_id for row in found.rows),
            x=tuple(places[:, 0].tolist()),
            y=tuple(places[:, 1].tolist()),
            labels=self._labels(found.rows),
        )

    def keep(self, drawn: TicketMap) -> None:
        """Keeps a map as the last one."""
        from ticketmill.learning.ticket_map import keep_map

        keep_map(self.objects, drawn)

    def kept(self) -> TicketMap | None:
        """The last map; None where nobody has drawn one yet."""
        from ticketmill.learning.ticket_map import kept_map

        return kept_map(self.objects)

    def _labels(self, rows: Sequence[EffectiveRow]) -> dict[str, tuple[str, ...]]:
        from ticketmill.domain.effective_row import shown_of
        from ticketmill.domain.ticket_map import NO_LABEL
        from ticketmill.learning.gap_history import kept_gaps
        from ticketmill.queries.columns import CORRECTABLE

        tasks = (*CORRECTABLE, "language", *self.queries.own)
        labels = {
            task: tuple(next(iter(shown_of(row, task).labels), NO_LABEL) for row in rows) for task in tasks
        }
        report = kept_gaps(self.objects)
        if report is not None:
            gaps = {ticket: each.name for each in report.gaps for ticket in each.tickets}
            labels[GAP] = tuple(gaps.get(row.ticket_id, NO_LABEL) for row in rows)
        return labels


def make_map_desk(settings: Settings, adapters: Adapters) -> MapDesk:
    """Over the tickets and the index of a stack. SetupError where it has no learning table yet."""
    from functools import cache, partial

    from ticketmill.bootstrap.search import open_ticket_vectors

    return MapDesk(
        queries=adapters.queries,
        open_vectors=cache(partial(open_ticket_vectors, settings)),
        objects=learning_store_of(settings, adapters).objects,
    )
