"""What shadows say beside the models that serve: counted, and some of the disagreements kept."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Lock

from ticketmill.domain.disagreement import Disagreement
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.keys import disagreement_file
from ticketmill.pipeline.learned import Compared
from ticketmill.tasks.learned import LearnedModel

log = logging.getLogger(__name__)

MAX_PER_FLUSH = 30
"""Disagreements of one version that are kept between two flushes: a put costs as much CPU time as half a
ticket, and so one or two a second cost nothing."""
MAX_KEPT = 2000
"""Disagreements of one version that a worker keeps in all."""


def _now() -> datetime:
    return datetime.now(UTC)


class Shadows:
    """Compares and keeps. `compared` may be called by any worker thread, and waits for nothing."""

    def __init__(
        self,
        put: Callable[[str, bytes], None],
        max_per_flush: int = MAX_PER_FLUSH,
        max_kept: int = MAX_KEPT,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self.scored: Counter[str] = Counter()
        """Tickets that a shadow scored, by task."""
        self.disagreed: Counter[str] = Counter()
        """Those of them on which it says something else."""
        self._put = put
        self._max_per_flush = max_per_flush
        self._max_kept = max_kept
        self._now = now
        self._kept: Counter[str] = Counter()
        self._waiting: dict[str, list[tuple[LearnedModel, Compared, datetime]]] = {}
        self._lock = Lock()

    def compared(self, model: LearnedModel, found: Sequence[Compared]) -> None:
        """Counts what a shadow says of the tickets of a batch."""
        different = [each for each in found if not each.agrees]
        now = self._now()
        with self._lock:
            self.scored[model.task] += len(found)
            self.disagreed[model.task] += len(different)
            waiting = self._waiting.setdefault(model.name, [])
            most = min(self._max_per_flush, self._max_kept - self._kept[model.name]) - len(waiting)
            waiting += [(model, each, now) for each in different[: max(most, 0)]]

    def flush(self) -> None:
        """Stores the disagreements that wait. What cannot be stored is left out: there will be more."""
        with self._lock:
            waiting = [each for found in self._waiting.values() for each in found]
            self._waiting.clear()
        for number, (model, each, at) in enumerate(waiting):
            try:
                self._put(
                    disagreement_file(model.task, model.number, each.ticket_id),
                    _disagreement(model, each, at).model_dump_json().encode(),
                )
            except TransientFailure as failure:
                log.warning("%d disagreements of shadows are not kept: %s", len(waiting) - number, failure)
                return
            self._kept[model.name] += 1


def _disagreement(model: LearnedModel, each: Compared, at: datetime) -> Disagreement:
    return Disagreement(
        ticket_id=each.ticket_id,
        task=model.task,
        served_by=each.served_by,
        served=each.served,
        served_confidence=each.served_confidence,
        shadow=model.name,
        says=each.says,
        confidence=each.confidence,
        at=at,
    )
