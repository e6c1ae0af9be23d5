"""Jobs as clients of fields and projects ask for them, and answers as they expect them.

A field is a task: number 7 is the task `field_7`, a word is the task of that name. The documents of a project
are those that were indexed under its id.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ticketmill.domain.job import Documents, Job, JobKind, JobRequest, Parts
from ticketmill.entrypoints.celery.asked import Ask, Asked, Call
from ticketmill.learning.documents import field_task
from ticketmill.learning.inline_documents import keep_inline
from ticketmill.learning.parts.features import VOCABULARY_FILE
from ticketmill.learning.parts.linear import WEIGHTS_FILE
from ticketmill.learning.parts.manifest import PARTS_FILE, PartsSpec
from ticketmill.learning.registry import find_version, load_card, load_file, load_files
from ticketmill.learning.store import LearningStore

Id = int | str

WHO = "celery"


def index_documents(
    call: Call,
    project_id: Id,
    documents: Sequence[Mapping[str, Any]] | None = None,
    documents_path: str | None = None,
) -> Asked:
    """Keeps documents: those of the message, or those of a file at a path or an `s3://` address."""
    project = str(project_id)
    if documents is None:
        source = Documents(uri=documents_path)
    else:
        source = keep_inline(call.store, call.job_id, project, documents, _project_task(project_id))
    asked = JobRequest(kind=JobKind.INDEX, documents=source, project=project, who=WHO)
    return Asked(asked, lambda job: _index_answer(job, project_id))


def train_field_model(
    call: Call,
    field_id: Id,
    project_id: Id,
    tokenizer: str = "icu",
    feature_extractor: str = "bow",
    classifier: str = "svm",
    locale: str = "en",
) -> Asked:
    """Trains a model of parts on the labelled documents of a project."""
    parts = Parts(tokenizer=tokenizer, features=feature_extractor, classifier=classifier, locale=locale)
    asked = _request(JobKind.TRAIN, field_task(field_id), project_id, parts)
    return Asked(asked, lambda job: _train_answer(call.store, job, project_id))


def predict_field_documents(
    call: Call,
    field_id: Id,
    project_id: Id,
    document_ids: Sequence[Id] | None = None,
    tokenizer: str | None = None,
    feature_extractor: str | None = None,
    locale: str | None = None,
) -> Asked:
    """Predicts documents of a project; all of them without ids. What is said of the parts must be true of the
    version."""
    task = field_task(field_id)
    parts = _parts_said(call.store, task, tokenizer, feature_extractor, locale)
    ids = None if document_ids is None else tuple(map(str, document_ids))
    asked = _request(JobKind.PREDICT, task, project_id, parts, ids)
    return Asked(asked, lambda job: _predict_answer(job, project_id, field_id))


def evaluate_field_model(
    call: Call,
    field_id: Id,
    project_id: Id,
    tokenizer: str | None = None,
    feature_extractor: str | None = None,
    locale: str | None = None,
) -> Asked:
    """Measures the newest version on the documents of a project that are no training data."""
    task = field_task(field_id)
    parts = _parts_said(call.store, task, tokenizer, feature_extractor, locale)
    asked = _request(JobKind.EVALUATE, task, project_id, parts)
    return Asked(asked, lambda job: _evaluate_answer(job, project_id, field_id))


def train_model(call: Call, project_id: Id) -> Asked:
    """Trains the one field of a project."""
    return train_field_model(call, _project_task(project_id), project_id)


def predict_documents(call: Call, project_id: Id, document_ids: Sequence[Id] | None = None) -> Asked:
    """Predicts the one field of a project."""
    return predict_field_documents(call, _project_task(project_id), project_id, document_ids)


FIELD_TASKS: Mapping[str, tuple[JobKind, Ask]] = {
    "index_documents_task": (JobKind.INDEX, index_documents),
    "train_field_model_task": (JobKind.TRAIN, train_field_model),
    "predict_field_documents_task": (JobKind.PREDICT, predict_field_documents),
    "evaluate_field_model_task": (JobKind.EVALUATE, evaluate_field_model),
    "train_model_task": (JobKind.TRAIN, train_model),
    "predict_documents_task": (JobKind.PREDICT, predict_documents),
}
"""The names that clients send, and what they ask for."""


def _project_task(project_id: Id) -> str:
    """The task of a project that has one field, which its clients do not name."""
    return field_task(f"project_{project_id}")


def _request(
    kind: JobKind, task: str, project_id: Id, parts: Parts | None, ids: tuple[str, ...] | None = None
) -> JobRequest:
    documents = Documents(project=str(project_id), ids=ids)
    return JobRequest(kind=kind, task=task, documents=documents, parts=parts, who=WHO)


def _parts_said(
    store: LearningStore, task: str, tokenizer: str | None, features: str | None, locale: str | None
) -> Parts | None:
    """What a client says of the parts, the rest as the newest version has it; None where it says nothing, or
    there is no version of parts."""
    named = {"tokenizer": tokenizer, "features": features, "locale": locale}
    said = {name: value for name, value in named.items() if value is not None}
    usable = [each for each in store.versions.versions(task) if not each.retired]
    if not said or not usable or PARTS_FILE not in usable[0].files:
        return None
    spec = PartsSpec.model_validate_json(load_file(store, usable[0], PARTS_FILE))
    return Parts.model_validate({**spec.parts.model_dump(), **said})


def _index_answer(job: Job, project_id: Id) -> dict[str, Any]:
    return {
        "status": str(job.status),
        "project_id": project_id,
        "documents_indexed": job.result["documents"],
    }


def _train_answer(store: LearningStore, job: Job, project_id: Id) -> dict[str, Any]:
    version = find_version(store, str(job.result["model"]))
    card, files = load_card(store, version), load_files(store, version)
    parts = PartsSpec.model_validate_json(files[PARTS_FILE]).parts
    return {
        "status": str(job.status),
        "project_id": project_id,
        "model_id": version.name,
        "model_version": version.number,
        "metrics": {
            "num_documents": card.examples,
            "num_classes": len(card.labels),
            "num_features": _count_features(files),
            "tokenizer": parts.tokenizer,
            "feature_extractor": parts.features,
            "classifier": parts.classifier,
            "accuracy": card.accuracy.value,
        },
    }


def _count_features(files: Mapping[str, bytes]) -> int | None:
    """The columns of a version of parts; None where its classifier reads texts itself."""
    words = files.get(f"features.{VOCABULARY_FILE}")
    if words is not None:
        return len(json.loads(words))
    weights = files.get(f"classifier.{WEIGHTS_FILE}")
    if weights is None:
        return None
    with np.load(io.BytesIO(weights), allow_pickle=False) as arrays:
        return int(arrays["weights"].shape[0])


def _predict_answer(job: Job, project_id: Id, field_id: Id) -> dict[str, Any]:
    """Documents that are not there, or have no text, got no prediction."""
    asked, made = job.request.documents.ids, job.result["documents"]
    return {
        "status": str(job.status),
        "project_id": project_id,
        "field_id": field_id,
        "model_version": job.result["version"],
        "predictions_created": made,
        "total_documents": made if asked is None else len(asked),
    }


def _evaluate_answer(job: Job, project_id: Id, field_id: Id) -> dict[str, Any]:
    """Precision, recall and F1 are means over the labels, weighted by their documents."""
    found = job.result
    by_label = {
        label: {
            "precision": each["precision"],
            "recall": each["recall"],
            "f1-score": each["f1"],
            "support": each["support"],
        }
        for label, each in found["by_label"].items()
    }
    return {
        "status": str(job.status),
        "project_id": project_id,
        "field_id": field_id,
        "model_version": found["version"],
        "num_test_documents": found["documents"],
        "metrics": {
            "accuracy": found["accuracy"],
            "precision": found["weighted_precision"],
            "recall": found["weighted_recall"],
            "f1_score": found["weighted_f1"],
            "per_class_metrics": by_label,
        },
    }
