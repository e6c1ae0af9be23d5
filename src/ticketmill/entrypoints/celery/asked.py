"""What a task asks for, and how its answer looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from ticketmill.domain.job import Job, JobKind, JobRequest
from ticketmill.learning.store import LearningStore


class Call(NamedTuple):
    """A message as it came."""

    store: LearningStore
    """Where the job lies."""
    job_id: str


class Asked(NamedTuple):
    """A job, and what its task returns once it is completed."""

    request: JobRequest
    answer: Callable[[Job], dict[str, Any]]


class Ask(Protocol):
    """Reads the arguments of a task. ValidationError or LearningRefused where they ask for nothing that can
    be."""

    def __call__(self, call: Call, /, *args: Any, **kwargs: Any) -> Asked: ...


def any_job(_call: Call, request: dict[str, Any]) -> Asked:
    """A job as `docs/jobs.md` describes its request."""
    return Asked(JobRequest.model_validate(request), answer_of)


def of_kind(kind: JobKind) -> Ask:
    """A job of one kind, its request as named arguments."""

    def ask(call: Call, /, **request: Any) -> Asked:
        return any_job(call, {**request, "kind": kind})

    return ask


def answer_of(job: Job) -> dict[str, Any]:
    """The result of a job, with its id and status."""
    return {"job_id": job.job_id, "status": str(job.status), **job.result}
