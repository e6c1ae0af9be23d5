"""How jobs are told at a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ticketmill.entrypoints.cli.output import answer, answer_json, counted, say, table

if TYPE_CHECKING:
    from ticketmill.domain.job import Job

EVERY_S = 5.0


@dataclass
class Shown:
    """Tells the progress of a job on stderr: each stage, and every few seconds how far it is."""

    stage: str | None = None
    told_at: float = 0.0

    def tell(self, stage: str, done: int, total: int | None) -> None:
        """How far a job is now."""
        now = time.monotonic()
        if stage != self.stage or now - self.told_at >= EVERY_S:
            self.stage, self.told_at = stage, now
            say(f"{stage}: {done:,} of {counted(total, 'document')}" if done and total else stage)


def tell_jobs(jobs: Sequence[Job], as_json: bool) -> None:
    """A line for each job."""
    if as_json:
        for job in jobs:
            answer_json(job.model_dump(mode="json"))
        return
    rows = (
        (
            job.job_id,
            job.request.kind,
            job.request.task or job.request.project or "",
            told_status(job),
            f"{job.created_at:%Y-%m-%d %H:%M}",
            job.request.who,
        )
        for job in jobs
    )
    table(counted(len(jobs), "job"), ("job", "kind", "of", "status", "submitted", "by"), rows)
    if any(job.is_orphaned(datetime.now(UTC)) for job in jobs):
        say("where no other worker takes a job whose worker died, `ticketmill jobs resume JOB` does")


def told_status(job: Job) -> str:
    """As in `running, 512 of 2,000` and `failed, DOCUMENT`."""
    if job.error is not None:
        return f"{job.status}, {job.error.code}"
    if job.is_orphaned(datetime.now(UTC)):
        return f"{job.status}, its worker died"
    if job.status == "running" and job.total:
        return f"{job.status}, {job.done:,} of {job.total:,}"
    return str(job.status)


def show_job(job: Job, as_json: bool) -> None:
    """Everything of a job."""
    if as_json:
        answer_json(job.model_dump(mode="json"))
        return
    for name, value in _lines(job):
        answer(f"{name:<12} {value}")


def _lines(job: Job) -> Iterator[tuple[str, object]]:
    request = job.request
    yield "job", job.job_id
    yield "asked", " ".join(filter(None, (request.kind, request.task, f"by {request.who}")))
    documents = request.documents.model_dump(mode="json", exclude_none=True)
    yield "documents", ", ".join(f"{name} {value}" for name, value in documents.items())
    yield "status", told_status(job)
    yield "attempts", job.attempts
    yield "submitted", f"{job.created_at:%Y-%m-%d %H:%M:%S} UTC"
    if job.ended_at is not None:
        yield "ended", f"{job.ended_at:%Y-%m-%d %H:%M:%S} UTC"
    if job.error is not None:
        yield "error", job.error.message
    for name, value in job.result.items():
        if not isinstance(value, dict | list):
            yield name, f"{value:.4f}" if isinstance(value, float) else value
