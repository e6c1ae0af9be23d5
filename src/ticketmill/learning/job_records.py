"""Jobs as items: each row is written in the place of the one that was read, and never over another's.

```
queued ── claim ──▶ running ── finish ──▶ completed · failed
  │ ▲                  │ │
  │ └── release ───────┘ └── a lease that ends: the next claim takes it over
  └──── cancel ────▶ cancelled ◀── at the next batch, where somebody asked
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ticketmill.domain.document import DocumentPrediction
from ticketmill.domain.errors import LearningCode, LearningRefused, TransientFailure
from ticketmill.domain.job import Job, JobError, JobErrorCode, JobKind, JobRequest, JobStatus
from ticketmill.domain.keys import (
    JOB_IDS_KEY,
    JOBS_KEY,
    document_position,
    job_position,
    predictions_key,
)
from ticketmill.learning.ports import LearningItems

MAX_WRITE_ATTEMPTS = 20
MAX_ATTEMPTS = 3
"""A job that was begun so often and has not ended is not begun again."""
MAX_LISTED = 1000
MAX_ROW_BYTES = 300_000
"""An item of DynamoDB has at most 400 kB, and the result comes on top."""


class LeaseLost(Exception):
    """Another worker has the job by now, or it has ended: whoever worked on it stops, and writes nothing."""


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are listed."""

    status: JobStatus | None = None
    kind: JobKind | None = None
    task: str | None = None

    def has(self, job: Job) -> bool:
        """Whether a job is among them."""
        wanted = (self.status, self.kind, self.task)
        own = (job.status, job.request.kind, job.request.task)
        return all(each is None or each == value for each, value in zip(wanted, own, strict=True))


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works on a job, and how long without a heartbeat."""

    owner: str
    duration: timedelta


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. `found` is joined to its result: what a takeover must know."""

    done: int = 0
    total: int | None = None
    stage: str = ""
    found: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class JobRecords:
    """The jobs of one place. Every method raises TransientFailure where the store fails."""

    items: LearningItems

    def submit(self, job_id: str, request: JobRequest, now: datetime) -> Job:
        """The job of an id, queued where it is new. The same request again is the same job.

        LearningRefused where the id has another request, or the request is too large for a row.
        """
        job = Job(job_id=job_id, request=request, created_at=now)
        if len(_body(job)) > MAX_ROW_BYTES:
            raise LearningRefused(
                LearningCode.JOB_MISMATCH,
                "the request names too many documents: put them into a file, and name it by uri, or index "
                "them under a project",
            )
        position = job_position(now, job_id)
        if not self.items.put(JOB_IDS_KEY, job_id, position):
            position = self._position(job_id) or position
        # the id comes first: a process that dies in between leaves an id without a row, and this adds it
        self.items.put(JOBS_KEY, position, _body(job))
        kept = self.get(job_id)
        if kept is None:
            raise _changed_under_us(job_id)
        if _asked(kept.request) != _asked(request):
            raise LearningRefused(
                LearningCode.JOB_MISMATCH,
                f"job {job_id} was submitted with another request: choose another id, or look at it by "
                f"`ticketmill jobs show {job_id}`",
            )
        return kept

    def find(self, job_id: str) -> Job:
        """A job by its id. LearningRefused where there is none."""
        job = self.get(job_id)
        if job is None:
            raise LearningRefused(
                LearningCode.UNKNOWN_JOB, f"there is no job {job_id}: `ticketmill jobs list` shows the newest"
            )
        return job

    def get(self, job_id: str) -> Job | None:
        """A job by its id; None where there is none."""
        position = self._position(job_id)
        body = None if position is None else self.items.get(JOBS_KEY, position)
        return None if body is None else Job.model_validate_json(body)

    def newest(self, wanted: JobFilter | None = None, limit: int = 50) -> list[Job]:
        """The newest jobs of a kind, the newest first. The newest thousand of all are looked at."""
        wanted = wanted or JobFilter()
        looked_at = limit if wanted == JobFilter() else MAX_LISTED
        jobs = map(Job.model_validate_json, self.items.latest(JOBS_KEY, looked_at))
        return [job for job in jobs if wanted.has(job)][:limit]

    def claim(self, job_id: str, lease: Lease, now: datetime) -> Job:
        """The job, which the lease's owner has from now on where `owner` says so.

        A job whose lease holds, or that has ended, is returned as it is. One that was begun `MAX_ATTEMPTS`
        times has failed by now; one that somebody asked to cancel is cancelled.
        """
        return self._changed(job_id, lambda job: _claimed(job, lease, now))

    def renew(self, job_id: str, lease: Lease, progress: Progress, now: datetime) -> Job:
        """Extends the lease and writes the progress. The job says whether to cancel it. LeaseLost."""
        return self._changed(job_id, lambda job: _renewed(_owned(job, lease), lease, progress, now))

    def release(self, job_id: str, lease: Lease, *, is_attempt: bool) -> Job:
        """Queues a job again that may succeed later. What only had to wait is no attempt. LeaseLost."""
        return self._changed(job_id, lambda job: _released(_owned(job, lease), is_attempt))

    def complete(self, job_id: str, lease: Lease, result: Mapping[str, Any], now: datetime) -> Job:
        """Ends a job that gave `result`. LeaseLost."""

        def completed(job: Job) -> Job:
            done = job.done if job.total is None else job.total
            found = {"result": {**job.result, **result}, "done": done, "stage": ""}
            return _ended(_owned(job, lease), JobStatus.COMPLETED, now, **found)

        return self._changed(job_id, completed)

    def fail(self, job_id: str, lease: Lease, error: JobError, now: datetime) -> Job:
        """Ends a job that cannot succeed. LeaseLost."""
        return self._changed(
            job_id, lambda job: _ended(_owned(job, lease), JobStatus.FAILED, now, error=error)
        )

    def cancelled(self, job_id: str, lease: Lease, now: datetime) -> Job:
        """Ends a job that stopped because somebody asked for it. LeaseLost."""
        return self._changed(job_id, lambda job: _ended(_owned(job, lease), JobStatus.CANCELLED, now))

    def cancel(self, job_id: str, now: datetime) -> Job:
        """Cancels a job that waits, and asks a running one to stop. One that has ended stays as it is.

        LearningRefused where there is no such job.
        """

        def asked(job: Job) -> Job:
            if job.status == JobStatus.QUEUED:
                return _ended(job, JobStatus.CANCELLED, now)
            return job if is_final(job) else job.model_copy(update={"cancel_asked": True})

        return self._changed(job_id, asked)

    def _changed(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        """The job after `change`, which sees what it replaces."""
        position = self._position(job_id)
        for _ in range(MAX_WRITE_ATTEMPTS):
            body = None if position is None else self.items.get(JOBS_KEY, position)
            if position is None or body is None:
                return self.find(job_id)
            current = Job.model_validate_json(body)
            changed = change(current)
            if changed == current or self.items.put(JOBS_KEY, position, _body(changed), replaces=body):
                return changed
        raise _changed_under_us(job_id)

    def _position(self, job_id: str) -> str | None:
        return self.items.get(JOB_IDS_KEY, job_id)


@dataclass(frozen=True, slots=True)
class PredictionRecords:
    """The latest prediction of each document, by task."""

    items: LearningItems

    def latest(self, task: str, document_id: str) -> DocumentPrediction | None:
        """What was last predicted; None where nothing was."""
        body = self.items.get(predictions_key(task), document_position(document_id))
        return None if body is None else DocumentPrediction.model_validate_json(body)

    def keep(self, task: str, predictions: Sequence[DocumentPrediction]) -> None:
        """Makes these the latest of their documents. The scores stay with the job's own lines."""
        self.items.overwrite(
            predictions_key(task),
            {
                document_position(each.document_id): each.model_dump_json(exclude={"scores"})
                for each in predictions
            },
        )

    def remove(self, tasks: Sequence[str], document_id: str) -> int:
        """Removes what is kept of a document; how many predictions there were."""
        having = list(self.having(tasks, document_id))
        for task in having:
            self.items.delete(predictions_key(task), document_position(document_id))
        return len(having)

    def having(self, tasks: Sequence[str], document_id: str) -> Iterator[str]:
        """The tasks that were predicted for a document."""
        return (task for task in tasks if self.latest(task, document_id) is not None)


def is_final(job: Job) -> bool:
    """Whether nothing follows. A status of a newer version is none of ours to change."""
    return job.status not in (JobStatus.QUEUED, JobStatus.RUNNING)


def _claimed(job: Job, lease: Lease, now: datetime) -> Job:
    if is_final(job) or (job.status == JobStatus.RUNNING and job.lease_until and job.lease_until > now):
        return job
    if job.cancel_asked:
        return _ended(job, JobStatus.CANCELLED, now)
    if job.attempts >= MAX_ATTEMPTS:
        error = JobError(
            code=JobErrorCode.INTERNAL,
            message=f"the job was begun {job.attempts} times, and its worker died each time: look for "
            f"{job.correlation_id} in the logs, and submit it again under another id",
        )
        return _ended(job, JobStatus.FAILED, now, error=error)
    return job.model_copy(
        update={
            "status": JobStatus.RUNNING,
            "owner": lease.owner,
            "lease_until": now + lease.duration,
            "attempts": job.attempts + 1,
            "started_at": now,
        }
    )


def _renewed(job: Job, lease: Lease, progress: Progress, now: datetime) -> Job:
    return job.model_copy(
        update={
            "lease_until": now + lease.duration,
            "done": progress.done,
            "total": progress.total,
            "stage": progress.stage,
            "result": {**job.result, **(progress.found or {})},
        }
    )


def _released(job: Job, is_attempt: bool) -> Job:
    attempts = job.attempts if is_attempt else job.attempts - 1
    return job.model_copy(
        update={
            "status": JobStatus.QUEUED,
            "attempts": attempts,
            "owner": None,
            "lease_until": None,
            "stage": "",
        }
    )


def _owned(job: Job, lease: Lease) -> Job:
    if job.status != JobStatus.RUNNING or job.owner != lease.owner:
        raise LeaseLost(job.job_id)
    return job


def _ended(job: Job, status: JobStatus, now: datetime, **changes: Any) -> Job:
    ended = {"status": status, "ended_at": now, "owner": None, "lease_until": None}
    return job.model_copy(update={**ended, **changes})


def _asked(request: JobRequest) -> JobRequest:
    """What is asked for, whoever asks."""
    return request.model_copy(update={"who": "", "correlation_id": None})


def _body(job: Job) -> str:
    return job.model_dump_json()


def _changed_under_us(job_id: str) -> TransientFailure:
    return TransientFailure(f"job {job_id} changed {MAX_WRITE_ATTEMPTS} times under this write; try again")
