"""Celery delivers jobs: on SQS, Redis, RabbitMQ and a folder, by the names that clients of fields send."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from celery_place import (
    FAST,
    CeleryWorker,
    Redis,
    client_of,
    labelled,
    running_postgres,
    running_redis,
    running_worker,
    until,
)
from commands import Run, runner_here
from rabbitmq_server import running_rabbitmq

from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters, open_learning_store
from ticketmill.domain.job import Documents, Job, JobKind, JobRequest, JobStatus
from ticketmill.domain.job_worker import Held, JobWorker
from ticketmill.learning.job_records import is_final
from ticketmill.learning.store import LearningStore
from ticketmill.settings import Settings, load_settings

PROJECT = 12
FIELD = 7
TASK = "field_7"
IDS = [1, 2, 3, 99]


def send(app: Celery, queue: str, name: str, *args: Any, task_id: str = "", **kwargs: Any) -> str:
    """The id of a task that was sent."""
    task_id = task_id or uuid4().hex
    app.send_task(name, args, kwargs, queue=queue, task_id=task_id)
    return task_id


def five_calls(app: Celery, ended: Callable[[str], Any]) -> list[Any]:
    """Index, train, predict, evaluate and train again; what each of them gave."""
    index = send(app, "indexing", "index_documents_task", PROJECT, documents=labelled(str(FIELD)))
    found = [ended(index)]
    calls: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("training", "their.tasks.train_field_model_task", {}),
        ("prediction", "predict_field_documents_task", {"document_ids": IDS, "tokenizer": "icu"}),
        ("evaluation", "evaluate_field_model_task", {}),
        ("training", "train_field_model_task", {"feature_extractor": "tfidf"}),
    )
    for queue, name, more in calls:
        found.append(ended(send(app, queue, name, FIELD, PROJECT, **more)))
    return found


def check_results(found: list[Any]) -> None:
    """The results as clients of fields know them."""
    indexed, first, predicted, evaluated, second = found
    assert (indexed["status"], indexed["documents_indexed"]) == ("completed", 60)
    assert (first["project_id"], first["model_version"], second["model_version"]) == (PROJECT, 1, 2)
    metrics = first["metrics"]
    assert (metrics["num_documents"], metrics["num_classes"], metrics["tokenizer"]) == (30, 2, "icu")
    assert (metrics["feature_extractor"], metrics["classifier"]) == ("bow", "svm")
    assert metrics["num_features"] > 30
    assert (predicted["field_id"], predicted["model_version"]) == (FIELD, 1)
    assert (predicted["predictions_created"], predicted["total_documents"]) == (3, 4)
    assert evaluated["num_test_documents"] == 30
    assert evaluated["metrics"]["accuracy"] > 0.8
    assert set(evaluated["metrics"]["per_class_metrics"]) == {"router", "printer"}


def lines_of(store: LearningStore, job: Job) -> list[dict[str, Any]]:
    body = store.objects.get(job.result["object"])
    assert body is not None
    return [json.loads(line) for line in body.splitlines()]


@pytest.mark.timeout(300)
def test_jobs_go_through_the_queues_of_sqs(
    ticketmill: Run,
    environment: dict[str, str],
    adapters: Adapters,
    clients: Clients,
    celery_stack: dict[str, str],
    stack_name: str,
    tmp_path: Path,
) -> None:
    assert adapters.learning is not None
    store = adapters.learning
    environment |= {**FAST, "TICKETMILL_CELERY_PREFIX": "their.tasks"}

    def ended(task_id: str) -> Job:
        return until(lambda: (job := store.jobs.get(task_id)) and is_final(job) and job)

    with running_worker(environment, tmp_path / "log") as worker:
        app = client_of(load_settings(stack=stack_name))
        jobs = five_calls(app, ended)
        assert [job.status for job in jobs] == [JobStatus.COMPLETED] * 5
        assert [job.result["model"] for job in (jobs[1], jobs[4])] == [f"{TASK}/v1", f"{TASK}/v2"]
        assert {line["document_id"] for line in lines_of(store, jobs[2])} == {"1", "2", "3"}
        said = store.predictions.latest(TASK, "1")
        assert said is not None
        assert (said.labels, said.job_id) == (("printer",), jobs[2].job_id)
        assert jobs[3].result["accuracy"] > 0.8

        # the same id is the same job: a delivery that comes twice trains nothing
        again = send(app, "training", "train_field_model_task", FIELD, PROJECT, task_id=jobs[1].job_id)
        poison, header = uuid4().hex, {"ticketmill_correlation_id": "from-the-caller"}
        args = (FIELD, "nothing", [1])
        name = "predict_field_documents_task"
        app.send_task(name, args, task_id=poison, queue="prediction", headers=header)
        assert again == jobs[1].job_id
        failed = ended(poison)
        assert failed.error is not None
        assert (failed.error.code, failed.correlation_id) == ("DOCUMENT", "from-the-caller")
        counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        for output in ("IndexingQueueUrl", "TrainingQueueUrl", "PredictionQueueUrl", "EvaluationQueueUrl"):
            until(lambda output=output: _is_empty(clients, celery_stack[output], counts))
        assert [each.number for each in store.versions.versions(TASK)] == [2, 1]
        assert f"ticketmill@{os.uname().nodename}" in ticketmill("jobs", "status").stdout
        assert worker.stop() == 0
    ticketmill("jobs", "status", code=3)
    logged = (tmp_path / "log").read_text()
    assert "from-the-caller" in logged
    assert "wireless signal" not in logged, "texts are not logged"


def _is_empty(clients: Clients, url: str, counts: Any) -> bool:
    found = clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
    return set(found.values()) == {"0"}


@pytest.fixture
def environment_of_folder(bundle_dir: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """No AWS: nothing answers there."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    return {**os.environ, **FAST, "TICKETMILL_BUNDLE": str(bundle_dir)}


@pytest.mark.timeout(300)
def test_a_job_is_done_once_whatever_dies_under_it(
    environment_of_folder: dict[str, str], tmp_path: Path
) -> None:
    store_folder, log = tmp_path / "store", tmp_path / "log"
    store = open_learning_store(load_settings(), store_folder)
    with running_redis(tmp_path) as broker, running_postgres() as results:
        environment = {
            **environment_of_folder,
            "TICKETMILL_CELERY_BROKER": broker.url,
            "TICKETMILL_CELERY_RESULTS": results,
            "TICKETMILL_CELERY_PREFIX": "their.tasks",
        }
        app = client_of(load_settings(celery_broker=broker.url, celery_results=results))

        def result(task_id: str) -> Any:
            return app.AsyncResult(task_id).get(timeout=90, interval=0.1)

        with running_worker(environment, log, "--store", str(store_folder)) as worker:
            check_results(five_calls(app, result))
            _killed_in_training(app, store, worker, result)
            _cancelled_before_it_begins(app, store, result)
            _broker_away(app, broker, result)
            assert worker.stop() == 0
    assert all(is_final(job) for job in store.jobs.newest())


def _killed_in_training(
    app: Celery, store: LearningStore, worker: CeleryWorker, result: Callable[[str], Any]
) -> None:
    training = send(app, "training", "train_field_model_task", FIELD, PROJECT, classifier="logistic")
    until(lambda: (job := store.jobs.get(training)) and job.status == JobStatus.RUNNING)
    worker.kill_child()
    assert result(training)["model_version"] == 3
    done = store.jobs.find(training)
    assert (done.attempts, done.status) == (2, JobStatus.COMPLETED)
    assert [each.number for each in store.versions.versions(TASK)] == [3, 2, 1]


def _cancelled_before_it_begins(app: Celery, store: LearningStore, result: Callable[[str], Any]) -> None:
    now = datetime.now(UTC)
    asked = JobRequest(kind=JobKind.TRAIN, task=TASK, documents=Documents(project=str(PROJECT)))
    store.jobs.submit("cancelled", asked, now)
    store.jobs.cancel("cancelled", now)
    send(app, "training", "ticketmill.jobs.run", asked.model_dump(mode="json"), task_id="cancelled")
    with pytest.raises(Exception, match="CANCELLED"):
        result("cancelled")


def _broker_away(app: Celery, broker: Redis, result: Callable[[str], Any]) -> None:
    broker.stop()
    broker.start()
    predicted = send(app, "prediction", "predict_field_documents_task", FIELD, PROJECT, IDS)
    assert result(predicted)["predictions_created"] == 3


@pytest.mark.timeout(300)
def test_jobs_go_through_a_folder_without_any_service(
    environment_of_folder: dict[str, str], tmp_path: Path
) -> None:
    store_folder = tmp_path / "store"
    (tmp_path / "results").mkdir()
    settings = load_settings(
        celery_broker=f"filesystem://{tmp_path}/messages", celery_results=f"file://{tmp_path}/results"
    )
    environment = {
        **environment_of_folder,
        "TICKETMILL_CELERY_BROKER": str(settings.celery_broker),
        "TICKETMILL_CELERY_RESULTS": str(settings.celery_results),
        "TICKETMILL_CELERY_PREFIX": "their.tasks",
    }
    store, app = open_learning_store(settings, store_folder), client_of(settings)
    lost = _left_by_a_dead_worker(store)
    ticketmill = runner_here(environment)
    options = ("--store", str(store_folder), "--pool", "threads")
    with running_worker(environment, tmp_path / "log", *options) as worker:
        check_results(five_calls(app, lambda task_id: app.AsyncResult(task_id).get(timeout=90, interval=0.1)))
        job = until(lambda: (job := store.jobs.get(lost)) and is_final(job) and job)
        assert job.error is not None, "what the dead worker had was taken up, and its project is not there"
        assert [each.name for each in store.job_workers.workers()] == [f"ticketmill@{os.uname().nodename}"]
        ticketmill("jobs", "status", "--probe")
        assert worker.stop() == 0
    ticketmill("jobs", "status", "--probe", code=3)


@pytest.mark.timeout(300)
def test_jobs_go_through_rabbitmq(environment_of_folder: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    with running_rabbitmq(tmp_path) as broker:
        settings = load_settings(celery_broker=broker, celery_results=f"file://{tmp_path}/results")
        environment = {
            **environment_of_folder,
            "TICKETMILL_CELERY_BROKER": broker,
            "TICKETMILL_CELERY_RESULTS": str(settings.celery_results),
            "TICKETMILL_CELERY_PREFIX": "their.tasks",
        }
        app = client_of(settings)
        with running_worker(environment, tmp_path / "log", "--store", str(tmp_path / "store")) as worker:
            check_results(five_calls(app, lambda task_id: app.AsyncResult(task_id).get(timeout=90)))
            assert app.control.ping(timeout=5), "remote control works on AMQP"
            assert worker.stop() == 0


def _left_by_a_dead_worker(store: LearningStore) -> str:
    """A job that a worker had which died an hour ago: its message is lost."""
    then = datetime.now(UTC) - timedelta(hours=1)
    asked = JobRequest(kind=JobKind.TRAIN, task=TASK, documents=Documents(project="nothing"))
    store.jobs.submit("lost", asked, then)
    held = Held(job_id="lost", name="train_field_model_task")
    store.job_workers.beat(
        JobWorker(name="dead@host", pid=1, queues=("training",), started_at=then, seen_at=then, holds=(held,))
    )
    return "lost"


def test_the_settings_of_the_client_are_those_of_the_worker() -> None:
    with pytest.raises(Exception, match="expected redis://"):
        client_of(Settings(celery_broker="nothing://here"))
