"""Compares the newest tickets of a stack with its reference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from ticketmill.bootstrap.adapters import Adapters
from ticketmill.bootstrap.learning import learning_store_of
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.keys import DRIFT_REFERENCE_FILE
from ticketmill.domain.labels import Status
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.domain.row import TicketRow
    from ticketmill.learning.drift import DriftReport
    from ticketmill.learning.drift_history import KeptReport
    from ticketmill.learning.drift_plot import DriftPoint
    from ticketmill.learning.drift_sample import Sample
    from ticketmill.learning.ports import Journal, LearningObjects

Item = TypeVar("Item")

MAX_BLOCKS = 12
"""A plot shows so many blocks of tickets."""
MAX_ROWS_AT_ONCE = 100  # what one BatchGetItem takes
_GONE = frozenset({"NoSuchKey", "404"})


@dataclass(frozen=True)
class DriftWatch:
    """What drift is judged by in one stack."""

    adapters: Adapters
    objects: LearningObjects
    journal: Journal
    tasks: Sequence[str]
    """Those with one label."""
    many: Sequence[str]
    """Those with several."""
    io_threads: int

    def report(self, since: datetime, newest_tickets: int, alpha: float) -> DriftReport:
        """The newest tickets against the reference that is kept, or else against the tickets before them."""
        from ticketmill.learning.drift import REFERENCE_TICKETS, compare, judgements

        kept = self.kept_reference()
        rows = self._rows(since, newest_tickets + (0 if kept else REFERENCE_TICKETS))
        reference = kept or self._sample(rows[newest_tickets:])
        newest = self._sample(rows[:newest_tickets])
        return compare(reference, newest, judgements(self.journal.walk(), since), alpha)

    def kept_reference(self) -> Sample | None:
        """The reference that somebody kept."""
        from ticketmill.learning.drift_sample import from_bytes

        body = self.objects.get(DRIFT_REFERENCE_FILE)
        return None if body is None else from_bytes(body)

    def keep_reference(self, since: datetime) -> Sample:
        """Makes the newest tickets the reference from now on. LearningRefused where there are too few."""
        from ticketmill.learning.drift import REFERENCE_TICKETS, check_size
        from ticketmill.learning.drift_sample import to_bytes

        sample = self._sample(self._rows(since, REFERENCE_TICKETS))
        check_size(sample, "reference")
        self.objects.put(DRIFT_REFERENCE_FILE, to_bytes(sample))
        return sample

    def keep(self, report: DriftReport, at: datetime) -> None:
        """Keeps a report as that of its day."""
        from ticketmill.learning.drift_history import keep_report

        keep_report(self.objects, report, at)

    def kept(self) -> list[KeptReport]:
        """The reports that are kept, the oldest first."""
        from ticketmill.learning.drift_history import kept_reports

        with ThreadPoolExecutor(self.io_threads) as executor:
            return kept_reports(self.objects, executor)

    def history(self, since: datetime, newest_tickets: int, alpha: float) -> list[DriftPoint]:
        """The distance of the texts of each block of tickets from the reference, the oldest block first."""
        from ticketmill.learning.drift import REFERENCE_TICKETS, text_distances

        kept = self.kept_reference()
        rows = self._rows(since, newest_tickets * MAX_BLOCKS + (0 if kept else REFERENCE_TICKETS))
        if kept is None:
            rows, before = rows[:-REFERENCE_TICKETS], rows[-REFERENCE_TICKETS:]
        reference = kept or self._sample(before)
        blocks = [self._sample(block) for block in _chunks(rows, newest_tickets)]
        return text_distances(reference, blocks[::-1], newest_tickets, alpha)

    def _rows(self, since: datetime, most: int) -> list[TicketRow]:
        """The stored rows of the newest enriched tickets, the newest first."""
        found = self.adapters.queries.newest(since, most)
        ids = [row.ticket_id for row in found if row.status in (Status.ENRICHED, Status.PARTIAL)]
        stored: dict[str, TicketRow] = {}
        for chunk in _chunks(ids, MAX_ROWS_AT_ONCE):
            stored |= self.adapters.rows.get_many(chunk)
        return [stored[each] for each in ids if each in stored]

    def _sample(self, rows: Sequence[TicketRow]) -> Sample:
        from ticketmill.learning.drift_sample import sample_of

        with ThreadPoolExecutor(self.io_threads) as executor:
            vectors = dict(
                zip((row.ticket_id for row in rows), executor.map(self._embedding, rows), strict=True)
            )
        return sample_of(rows, lambda row: vectors[row.ticket_id], self.tasks, self.many)

    def _embedding(self, row: TicketRow) -> list[float] | None:
        """The embedding of a full record; None where that is gone."""
        if row.enriched_key is None:
            return None
        try:
            body = self.adapters.enriched_tickets.get(row.enriched_key)
        except TransientFailure as failure:
            if failure.code in _GONE:
                return None
            raise
        embedding: list[float] = json.loads(body)["enrichment"]["embedding"]
        return embedding


def _chunks(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def make_drift_watch(settings: Settings, adapters: Adapters) -> DriftWatch:
    """What judges drift in a stack. SetupError where the stack has no learning table yet."""
    from ticketmill.bootstrap.corrections import make_corrections

    store = learning_store_of(settings, adapters)
    corrections = make_corrections(settings, adapters)
    tasks = corrections.tasks
    return DriftWatch(
        adapters,
        store.objects,
        corrections.journal,
        tasks=[name for name, task in tasks.items() if not task.is_many],
        many=[name for name, task in tasks.items() if task.is_many],
        io_threads=settings.io_threads,
    )
