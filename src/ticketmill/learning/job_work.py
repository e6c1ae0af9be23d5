"""What a job works with: its lease, kept by a thread, and its progress, which tells it when to stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.job import Job, JobError, JobErrorCode
from ticketmill.learning.job_records import JobRecords, Lease, LeaseLost, Progress

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


class JobCancelled(Exception):
    """Somebody asked to cancel the job: it stops, and keeps nothing more."""


class JobWaits(Exception):
    """The job waits for what others do for it: it is given back, and comes again."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a lease is, and how often it is renewed."""

    lease: timedelta = timedelta(seconds=60)
    heartbeat: timedelta = timedelta(seconds=15)
    look: timedelta = timedelta(seconds=1)
    """From one look at the row to the next while batches go by: whether somebody cancelled."""
    limit: timedelta = timedelta(hours=1)
    """How long a job may take."""


@dataclass
class Work:
    """A claimed job at work. The job's thread tells how far it is; a thread of its own keeps the lease.

    Every method raises JobCancelled where somebody asked to cancel, and LeaseLost where another worker has
    the job by now: the job's function does not catch them.
    """

    records: JobRecords
    job: Job
    owner: str
    pace: Pace = field(default_factory=Pace)
    now: Callable[[], datetime] = utc_now
    on_progress: Callable[[Progress], object] = lambda _: None
    _progress: Progress = field(default_factory=Progress, init=False)
    _seen: Job = field(init=False)
    """The job as it was when it was last written."""
    _lost: threading.Event = field(default_factory=threading.Event, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _looked: datetime = field(init=False)
    _ends: datetime = field(init=False)
    """When it has taken too long."""

    def __post_init__(self) -> None:
        self._seen, self._looked = self.job, self.now()
        self._ends = self._looked + self.pace.limit

    @property
    def lease(self) -> Lease:
        return Lease(self.owner, self.pace.lease)

    def begin(self, stage: str, total: int | None = None) -> None:
        """A new stage; with `total` documents where they are counted."""
        count = Progress(0, total) if total is not None else self._progress
        self._progress = replace(count, stage=stage, found=self._progress.found)
        self.check()

    def advance(self, count: int = 1) -> None:
        """So many documents more are done."""
        self._progress = replace(self._progress, done=self._progress.done + count)
        self.check()

    def found(self, **found: Any) -> None:
        """Writes what a takeover must know, before anything is made of it."""
        self._progress = replace(self._progress, found={**(self._progress.found or {}), **found})
        self._write()
        self.check()

    def known(self, name: str) -> Any:
        """What this attempt, or one before it, has found; None where none has."""
        return {**self.job.result, **(self._progress.found or {})}.get(name)

    def check(self) -> None:
        """Stops the job where it must not go on."""
        self.on_progress(self._progress)
        if self.now() - self._looked >= self.pace.look:
            self._write()
        self._stop_where_asked()

    def check_now(self) -> None:
        """The same, after a look at the row."""
        self._write()
        self._stop_where_asked()

    def _stop_where_asked(self) -> None:
        if self._lost.is_set():
            raise LeaseLost(self.job.job_id)
        if self._seen.cancel_asked:
            raise JobCancelled(self.job.job_id)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renews the lease until the block ends."""
        ended = threading.Event()

        def keep() -> None:
            while not ended.wait(self.pace.heartbeat.total_seconds()) and not self._lost.is_set():
                self._write()

        heartbeat = threading.Thread(target=keep, name=f"heartbeat of {self.job.job_id}", daemon=True)
        heartbeat.start()
        try:
            yield
        finally:
            ended.set()
            heartbeat.join()

    def _write(self) -> None:
        """One heartbeat. Where the store fails the lease may hold until the next one."""
        with self._lock:
            now = self.now()
            self._looked = now
            try:
                if now >= self._ends:
                    self._fail(now)
                self._seen = self.records.renew(self.job.job_id, self.lease, self._progress, now)
            except LeaseLost:
                self._lost.set()
            except TransientFailure as failure:
                log.warning("%s; trying again at the next heartbeat", failure, extra=fields_of(self.job))
                if self._seen.lease_until is not None and now >= self._seen.lease_until:
                    self._lost.set()

    def _fail(self, now: datetime) -> None:
        """Ends a job that takes too long. Whoever works on it notices as if another worker had it."""
        limit_s = self.pace.limit.total_seconds()
        told = f"it took longer than {limit_s:,.0f} s: give it fewer documents, or set TICKETMILL_JOB_LIMIT_S"
        log.warning("%s", told, extra=fields_of(self.job))
        self.records.fail(
            self.job.job_id, self.lease, JobError(code=JobErrorCode.INTERNAL, message=told), now
        )


def fields_of(job: Job) -> dict[str, str]:
    """What every log line of a job says beside its message."""
    return {"job_id": job.job_id, "correlation_id": job.correlation_id}
