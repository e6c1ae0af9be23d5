"""Tasks of Celery, on jobs in memory: what becomes of a message, and what its client gets."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import Retry
from celery.worker import state
from job_world import TASK, JobWorld, documents

from ticketmill.bootstrap.jobs import JobPlace
from ticketmill.domain.errors import SetupError
from ticketmill.domain.job import Documents, JobKind, JobRequest, JobStatus
from ticketmill.domain.job_worker import Held, JobWorker
from ticketmill.entrypoints.celery.app import without_texts
from ticketmill.entrypoints.celery.config import configuration
from ticketmill.entrypoints.celery.heartbeat import Heartbeat
from ticketmill.entrypoints.celery.tasks import JobFailure, add_tasks
from ticketmill.learning.job_kinds import kinds_of
from ticketmill.learning.job_records import Lease
from ticketmill.learning.job_work import Pace
from ticketmill.learning.job_workers import JobWorkerRecords
from ticketmill.learning.jobs import JobRunner
from ticketmill.learning.part_predictions import PartPredictor
from ticketmill.learning.spread import Spread
from ticketmill.settings import Settings

PROJECT = "shop"
NOW = datetime(2026, 11, 29, tzinfo=UTC)


@dataclass
class CeleryWorld:
    """An app whose tasks run jobs in memory, and whose broker is in memory."""

    jobs: JobWorld = field(default_factory=JobWorld)
    spread: Spread | None = None
    app: Celery = field(init=False)

    def __post_init__(self) -> None:
        tools = replace(self.jobs.tools, spread=self.spread)
        run = JobRunner(self.jobs.store.jobs, kinds_of(tools), Pace(look=timedelta(0)), sleep=lambda _: None)
        self.place = JobPlace(self.jobs.store, run, PartPredictor(tools))
        settings = Settings(celery_broker="memory://", celery_prefix="their.tasks")
        self.app = Celery("test", set_as_current=False)
        self.app.conf.update(configuration(settings))
        add_tasks(self.app, settings, lambda: self.place)

    def deliver(self, name: str, *args: Any, job_id: str = "j1", **kwargs: Any) -> Any:
        """What the task of a message returns; it raises Retry where the message is sent again."""
        task = self.app.tasks[name]
        task.push_request(id=job_id, args=args, kwargs=kwargs, called_directly=False, delivery_info={})
        try:
            return task.run(*args, **kwargs)
        finally:
            task.pop_request()


@pytest.fixture
def world() -> CeleryWorld:
    made = CeleryWorld()
    made.jobs.index([*documents(30), *documents(12, seed=1, test=True)])
    return made


@pytest.mark.parametrize("name", ["train_field_model_task", "their.tasks.train_field_model_task"])
def test_a_field_is_trained_as_its_clients_know_it(world: CeleryWorld, name: str) -> None:
    trained = world.deliver(name, TASK, PROJECT, feature_extractor="tfidf")
    assert (trained["status"], trained["project_id"], trained["model_version"]) == ("completed", PROJECT, 1)
    metrics = trained["metrics"]
    assert (metrics["tokenizer"], metrics["feature_extractor"]) == ("icu", "tfidf")
    assert metrics["num_features"] > 0
    again = world.deliver(name, TASK, PROJECT, feature_extractor="tfidf")
    assert again == trained, "a message that comes twice is one job"
    assert len(world.jobs.store.versions.versions(TASK)) == 1


def test_fields_are_predicted_and_measured_by_the_newest_version(world: CeleryWorld) -> None:
    world.deliver("train_field_model_task", TASK, PROJECT, job_id="t")
    some = [each.document_id for each in documents(1)]
    predicted = world.deliver("predict_field_documents_task", TASK, PROJECT, [*some, "gone"], job_id="p")
    assert predicted["predictions_created"] == len(some)
    assert predicted["total_documents"] == len(some) + 1
    evaluated = world.deliver("evaluate_field_model_task", TASK, PROJECT, tokenizer="icu", job_id="e")
    assert evaluated["num_test_documents"] == 36
    assert 0 <= evaluated["metrics"]["f1_score"] <= 1
    with pytest.raises(JobFailure, match="VALIDATION"):
        world.deliver("predict_field_documents_task", TASK, PROJECT, tokenizer="spacy", job_id="q")


def test_documents_of_a_message_are_kept_with_labels_by_the_numbers_of_fields(world: CeleryWorld) -> None:
    rows = [{"id": 5, "text": "paper jam", "labels": {"7": "printer"}, "is_training_data": False}]
    told = world.deliver("index_documents_task", 12, documents=rows)
    assert told == {"status": "completed", "project_id": 12, "documents_indexed": 1}
    (kept,) = world.place.run.kinds[JobKind.INDEX].args[0].sources.projects.read("12")  # type: ignore[attr-defined]
    assert (kept.document_id, kept.labels, kept.is_training_data) == ("5", {"field_7": ("printer",)}, False)


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("train_field_model_task", (), {"secret text": 1}),
        ("train_field_model_task", ("../secret text", PROJECT), {}),
        ("train_field_model_task", (TASK, PROJECT), {"locale": "secret text"}),
        ("ticketmill.jobs.run", ({"kind": "train", "secret": "secret text"},), {}),
        ("index_documents_task", (PROJECT,), {"documents": [{"text": {"secret text": 1}}]}),
        ("index_documents_task", (PROJECT,), {"documents": "secret text"}),
    ],
)
def test_arguments_that_ask_for_nothing_are_refused_and_not_quoted(
    world: CeleryWorld, name: str, args: Any, kwargs: Any
) -> None:
    with pytest.raises(JobFailure) as failed:
        world.deliver(name, *args, **kwargs)
    assert failed.value.args[0] in ("VALIDATION", "DOCUMENT")
    assert "secret text" not in str(failed.value)


def test_a_job_that_another_worker_has_is_delivered_again_when_its_lease_ends(world: CeleryWorld) -> None:
    asked = JobRequest(kind=JobKind.INDEX, documents=Documents(project=PROJECT))
    now = datetime.now(UTC)
    world.jobs.store.jobs.submit("j1", asked, now)
    world.jobs.store.jobs.claim("j1", Lease("another", timedelta(seconds=50)), now)
    with pytest.raises(Retry) as again:
        world.deliver("ticketmill.jobs.run", asked.model_dump(mode="json"))
    assert 40 < again.value.when <= 52
    assert not world.jobs.features.read, "nothing was done"


def test_an_id_has_one_request(world: CeleryWorld) -> None:
    world.deliver("ticketmill.jobs.index", documents={"project": PROJECT})
    with pytest.raises(JobFailure, match="another request"):
        world.deliver("ticketmill.jobs.index", documents={"project": PROJECT, "ids": ["1"]})


def test_a_cancelled_job_says_so_to_its_client(world: CeleryWorld) -> None:
    asked = JobRequest(kind=JobKind.INDEX, documents=Documents(project=PROJECT))
    world.jobs.store.jobs.submit("j1", asked, NOW)
    world.jobs.store.jobs.cancel("j1", NOW)
    with pytest.raises(JobFailure) as failed:
        world.deliver("ticketmill.jobs.run", asked.model_dump(mode="json"))
    assert failed.value.args[0] == "CANCELLED"


def test_a_large_prediction_is_spread_and_joined_in_order() -> None:
    sent: list[tuple[str, int]] = []
    world = CeleryWorld(spread=Spread(lambda job_id, parts: sent.append((job_id, parts)), 10))
    world.jobs.index(documents(400))
    world.deliver("ticketmill.jobs.train", task=TASK, documents={"project": PROJECT}, job_id="t")
    asked = {"task": TASK, "documents": {"project": PROJECT}}
    with pytest.raises(Retry):
        world.deliver("ticketmill.jobs.predict", **asked)
    ((job_id, parts),) = sent
    assert (job_id, parts) == ("j1", 3)
    for number in (0, 2):
        world.place.predict_part("j1", number)
    with pytest.raises(Retry):
        world.deliver("ticketmill.jobs.predict", **asked)
    waiting = world.jobs.store.jobs.find("j1")
    assert (waiting.status, waiting.done, waiting.attempts) == (JobStatus.QUEUED, 1024, 0)
    world.place.predict_part("j1", 1)
    found = world.deliver("ticketmill.jobs.predict", **asked)
    lines = (world.jobs.store.objects.get(found["object"]) or b"").splitlines()
    ids = [json.loads(line)["document_id"] for line in lines]
    assert ids == sorted(each.document_id for each in documents(400))
    left = world.jobs.store.objects.keys(found["object"].removesuffix(".jsonl") + "/")
    assert list(left) == []


def test_what_a_dead_worker_had_is_sent_again(world: CeleryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    store = world.jobs.store
    asked = JobRequest(kind=JobKind.INDEX, documents=Documents(project=PROJECT))
    for job_id in ("begun", "ended", "texts"):
        store.jobs.submit(job_id, asked, NOW)
    store.jobs.cancel("ended", NOW)
    holds = (
        Held(job_id="begun", name="index_documents_task", arguments={"args": [12], "kwargs": {}}),
        Held(job_id="ended", name="index_documents_task"),
        Held(job_id="texts", name="index_documents_task"),
        Held(job_id="unknown", name="index_documents_task"),
    )
    row = JobWorker(name="dead@a", pid=1, queues=(), started_at=NOW, seen_at=NOW, holds=holds)
    alive = row.model_copy(update={"name": "alive@b", "seen_at": NOW + timedelta(minutes=4), "holds": ()})
    store.job_workers.beat(row)
    sent: dict[str, Any] = {}
    monkeypatch.setattr(
        world.app, "send_task", lambda name, task_id, **more: sent.update({task_id: (name, more)})
    )
    heartbeat = Heartbeat(world.app, lambda: store, now=lambda: NOW + timedelta(minutes=5))
    heartbeat.beat(store, alive)
    assert sent["begun"] == ("index_documents_task", {"queue": "indexing", "args": [12], "kwargs": {}})
    assert sent["texts"][0] == "ticketmill.jobs.run"
    assert set(sent) == {"begun", "texts"}
    assert [each.name for each in store.job_workers.workers()] == ["alive@b"]


def test_a_message_that_has_just_come_is_in_the_row_before_the_next_heartbeat_is_due(
    world: CeleryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, clock = world.jobs.store, iter(NOW + timedelta(seconds=second) for second in count())
    beats: list[JobWorker] = []
    monkeypatch.setattr(JobWorkerRecords, "beat", lambda _, worker: beats.append(worker))
    requests: dict[str, Any] = {}
    monkeypatch.setattr(state, "requests", requests)
    heartbeat = Heartbeat(world.app, lambda: store, every=timedelta(minutes=1), now=lambda: next(clock))
    worker = JobWorker(name="a@b", pid=1, queues=(), started_at=NOW, seen_at=NOW)
    heartbeat.look(store, worker)
    heartbeat.look(store, worker)
    assert len(beats) == 1
    requests["j1"] = SimpleNamespace(id="j1", name="train_model_task", args=(12,), kwargs={})
    heartbeat.look(store, worker)
    assert [[each.job_id for each in beat.holds] for beat in beats] == [[], ["j1"]]


def test_messages_are_json_and_late_acknowledged(world: CeleryWorld) -> None:
    conf = world.app.conf
    assert (conf.accept_content, conf.task_serializer, conf.result_serializer) == (["json"], "json", "json")
    assert (conf.task_acks_late, conf.task_reject_on_worker_lost) == (True, True)
    assert conf.worker_prefetch_multiplier == 1
    assert world.app.tasks["train_field_model_task"].rate_limit == "10/m"
    assert world.app.tasks["ticketmill.jobs.predict"].rate_limit == "1000/m"


@pytest.mark.parametrize("url", ["nothing://here", "filesystem://relative"])
def test_an_unknown_broker_is_refused(url: str) -> None:
    with pytest.raises(SetupError, match="TICKETMILL_CELERY_BROKER"):
        configuration(Settings(celery_broker=url))


@pytest.fixture
def lines() -> Iterator[list[logging.LogRecord]]:
    found: list[logging.LogRecord] = []
    log, handler = logging.getLogger("celery.test"), logging.Handler()
    handler.emit = found.append  # type: ignore[method-assign]
    log.addFilter(without_texts)
    log.addHandler(handler)
    yield found
    log.removeHandler(handler)
    log.removeFilter(without_texts)


def test_logs_leave_out_what_messages_say(lines: list[logging.LogRecord]) -> None:
    log = logging.getLogger("celery.test")
    log.error("Received unregistered task of type %s.\n\nThe message body was: %s", "x", "secret text")
    data = {"kwargs": "secret text"}
    log.error("Task %(name)s %(exc)s", {"name": "n", "exc": "secret text"}, extra={"data": data})
    assert len(lines) == 2
    assert not any("secret text" in str(vars(line)) for line in lines)
