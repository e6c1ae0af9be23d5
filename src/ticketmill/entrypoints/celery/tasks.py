"""The tasks: each runs the job of its id, and says what becomes of its message."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from celery import Celery, Task, group
from kombu.exceptions import OperationalError
from pydantic import ValidationError

from ticketmill.bootstrap.jobs import JobPlace
from ticketmill.domain.errors import LearningRefused, TransientFailure
from ticketmill.domain.job import Job, JobErrorCode, JobKind, JobStatus
from ticketmill.entrypoints.celery.asked import Ask, Asked, Call, any_job, of_kind
from ticketmill.entrypoints.celery.config import QUEUE_OF
from ticketmill.entrypoints.celery.field_tasks import FIELD_TASKS
from ticketmill.learning.job_records import LeaseLost
from ticketmill.learning.job_work import JobCancelled, utc_now
from ticketmill.learning.jobs import CODES
from ticketmill.learning.spread import FOUND
from ticketmill.settings import Settings

log = logging.getLogger(__name__)

PREFIX = "ticketmill.jobs"
RUN = f"{PREFIX}.run"
PART = f"{PREFIX}.part"
CORRELATION_HEADER = "ticketmill_correlation_id"
"""A header of a message: found again in the logs of everything that its job does."""
RETRY_S = 10
"""From one delivery of a job that waits, for a training of its task or for a service, to the next."""
PARTS_S = 2
"""The same for a job whose parts are under way."""
LEASE_MARGIN_S = 2
PART_TRIES = 3

Open = Callable[[], JobPlace]


class JobFailure(Exception):
    """A job that gave nothing. The arguments are its code and what to do next: clients get them as such."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(str(code), message)

    def __str__(self) -> str:
        return f"{self.args[1]} [{self.args[0]}]"


def add_tasks(app: Celery, settings: Settings, place: Open) -> None:
    """Registers every task, under each of its names."""
    rates = dict(each.split("=") for each in settings.celery_rates.split(","))
    prefixes = ["", *(f"{each}." for each in (settings.celery_prefix or "").split(",") if each)]
    tasks: dict[str, tuple[JobKind | None, Ask]] = {RUN: (None, any_job)}
    tasks |= {f"{PREFIX}.{kind}": (kind, of_kind(kind)) for kind in JobKind}
    tasks |= {f"{before}{name}": found for name, found in FIELD_TASKS.items() for before in prefixes}
    app.task(
        _predicts_part(place), name=PART, bind=True, shared=False, max_retries=PART_TRIES, ignore_result=True
    )
    for name, (kind, ask) in tasks.items():
        app.task(
            _runs(place, ask),
            name=name,
            bind=True,
            typing=False,
            shared=False,
            max_retries=None,
            throws=(JobFailure,),
            rate_limit=rates.get(str(kind)),
            acks_on_timeout=False,
        )


def send_parts(app: Celery, job_id: str, parts: int) -> None:
    """Sends the parts of a prediction to whoever predicts. TransientFailure where the broker is away."""
    queue = QUEUE_OF[JobKind.PREDICT]
    try:
        group(app.signature(PART, (job_id, number), queue=queue) for number in range(parts)).apply_async()
    except OperationalError as error:
        raise TransientFailure(f"the broker is away ({type(error).__name__})") from None


def _predicts_part(place: Open) -> Callable[..., None]:
    """A part that fails is left: the job itself predicts what is missing, and says why it cannot."""

    def predict_part(task: Task, job_id: str, number: int) -> None:
        try:
            place().predict_part(job_id, number)
        except TransientFailure as failure:
            log.warning("%s; trying again", failure, extra={"job_id": job_id})
            raise task.retry(countdown=RETRY_S, exc=failure) from None
        except (JobCancelled, LeaseLost, LearningRefused) as ended:
            log.info("a part is left out: %s", type(ended).__name__, extra={"job_id": job_id})

    return predict_part


def _runs(place: Open, ask: Ask) -> Callable[..., dict[str, Any]]:
    def run(task: Task, /, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return _run(place, ask, task, args, kwargs)

    return run


def _run(place: Open, ask: Ask, task: Task, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Runs the job of a message; what its client gets.

    A message is acknowledged once its job has ended. A job that waits, or that another worker has, is
    delivered again later: so it ends where that worker dies. JobFailure where it gave nothing.
    """
    job_id = str(task.request.id)
    try:
        asked = _read(ask, Call(place().store, job_id), args, kwargs)
        _submit(place(), job_id, asked, task.request.get(CORRELATION_HEADER))
        job = place().run(job_id)
    except TransientFailure as failure:
        log.warning("%s; trying again", failure, extra={"job_id": job_id})
        raise task.retry(countdown=RETRY_S, exc=failure) from None
    if job.status in (JobStatus.RUNNING, JobStatus.QUEUED):
        raise task.retry(countdown=_later_s(job, utc_now()))
    return _answer(asked, job)


def _answer(asked: Asked, job: Job) -> dict[str, Any]:
    if job.status == JobStatus.COMPLETED:
        return asked.answer(job)
    if job.error is not None:
        raise JobFailure(job.error.code, job.error.message)
    raise JobFailure(str(job.status).upper(), f"job {job.job_id} is {job.status}")


def _read(ask: Ask, call: Call, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Asked:
    """What the arguments ask for. JobFailure, which quotes none of them, where that cannot be."""
    try:
        inspect.signature(ask).bind(call, *args, **kwargs)
        return ask(call, *args, **kwargs)
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'the job'}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors(include_url=False, include_input=False)
        )
        raise JobFailure(JobErrorCode.VALIDATION, told) from None
    except LearningRefused as refused:
        raise _refused(refused) from None
    except (TypeError, ValueError, AttributeError) as error:
        told = f"the arguments are none of this task ({type(error).__name__}): see docs/jobs.md"
        raise JobFailure(JobErrorCode.VALIDATION, told) from None


def _submit(place: JobPlace, job_id: str, asked: Asked, correlation_id: str | None) -> None:
    """The row of the job. JobFailure where its id has another request."""
    named = correlation_id or asked.request.correlation_id
    try:
        request = asked.request.model_copy(update={"correlation_id": named})
        place.run.records.submit(job_id, request, utc_now())
    except ValidationError:
        told = "the id of the task is none of a job: letters, digits, -, _ and ., at most 128"
        raise JobFailure(JobErrorCode.VALIDATION, told) from None
    except LearningRefused as refused:
        raise _refused(refused) from None


def _refused(refused: LearningRefused) -> JobFailure:
    return JobFailure(CODES.get(refused.code, JobErrorCode.VALIDATION), str(refused))


def _later_s(job: Job, now: datetime) -> float:
    """Seconds until a job is delivered again: when the lease of the worker that has it ends."""
    if job.lease_until is None:
        return PARTS_S if FOUND in job.result else RETRY_S
    return max((job.lease_until - now).total_seconds(), 0) + LEASE_MARGIN_S
