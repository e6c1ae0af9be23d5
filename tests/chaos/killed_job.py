"""Runs a job in a folder, and is killed by SIGKILL at one of its writes.

`killed_job.py train|predict JOB --store DIR --at N`; without `--at` it is not killed. Its lease is a second.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from job_world import TASK, JobWorld
from killed_learner import Death, mortal
from labelled_texts import WORDS
from learned_versions import card
from overlay_files import overlay_files

from ticketmill.domain.job import Documents, Job, JobKind
from ticketmill.domain.model_card import ModelVersion
from ticketmill.learning.job_work import Pace, Work
from ticketmill.learning.snapshots import Snapshot
from ticketmill.learning.store import directory_store
from ticketmill.learning.training import Fitted, Training, TrainingRequest

DOCUMENTS = Documents(project="shop")


class QuickWorld(JobWorld):
    """A world whose models are drawn: what dies is the job, and not the fit."""

    def _train(self, job: Job, work: Work, snapshot: Snapshot) -> ModelVersion:
        del work, snapshot

        def fit() -> Fitted:
            made = card(TASK).model_copy(update={"labels": tuple(WORDS)})
            return Fitted(overlay_files(TASK, tuple(WORDS), seed=hash(job.job_id) % 1000), made)

        return Training(self.store, now=self.now).run(TrainingRequest(TASK, job.job_id, job.request.who), fit)


def run(world: JobWorld, kind: str, job_id: str) -> Job:
    """Submits a job of a kind, and runs it."""
    asked: dict[str, Any] = {"version": 1} if kind == "predict" else {}
    return world.run(JobKind(kind), DOCUMENTS, job_id, **asked)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("train", "predict"))
    parser.add_argument("job")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--at", type=int, default=0)
    given = parser.parse_args()
    world = QuickWorld(store=mortal(directory_store(given.store), Death(given.at, "before")))
    world = replace(world, pace=Pace(timedelta(seconds=1), timedelta(seconds=60), timedelta(0)))
    print(run(world, given.kind, given.job).status)


if __name__ == "__main__":
    sys.exit(main())
