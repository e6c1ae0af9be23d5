"""Runs a job, whoever delivers it: the command line, a queue of the stack, or Celery."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from ticketmill.domain.errors import JobFailed, LearningCode, LearningRefused, SetupError, TransientFailure
from ticketmill.domain.job import Job, JobError, JobErrorCode, JobKind, JobStatus
from ticketmill.learning.job_records import MAX_ATTEMPTS, JobRecords, LeaseLost, Progress
from ticketmill.learning.job_work import JobCancelled, JobWaits, Pace, Work, fields_of, utc_now

log = logging.getLogger(__name__)

LATER = (LearningCode.JOB_RUNNING, LearningCode.COOLING_DOWN)
"""Refusals that end by themselves: the job waits, and its delivery comes again."""
CODES = {
    LearningCode.UNKNOWN_VERSION: JobErrorCode.MODEL,
    LearningCode.ENCODER_CHANGED: JobErrorCode.MODEL,
    LearningCode.MODEL_MISMATCH: JobErrorCode.MODEL,
    LearningCode.RETIRED: JobErrorCode.MODEL,
    LearningCode.MISSING_PART: JobErrorCode.MODEL,
    LearningCode.UNKNOWN_TICKET: JobErrorCode.DOCUMENT,
    LearningCode.UNKNOWN_LABEL: JobErrorCode.DOCUMENT,
    LearningCode.UNKNOWN_DATASET: JobErrorCode.DOCUMENT,
    LearningCode.STALE_CONTENT: JobErrorCode.DOCUMENT,
    LearningCode.CONFLICTING_LABELS: JobErrorCode.DOCUMENT,
    LearningCode.TOO_FEW_LABELS: JobErrorCode.DOCUMENT,
    LearningCode.TOO_FEW_TICKETS: JobErrorCode.DOCUMENT,
    LearningCode.ONE_CLASS: JobErrorCode.DOCUMENT,
    LearningCode.NO_HOLD_OUT: JobErrorCode.DOCUMENT,
    LearningCode.NO_DOCUMENTS: JobErrorCode.DOCUMENT,
    LearningCode.UNREADABLE_DOCUMENTS: JobErrorCode.DOCUMENT,
}
"""What a refusal is to a job; VALIDATION where it is not here."""

END_TRIES = 5
END_PAUSE_S = 2.0

Run = Callable[[Job, Work], Mapping[str, Any]]
"""Does the work of a kind, and gives the job's result."""


def completed(job: Job) -> Job:
    """The job, where it is completed. JobFailed where it is not, in words for who waits for it."""
    if job.status == JobStatus.COMPLETED:
        return job
    if job.error is not None:
        raise JobFailed(
            str(job.error.code), f"job {job.job_id} failed: {job.error.message} [{job.error.code}]"
        )
    if job.status == JobStatus.QUEUED:
        raise JobFailed(None, f"job {job.job_id} waits, for another training or a service: run it later")
    raise JobFailed(None, f"job {job.job_id} is {job.status}")


@dataclass(frozen=True)
class JobRunner:
    """Runs jobs of one place, each kind by its function."""

    records: JobRecords
    kinds: Mapping[JobKind, Run]
    pace: Pace = field(default_factory=Pace)
    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep
    on_progress: Callable[[Progress], object] = lambda _: None

    def __call__(self, job_id: str) -> Job:
        """Runs a job, and returns it as it is then. Its status says what its delivery is to be:

        - completed, failed, cancelled: acknowledged
        - queued: released. It waits for another training of its task, or a service failed
        - running: another worker has it. Its own delivery comes again where that worker dies, if its
          visibility timeout is longer than the lease; without one, deliver it after `lease_until`

        LearningRefused where there is no such job, TransientFailure where its row cannot be written.
        """
        owner = uuid4().hex
        work = Work(self.records, self.records.find(job_id), owner, self.pace, self.now, self.on_progress)
        job = self.records.claim(job_id, work.lease, self.now())
        if job.status != JobStatus.RUNNING or job.owner != owner:
            log.info("the job is %s, and left alone", job.status, extra=fields_of(job))
            return job
        work = Work(self.records, job, owner, self.pace, self.now, self.on_progress)
        log.info("the job is begun", extra=fields_of(job))
        try:
            ended = self._run(work)
        except LeaseLost:
            log.warning("another worker has the job: this one stops", extra=fields_of(job))
            return self.records.find(job_id)
        log.info("the job is %s", ended.status, extra=fields_of(job))
        return ended

    def _run(self, work: Work) -> Job:
        """What became of the work. LeaseLost where it is another's by now."""
        job, lease, records = work.job, work.lease, self.records
        try:
            with work.kept():
                result = self.kinds[JobKind(job.request.kind)](job, work)
        except JobCancelled:
            return self._end(lambda: records.cancelled(job.job_id, lease, self.now()))
        except JobWaits:
            return self._end(lambda: records.release(job.job_id, lease, is_attempt=False))
        except LearningRefused as refused:
            if refused.code in LATER:
                log.warning("the job waits: %s", refused, extra=fields_of(job))
                return self._end(lambda: records.release(job.job_id, lease, is_attempt=False))
            return self._fail(work, CODES.get(refused.code, JobErrorCode.VALIDATION), str(refused))
        except SetupError as error:
            return self._fail(work, JobErrorCode.MODEL, str(error))
        except (TransientFailure, OSError) as failure:
            told = str(failure) if isinstance(failure, TransientFailure) else failure.strerror or "an error"
            log.warning("a service or a disk failed: %s", told, extra=fields_of(job))
            return self._again(work, JobErrorCode.STORAGE, f"{told}; submit the job again")
        except LeaseLost:
            raise
        except KeyboardInterrupt:
            records.release(job.job_id, lease, is_attempt=False)
            raise
        except Exception as error:
            log.exception("the job failed by a bug", extra=fields_of(job))
            told = f"a bug ({type(error).__name__}): look for {job.correlation_id} in the logs"
            return self._again(work, JobErrorCode.INTERNAL, told)
        return self._end(lambda: records.complete(job.job_id, lease, result, self.now()))

    def _again(self, work: Work, code: JobErrorCode, told: str) -> Job:
        """Queues the job for another attempt; failed after the last one."""
        if work.job.attempts < MAX_ATTEMPTS:
            return self._end(lambda: self.records.release(work.job.job_id, work.lease, is_attempt=True))
        return self._fail(work, code, told)

    def _fail(self, work: Work, code: JobErrorCode, told: str) -> Job:
        log.warning("the job failed: %s: %s", code, told, extra=fields_of(work.job))
        error = JobError(code=code, message=told)
        return self._end(lambda: self.records.fail(work.job.job_id, work.lease, error, self.now()))

    def _end(self, write: Callable[[], Job]) -> Job:
        """Writes what became of a job, again where the store fails: what was worked for is not to be lost."""
        for attempt in range(1, END_TRIES + 1):
            try:
                return write()
            except TransientFailure as failure:
                if attempt == END_TRIES:
                    raise
                log.warning("%s; trying again", failure)
                self.sleep(END_PAUSE_S)
        raise AssertionError("the last attempt returns or raises")
