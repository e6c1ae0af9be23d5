"""The heartbeat of a Celery worker: a row for others, and a file for the probe of its container.

The row says what the worker has in hand. Where it dies, another worker sends that again: some brokers lose
the messages of a dead worker, and SQS hides them for an hour. What the broker delivers again, too, finds its
job running or ended.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from celery import Celery, signals
from celery.worker import state

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.job import JobKind
from ticketmill.domain.job_worker import Held, JobWorker, heartbeat_file
from ticketmill.entrypoints.celery.config import QUEUE_OF
from ticketmill.entrypoints.celery.tasks import RUN
from ticketmill.learning.job_records import is_final
from ticketmill.learning.job_work import utc_now
from ticketmill.learning.store import LearningStore
from ticketmill.periodic import Periodic

log = logging.getLogger(__name__)

MAX_ARGUMENTS_CHARS = 4000
"""Larger arguments stay out of the row; their job is sent again as its row has it."""
LOOK_S = 1.0
"""From one look for new messages to the next."""


@dataclass
class Heartbeat:
    """Beats for a worker from its start to its end, and looks for those that have died."""

    app: Celery
    open_store: Callable[[], LearningStore]
    every: timedelta = timedelta(seconds=15)
    dead_after_s: float = 75
    now: Callable[[], datetime] = utc_now
    _beats: Periodic | None = field(default=None, init=False)
    _worker: JobWorker | None = field(default=None, init=False)
    _last: datetime | None = field(default=None, init=False)
    _told: frozenset[str] = field(default=frozenset(), init=False)
    """The ids of the messages that the last heartbeat told of."""

    def listen(self) -> None:
        """Begins when a worker of this process is ready, and ends when it stops."""
        signals.worker_ready.connect(self._start, weak=False)
        signals.worker_shutdown.connect(self._stop, weak=False)

    def look(self, store: LearningStore, worker: JobWorker) -> None:
        """A heartbeat where one is due, and where a message came after the last one: a worker that dies then
        had it in hand, too."""
        now, ids = self.now(), frozenset(list(state.requests))
        if self._last is None or now - self._last >= self.every or ids - self._told:
            self._last, self._told = now, ids
            self.beat(store, worker)

    def beat(self, store: LearningStore, worker: JobWorker) -> None:
        """One heartbeat. A store that fails is asked again at the next one."""
        heartbeat_file(worker.name).touch()
        try:
            store.job_workers.beat(worker.model_copy(update={"seen_at": self.now(), "holds": held()}))
            for each in store.job_workers.workers():
                if not each.is_alive(self.now()):
                    self.take_over(store, each)
        except TransientFailure as failure:
            log.warning("no heartbeat of %s: %s", worker.name, failure)

    def take_over(self, store: LearningStore, dead: JobWorker) -> None:
        """Sends what a dead worker had in hand again. Two workers that do so at once send it twice, and it
        is done once."""
        log.warning("worker %s died with %d jobs in hand", dead.name, len(dead.holds))
        for each in dead.holds:
            job = store.jobs.get(each.job_id)
            if job is not None and not is_final(job):
                name, arguments = each.name, each.arguments
                if arguments is None:
                    name, arguments = RUN, {"args": [job.request.model_dump(mode="json")], "kwargs": {}}
                queue = QUEUE_OF[JobKind(job.request.kind)]
                self.app.send_task(name, task_id=each.job_id, queue=queue, **arguments)
        store.job_workers.remove(dead.name)

    def _start(self, sender: Any, **_: Any) -> None:
        queues = tuple(sorted(queue.name for queue in sender.task_consumer.queues))
        now = self.now()
        worker = JobWorker(
            name=sender.hostname,
            pid=os.getpid(),
            queues=queues,
            started_at=now,
            seen_at=now,
            dead_after_s=self.dead_after_s,
        )
        store = self.open_store()
        self._worker = worker
        look_s = min(LOOK_S, self.every.total_seconds())
        self._beats = Periodic("heartbeat of the worker", look_s, lambda: self.look(store, worker))

    def _stop(self, **_: Any) -> None:
        if self._beats is None or self._worker is None:
            return
        self._beats.close()
        heartbeat_file(self._worker.name).unlink(missing_ok=True)
        try:
            self.open_store().job_workers.remove(self._worker.name)
        except TransientFailure as failure:
            log.warning("the row of %s is left, and others take it for dead: %s", self._worker.name, failure)


def held() -> tuple[Held, ...]:
    """What this process has in hand: begun, waiting for a free place, and waiting for its time."""
    return tuple(
        Held(job_id=each.id, name=each.name, arguments=_arguments(each))
        for each in list(state.requests.values())
    )


def _arguments(request: Any) -> dict[str, Any] | None:
    arguments = {"args": list(request.args), "kwargs": dict(request.kwargs)}
    has_texts = "documents" in request.kwargs or request.name.endswith("index_documents_task")
    if has_texts or len(json.dumps(arguments)) > MAX_ARGUMENTS_CHARS:
        return None
    return arguments
