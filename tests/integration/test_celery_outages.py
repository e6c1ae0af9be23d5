"""A Celery worker that is killed, and a broker that is away: every job ends, and has one version."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from celery_place import FAST, CeleryWorker, Redis, client_of, labelled, running_redis, running_worker, until
from kombu.exceptions import OperationalError

from ticketmill.bootstrap import open_learning_store
from ticketmill.domain.document import Document
from ticketmill.domain.job import Job, JobStatus
from ticketmill.learning.documents import ProjectDocuments, new_document
from ticketmill.learning.job_records import is_final
from ticketmill.learning.store import LearningStore
from ticketmill.settings import load_settings

PROJECT = "shop"
TASK = "field_7"


@dataclass
class Place:
    """A broker, a folder of jobs, and a client."""

    broker: Redis
    environment: dict[str, str]
    folder: Path
    store: LearningStore
    app: Celery

    def worker(self, name: str) -> Any:
        log, options = self.folder / f"{name}.log", ("--name", name, "--store", str(self.folder / "store"))
        return running_worker(self.environment, log, *options)

    def send(self, queue: str, kind: str, **more: Any) -> str:
        job_id = uuid4().hex
        request = {"task": TASK, "documents": {"project": PROJECT}}
        self.app.send_task(f"ticketmill.jobs.{kind}", kwargs=request, task_id=job_id, queue=queue, **more)
        return job_id

    def ended(self, job_id: str) -> Job:
        found: Job = until(lambda: (job := self.store.jobs.get(job_id)) and is_final(job) and job)
        return found

    def stopped_in_training(self, worker: CeleryWorker) -> str:
        """A training that has begun, and whose process stands still."""
        job_id = self.send("training", "train")
        until(lambda: (job := self.store.jobs.get(job_id)) and job.status == JobStatus.RUNNING)
        for pid in worker.children:
            os.kill(pid, signal.SIGSTOP)
        assert self.store.jobs.find(job_id).status == JobStatus.RUNNING
        return job_id

    def held(self) -> list[str]:
        """What the workers say that they have in hand."""
        return [each.job_id for worker in self.store.job_workers.workers() for each in worker.holds]


def documents() -> list[Document]:
    return [
        new_document(
            str(each["id"]),
            "",
            each["text"],
            labels={TASK: tuple(each["labels"][TASK])},
            is_training_data=each["is_training_data"],
        )
        for each in labelled(TASK)
    ]


@pytest.fixture
def place(bundle_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Place]:
    """Nothing of AWS answers."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with running_redis(tmp_path) as broker:
        environment = {
            **os.environ,
            **FAST,
            "TICKETMILL_BUNDLE": str(bundle_dir),
            "TICKETMILL_CELERY_BROKER": broker.url,
        }
        store = open_learning_store(load_settings(), tmp_path / "store")
        ProjectDocuments(store.objects).keep(PROJECT, documents(), datetime.now(UTC))
        yield Place(broker, environment, tmp_path, store, client_of(load_settings(celery_broker=broker.url)))


@pytest.mark.timeout(180)
def test_what_a_killed_worker_had_in_hand_another_one_ends(place: Place) -> None:
    with place.worker("first") as first:
        training = place.stopped_in_training(first)
        until(lambda: training in place.held())
        first.kill()
    with place.worker("second") as second:
        done = place.ended(training)
        assert (done.status, done.attempts) == (JobStatus.COMPLETED, 2)
        assert [each.name for each in place.store.versions.versions(TASK)] == [done.result["model"]]
        (worker,) = place.store.job_workers.workers()
        assert worker.name.startswith("second@")
        assert second.stop() == 0


@pytest.mark.timeout(180)
def test_a_broker_that_was_away_is_found_again_and_loses_no_job(place: Place) -> None:
    with place.worker("only") as worker:
        training = place.stopped_in_training(worker)
        place.broker.stop()
        with pytest.raises(OperationalError, match="refused"):
            place.send("prediction", "predict", retry=False)
        for pid in worker.children:
            os.kill(pid, signal.SIGCONT)
        done = place.ended(training)
        assert done.status == JobStatus.COMPLETED, "what was in hand needs no broker"

        place.broker.start()
        predicted = place.ended(place.send("prediction", "predict"))
        assert predicted.status == JobStatus.COMPLETED
        assert predicted.result["model"] == done.result["model"]
        assert len(place.store.versions.versions(TASK)) == 1
        assert worker.process.poll() is None
        assert worker.stop() == 0
