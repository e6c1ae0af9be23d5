"""Runs a job in this process, for the commands that wait for one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from ticketmill.entrypoints.cli.job_answer import Shown
from ticketmill.entrypoints.cli.output import say

if TYPE_CHECKING:
    from ticketmill.domain.job import Job, JobRequest
    from ticketmill.settings import Settings

RETRY_S = 5.0
"""Between two attempts of a job that runs in this process."""


def run_here(settings: Settings, store: Path | None, job_id: str, request: JobRequest | None = None) -> Job:
    """A job as it has ended; with `request` it is submitted first.

    What has to wait is tried again, and so is what another worker has. Ctrl-C leaves the job queued.
    LearningRefused where the id has another request, or where there is no such job.
    """
    from datetime import UTC, datetime

    from ticketmill.bootstrap.jobs import open_job_runner
    from ticketmill.learning.job_records import is_final

    shown = Shown()
    with open_job_runner(
        settings, store, lambda progress: shown.tell(progress.stage, progress.done, progress.total)
    ) as run:
        if request is not None:
            run.records.submit(job_id, request, datetime.now(UTC))
        while not is_final(job := run(job_id)):
            say(f"{job_id} is {job.status}; trying again in {RETRY_S:g} s")
            time.sleep(RETRY_S)
    return job
