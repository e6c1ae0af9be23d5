"""A worker that dies anywhere in a job, deliveries that come twice, cancellations at any time.

One version a job, predictions that are complete or not there, and every job ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from job_world import TASK, JobWorld, documents
from killed_job import QuickWorld, run

from ticketmill.aws.learning_memory import MemoryLearningItems, MemoryLearningObjects
from ticketmill.domain.document import DocumentPrediction
from ticketmill.domain.job import Job, JobStatus
from ticketmill.domain.keys import PREDICTIONS_PREFIX
from ticketmill.learning.job_records import MAX_ATTEMPTS
from ticketmill.learning.job_work import Pace, utc_now
from ticketmill.learning.store import LearningStore, directory_store, learning_store

HERE = Path(__file__).parent
A_LABEL = 15
COUNT = 3 * A_LABEL
MAX_WRITES = 40
SILENT = Pace(timedelta(minutes=1), timedelta(hours=1), timedelta(hours=1))
"""No heartbeat, and no look at the row: the writes are those of the work."""


class Killed(BaseException):
    """The process is gone: nothing catches it, and nothing is written any more."""


@dataclass
class Guillotine:
    """Objects and items that end with one write: it and all later ones are not made."""

    of: Any
    counter: list[int]
    at: int

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.of, name)
        if name not in ("put", "overwrite", "delete"):
            return method

        def write(*arguments: Any, **named: Any) -> Any:
            self.counter[0] += 1
            if self.counter[0] >= self.at:
                raise Killed
            return method(*arguments, **named)

        return write


@dataclass
class Place:
    """A store, and worlds over it that die at a write."""

    objects: MemoryLearningObjects = field(default_factory=MemoryLearningObjects)
    items: MemoryLearningItems = field(default_factory=MemoryLearningItems)
    later: timedelta = timedelta(0)

    @property
    def store(self) -> LearningStore:
        return learning_store(self.objects, self.items)

    def world(self, dies_at: int | None = None) -> JobWorld:
        store, counter = self.store, [0]
        if dies_at is not None:
            store = learning_store(
                Guillotine(self.objects, counter, dies_at),  # type: ignore[arg-type]
                Guillotine(self.items, counter, dies_at),  # type: ignore[arg-type]
            )
        return QuickWorld(store=store, now=lambda: utc_now() + self.later, pace=SILENT)


def prepared(kind: str) -> Place:
    """A place with documents, and a version where the job predicts."""
    place = Place()
    place.world().index(documents(A_LABEL))
    if kind == "predict":
        assert run(place.world(), "train", "before").status is JobStatus.COMPLETED
    return place


def check(store: LearningStore, kind: str, job: Job) -> None:
    """What holds of a job that was completed, however often it was begun."""
    assert job.status is JobStatus.COMPLETED
    if kind == "train":
        assert [each.job for each in store.versions.versions(TASK)] == [job.job_id]
        assert store.runs.current(TASK, utc_now()) is None
        return
    body = store.objects.get(job.result["object"])
    assert body is not None
    said = [DocumentPrediction.model_validate_json(line) for line in body.splitlines()]
    assert len({each.document_id for each in said}) == len(said) == COUNT
    assert list(store.objects.keys(PREDICTIONS_PREFIX)) == [job.result["object"]]


@pytest.mark.parametrize("kind", ["train", "predict"])
def test_a_job_whose_worker_died_at_any_write_is_taken_over(kind: str) -> None:
    for at in range(1, MAX_WRITES):
        place = prepared(kind)
        try:
            run(place.world(at), kind, "j1")
            break
        except Killed:
            pass
        place.later = timedelta(minutes=2)
        check(place.store, kind, run(place.world(), kind, "j1"))
    else:
        raise AssertionError("the job never ended")
    assert at > 5, "it died at several of its writes"


def test_a_job_whose_workers_all_die_ends_too() -> None:
    place = prepared("train")
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(Killed):
            run(place.world(9), "train", "j1")
        place.later += timedelta(minutes=2)
    assert run(place.world(), "train", "j1").status is JobStatus.FAILED


@pytest.mark.parametrize("kind", ["train", "predict"])
def test_of_deliveries_at_once_one_runs_the_job(kind: str) -> None:
    place = prepared(kind)
    with ThreadPoolExecutor(4) as pool:
        jobs = list(pool.map(lambda _: run(place.world(), kind, "j1"), range(4)))
    assert {each.attempts for each in jobs} <= {0, 1}
    check(place.store, kind, place.store.jobs.find("j1"))


@pytest.mark.parametrize("kind", ["train", "predict"])
def test_a_job_that_is_cancelled_at_any_time_ends_and_is_whole_or_not_there(kind: str) -> None:
    for batch in range(4):
        place = prepared(kind)
        world, seen = place.world(), []

        def cancels(place: Place = place, seen: list[int] = seen, batch: int = batch) -> None:
            seen.append(1)
            if len(seen) == batch + 1:
                place.store.jobs.cancel("j1", utc_now())

        world.features.before = cancels
        world.pace = Pace(look=timedelta(0))
        job = run(world, kind, "j1")
        assert job.status in (JobStatus.CANCELLED, JobStatus.COMPLETED)
        if job.status is JobStatus.COMPLETED:
            check(place.store, kind, job)
        else:
            assert [key for key in place.objects.keys(PREDICTIONS_PREFIX) if key.endswith("j1.jsonl")] == []


def killed(store: Path, kind: str, at: int) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE.parent / "unit"), *sys.path))}
    return subprocess.run(
        [sys.executable, str(HERE / "killed_job.py"), kind, "j1", "--store", str(store), "--at", str(at)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_process_that_is_killed_leaves_its_job_to_the_next_one(tmp_path: Path) -> None:
    world = QuickWorld(store=directory_store(tmp_path))
    world.index(documents(A_LABEL))
    assert run(world, "train", "before").status is JobStatus.COMPLETED
    died = killed(tmp_path, "predict", at=7)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert world.store.jobs.find("j1").status is JobStatus.RUNNING
    wait_for(lambda: (lease := world.store.jobs.find("j1").lease_until) is None or lease <= utc_now())
    done = killed(tmp_path, "predict", at=0)
    assert done.stdout == "completed\n", done.stderr
    check(world.store, "predict", world.store.jobs.find("j1"))


def wait_for(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(0.1)
