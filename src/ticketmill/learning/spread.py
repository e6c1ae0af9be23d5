"""A large prediction in parts, which several workers predict at once.

The worker that has the job sends a message for each part and gives the job back. The job comes again, and
joins the parts once all are there. A part that never comes is predicted by the job itself: none can be lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ticketmill.domain.job import Job
from ticketmill.domain.keys import predictions_parts
from ticketmill.domain.model_card import ModelVersion
from ticketmill.learning.job_work import JobWaits, Work
from ticketmill.learning.ports import LearningObjects

SPREAD_FROM = 10_000
PART_DOCUMENTS = 512
"""As many texts as a segment of cached features has: no worker writes into the segment of another."""
PATIENCE = timedelta(minutes=5)
"""Without a new part for so long the job goes on by itself."""
FOUND = "spread"
"""What the result of a job calls its parts."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Has the parts of a job predicted by others."""

    send: Callable[[str, int], object]
    """Sends so many parts of the job of an id."""
    from_documents: int = SPREAD_FROM
    """A job of fewer documents is done by its own worker."""


def spread(to: Spread | None, job: Job, work: Work, documents: int) -> None:
    """Sends the parts of a large job. JobWaits where they are sent."""
    if to is None or documents < to.from_documents or work.known(FOUND) is not None:
        return
    parts = math.ceil(documents / PART_DOCUMENTS)
    work.found(**{FOUND: {"parts": parts, "documents": documents, "there": 0, "at": work.now().isoformat()}})
    to.send(job.job_id, parts)
    raise JobWaits(job.job_id)


def wait_for_parts(objects: LearningObjects, version: ModelVersion, job: Job, work: Work) -> None:
    """JobWaits while parts are under way."""
    sent = work.known(FOUND)
    if sent is None:
        return
    there = sum(1 for _ in objects.keys(predictions_parts(version.task, version.number, job.job_id)))
    late = work.now() - datetime.fromisoformat(sent["at"]) > PATIENCE
    if there >= sent["parts"] or (there <= sent["there"] and late):
        return
    work.begin("in parts", sent["documents"])
    work.advance(min(there * PART_DOCUMENTS, sent["documents"]))
    if there > sent["there"]:
        work.found(**{FOUND: {**sent, "there": there, "at": work.now().isoformat()}})
    raise JobWaits(job.job_id)
