"""Jobs: index, train, predict, evaluate and extract."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field, field_validator

from ticketmill.domain.job import Documents, Job, JobId, JobKind, JobRequest, JobStatus
from ticketmill.entrypoints.web.caller import MAY_ADMINISTER, MAY_READ, Person
from ticketmill.entrypoints.web.models import NAME_PATTERN
from ticketmill.entrypoints.web.parts import API, Parts
from ticketmill.entrypoints.web.problems import Problem
from ticketmill.learning.job_records import JobFilter

MAX_LISTED = 200

JobName = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$", max_length=128, description="The job's id.")
]

router = APIRouter(prefix=API, tags=["jobs"])


class JobSubmission(JobRequest):
    """What is asked for. `who` is whoever calls."""

    job_id: JobId | None = None
    """A name of yours: the same request under it again is the same job. Without one it is drawn."""
    task: Annotated[str | None, Field(pattern=NAME_PATTERN)] = None
    """The task that is trained, predicted or evaluated."""

    @field_validator("documents")
    @classmethod
    def _no_file_of_the_worker(cls, documents: Documents) -> Documents:
        if documents.uri is not None and not documents.uri.startswith("s3://"):
            raise ValueError("uri: expected s3://BUCKET/KEY")
        return documents

    def request(self, who: str) -> JobRequest:
        """As it is kept."""
        asked: dict[str, Any] = self.model_dump(exclude={"job_id", "who"})
        return JobRequest.model_validate({**asked, "who": who})


class Jobs(BaseModel):
    """Jobs, the newest first."""

    jobs: list[Job]


@router.get("/jobs", dependencies=MAY_READ)
def list_jobs(
    parts: Parts,
    status: Annotated[JobStatus | None, Query(description="Where they stand.")] = None,
    kind: Annotated[JobKind | None, Query(description="What they do.")] = None,
    task: Annotated[
        str | None, Query(pattern=NAME_PATTERN, max_length=32, description="Those of one task.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED, description="At most so many.")] = 50,
) -> Jobs:
    """The newest jobs, with their progress."""
    return Jobs(jobs=parts.jobs().records.newest(JobFilter(status, kind, task), limit))


@router.post("/jobs", status_code=202, dependencies=MAY_ADMINISTER)
def submit_job(parts: Parts, person: Person, said: JobSubmission, response: Response) -> Job:
    """Submits a job to its queue. The same request under the same `job_id` is the same job."""
    desk = parts.jobs()
    if not desk.has_queue(said.kind):
        raise Problem(
            409,
            "no_queue",
            f"there is no queue for jobs that {said.kind}",
            "deploy infra/learning-service.yaml, or set TICKETMILL_TRAINING_QUEUE_URL and "
            "TICKETMILL_PREDICTION_QUEUE_URL",
        )
    job = desk.submit(said.job_id or f"{said.kind}-{uuid4().hex[:12]}", said.request(person))
    response.headers["Location"] = f"{API}/jobs/{job.job_id}"
    return job


@router.get("/jobs/{job_id}", dependencies=MAY_READ)
def get_job(parts: Parts, job_id: JobName) -> Job:
    """A job: what was asked for, how far it is, and what it gave."""
    return parts.jobs().records.find(job_id)


@router.post("/jobs/{job_id}/cancel", status_code=202, dependencies=MAY_ADMINISTER)
def cancel_job(parts: Parts, job_id: JobName) -> Job:
    """Cancels a job: one that waits at once, a running one at its next batch. One that has ended stays."""
    return parts.jobs().records.cancel(job_id, parts.now())
