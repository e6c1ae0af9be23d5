"""What jobs of each kind give, and what is left of one that was stopped or taken over."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_world import TASK, CountingFeatures, JobWorld, documents

from ticketmill.domain.document import Document, DocumentPrediction
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.job import Documents, Job, JobErrorCode, JobKind, JobStatus, Parts
from ticketmill.domain.keys import PREDICTIONS_PREFIX
from ticketmill.learning.documents import ProjectDocuments, new_document
from ticketmill.learning.job_work import Work

SHOP = Documents(project="shop")


@pytest.fixture(scope="module")
def trained() -> JobWorld:
    """A project of 60 documents, 15 of which judge, and a version of the others."""
    world = JobWorld()
    world.index([*documents(15), *documents(5, seed=9, test=True)])
    assert world.run(JobKind.TRAIN, SHOP, "training").status is JobStatus.COMPLETED
    return world


@pytest.fixture
def world(trained: JobWorld) -> JobWorld:
    trained.features = CountingFeatures()
    return trained


def lines(world: JobWorld, job: Job) -> list[DocumentPrediction]:
    body = world.store.objects.get(job.result["object"])
    assert body is not None
    return [DocumentPrediction.model_validate_json(line) for line in body.splitlines()]


def code_of(job: Job) -> object:
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    return job.error.code


def test_documents_are_kept_under_their_project_and_encoded(tmp_path: Path) -> None:
    world = JobWorld()
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        '{"id": "a", "text": "my refund", "desk": "billing"}\n'
        '{"ticket_id": "b", "subject": "locked", "labels": {"desk": ["login"]}, "part": "test"}\n'
    )
    job = world.run(JobKind.INDEX, Documents(uri=str(rows)), project="shop")
    assert job.status is JobStatus.COMPLETED
    assert (job.result["project"], job.result["documents"], job.done) == ("shop", 2, 2)
    a, b = ProjectDocuments(world.store.objects).read("shop")
    assert (a.document_id, a.labels, a.is_training_data) == ("a", {TASK: ("billing",)}, True)
    assert (b.subject, b.labels, b.is_training_data) == ("locked", {TASK: ("login",)}, False)
    assert len(world.features.read) == 2


def test_of_one_id_the_document_that_was_indexed_later_wins() -> None:
    world = JobWorld()
    world.index([new_document("a", "", "newer")], at=1)
    world.index([new_document("a", "", "older"), new_document("b", "", "other")], at=0)
    found = ProjectDocuments(world.store.objects).read("shop")
    assert [(each.document_id, each.body) for each in found] == [("a", "newer"), ("b", "other")]
    assert [each.body for each in ProjectDocuments(world.store.objects).read("shop", ["b"])] == ["other"]


def test_a_training_makes_one_version_and_a_dataset_that_holds_out_what_judges(world: JobWorld) -> None:
    (version,) = world.store.versions.versions(TASK)
    assert version.job == "training"
    (dataset,) = world.store.datasets.datasets(TASK)
    snapshot = world.snapshots.load(dataset)
    assert {each.example_id.split("-")[1] for each in snapshot.held_out} == {"9"}
    assert {each.example_id.split("-")[1] for each in snapshot.trained} == {"0"}
    job = world.store.jobs.find("training")
    assert job.result["dataset"] == dataset.name
    assert job.result["version"] == 1


def test_each_document_has_a_line_and_its_latest_prediction(world: JobWorld) -> None:
    job = world.run(JobKind.PREDICT, SHOP, "predicting")
    assert (job.status, job.done, job.result["model"]) == (JobStatus.COMPLETED, 60, "desk/v1")
    found = lines(world, job)
    assert len({each.document_id for each in found}) == 60
    first = found[0]
    assert first.confidence == max(first.scores.values())
    assert (first.labels, first.job_id) == (
        (max(first.scores, key=lambda each: first.scores[each]),),
        "predicting",
    )
    latest = world.store.predictions.latest(TASK, first.document_id)
    assert latest is not None
    assert (latest.labels, latest.model) == (first.labels, "desk/v1")


def test_a_prediction_that_is_taken_over_goes_on_where_it_was(world: JobWorld) -> None:
    calls = []

    def fails_in_the_third_batch() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise TransientFailure("S3 does not answer")

    world.features = CountingFeatures(before=fails_in_the_third_batch)
    assert world.run(JobKind.PREDICT, SHOP, "resumed").status is JobStatus.QUEUED
    parts = list(world.store.objects.keys(f"{PREDICTIONS_PREFIX}{TASK}/v1/resumed/"))
    assert (len(parts), len(world.features.read)) == (2, 40)
    job = world.run(JobKind.PREDICT, SHOP, "resumed")
    assert (job.status, len(lines(world, job)), len(world.features.read)) == (JobStatus.COMPLETED, 60, 60)
    assert list(world.store.objects.keys(f"{PREDICTIONS_PREFIX}{TASK}/v1/resumed/")) == []


def test_a_prediction_that_is_cancelled_leaves_no_predictions_of_the_job(world: JobWorld) -> None:
    world.features = CountingFeatures(before=lambda: world.store.jobs.cancel("stopped", now()))
    assert world.run(JobKind.PREDICT, SHOP, "stopped").status is JobStatus.CANCELLED
    assert world.store.objects.get(f"{PREDICTIONS_PREFIX}{TASK}/v1/stopped.jsonl") is None
    assert len(world.features.read) <= 20


def test_a_version_that_came_in_between_does_not_change_what_a_job_predicts_with(world: JobWorld) -> None:
    def dies(work: Work) -> None:
        world.tools.version(work.job, work)
        raise TransientFailure("S3 does not answer")

    assert world.run(JobKind.PREDICT, SHOP, "pinned", on_claim=dies).status is JobStatus.QUEUED
    kept = world.store.versions.versions(TASK)[0]
    world.store.versions.add_version(kept.model_copy(update={"number": 2, "job": "later"}))
    try:
        assert world.run(JobKind.PREDICT, SHOP, "pinned").result["model"] == "desk/v1"
        assert world.run(JobKind.PREDICT, SHOP, "unpinned").result["model"] == "desk/v2"
    finally:
        world.store.versions.items.delete(f"model#{TASK}", "00000002")  # type: ignore[attr-defined]


def test_an_evaluation_measures_what_the_version_was_not_trained_on(world: JobWorld) -> None:
    job = world.run(JobKind.EVALUATE, SHOP, "evaluating")
    result = job.result
    assert (job.status, result["documents"]) == (JobStatus.COMPLETED, 15)
    assert 0.8 <= result["accuracy"] <= 1.0
    assert result["weighted_recall"] == pytest.approx(result["accuracy"])
    assert set(result["by_label"]) == {"billing", "login", "crash"}
    assert {"macro_f1", "weighted_precision", "weighted_f1", "calibration_error"} <= set(result)
    json.dumps(result)


def test_a_dataset_is_evaluated_on_its_held_out_side(world: JobWorld) -> None:
    job = world.run(JobKind.EVALUATE, Documents(dataset="newest"), "of-dataset")
    assert job.result["documents"] == 15


def test_what_a_version_was_trained_on_is_no_test(world: JobWorld) -> None:
    again = [each.model_copy(update={"is_training_data": False}) for each in documents(15)]
    world.index(again, "again")
    job = world.run(JobKind.EVALUATE, Documents(project="again"), "unfair")
    assert code_of(job) is JobErrorCode.DOCUMENT


def test_features_of_documents_are_written_with_their_ids(world: JobWorld) -> None:
    job = world.run(JobKind.EXTRACT, SHOP, "extracting")
    body = world.store.objects.get(job.result["object"])
    assert body is not None
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        assert arrays["embeddings"].shape == (60, 384)
        assert arrays["layers"].shape == (60, 7, 384)
        assert arrays["ids"].tolist() == [each.document_id for each in read_shop(world)]


def test_a_model_of_parts_is_trained_predicts_and_is_evaluated_like_any_other() -> None:
    world, parts = JobWorld(), Parts(classifier="svm")
    world.index([*documents(15), *documents(5, seed=9, test=True)])
    assert world.run(JobKind.TRAIN, SHOP, "training", parts=parts).status is JobStatus.COMPLETED
    predicted = world.run(JobKind.PREDICT, SHOP, "predicting", parts=parts)
    assert len(lines(world, predicted)) == 60
    assert world.run(JobKind.EVALUATE, SHOP, "evaluating").result["accuracy"] > 0.8
    other = world.run(JobKind.PREDICT, SHOP, "other", parts=Parts(classifier="logistic"))
    assert code_of(other) is JobErrorCode.VALIDATION


def test_parts_that_a_version_is_not_made_of_are_refused(world: JobWorld) -> None:
    assert code_of(world.run(JobKind.PREDICT, SHOP, "of-parts", parts=Parts())) is JobErrorCode.VALIDATION


def test_the_columns_of_parts_are_written_with_their_ids(world: JobWorld) -> None:
    job = world.run(JobKind.EXTRACT, SHOP, "columns", parts=Parts(features="tfidf"))
    body = world.store.objects.get(job.result["object"])
    assert body is not None
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        assert arrays["shape"][0] == len(arrays["ids"]) == len(arrays["indptr"]) - 1 == 60
    embedded = world.run(JobKind.EXTRACT, SHOP, "embedded", parts=Parts(features="sbert"))
    assert embedded.status is JobStatus.COMPLETED


@pytest.mark.parametrize(
    ("kind", "wanted", "asked", "code"),
    [
        (JobKind.PREDICT, SHOP, {"version": 9}, JobErrorCode.MODEL),
        (JobKind.PREDICT, Documents(project="nothing"), {}, JobErrorCode.DOCUMENT),
        (JobKind.PREDICT, Documents(uri="/nowhere/rows.jsonl"), {}, JobErrorCode.DOCUMENT),
        (JobKind.TRAIN, Documents(dataset="zz"), {}, JobErrorCode.DOCUMENT),
        (JobKind.PREDICT, Documents(tickets=("T1",)), {}, JobErrorCode.DOCUMENT),
    ],
)
def test_what_is_missing_is_told_by_its_code(
    world: JobWorld, kind: JobKind, wanted: Documents, asked: dict[str, Any], code: JobErrorCode
) -> None:
    job = world.run(kind, wanted, f"missing-{kind}-{len(wanted.model_dump_json())}-{len(asked)}", **asked)
    assert code_of(job) is code


def test_a_row_that_is_no_document_is_named_and_never_quoted(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "fine"}\n{"text": {"secret": "4711"}}\n')
    job = JobWorld().run(JobKind.INDEX, Documents(uri=str(rows)), project="shop")
    assert code_of(job) is JobErrorCode.DOCUMENT
    assert job.error is not None
    assert "line 2" in job.error.message
    assert "4711" not in job.error.message


def test_a_training_waits_while_another_job_has_the_task() -> None:
    world = JobWorld()
    world.index(documents(15))
    world.store.runs.claim(TASK, "another", now(hours=1), now())
    waiting = world.run(JobKind.TRAIN, SHOP)
    assert (waiting.status, waiting.attempts) == (JobStatus.QUEUED, 0)
    world.store.runs.release(TASK, "another", now())
    assert world.run(JobKind.TRAIN, SHOP).status is JobStatus.COMPLETED


def read_shop(world: JobWorld) -> list[Document]:
    return ProjectDocuments(world.store.objects).read("shop")


def now(hours: int = 0) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)
