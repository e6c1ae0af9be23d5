"""What a job does, a function a kind."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ticketmill.arrays import npz_bytes
from ticketmill.domain.dataset import Example
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.job import Job, JobKind
from ticketmill.domain.keys import extracted_file
from ticketmill.domain.model_card import ModelVersion
from ticketmill.learning.documents import example_of, labelled
from ticketmill.learning.job_documents import NEWEST
from ticketmill.learning.job_tools import Tools, one_numpy_thread
from ticketmill.learning.job_work import Work
from ticketmill.learning.jobs import Run
from ticketmill.learning.judge import Judged, Measures, measure
from ticketmill.learning.predicting import predict


def index(tools: Tools, job: Job, work: Work) -> dict[str, Any]:
    """Keeps documents under their project, and the features that the encoder gives of them."""
    request = job.request
    work.begin("reading")
    documents = tools.sources.read(request.documents, request.task)
    project = request.project or str(request.documents.project)
    kept = None
    if request.documents.project != project:
        kept = tools.sources.projects.keep(project, documents, job.created_at)
    work.begin("encoding", len(documents))
    for some in tools.batches(documents):
        tools.encode(tools.texts([example_of(each) for each in some], work), work)
        work.advance(len(some))
    return {"project": project, "documents": len(documents), "object": kept}


def train(tools: Tools, job: Job, work: Work) -> dict[str, Any]:
    """Makes the version of the job, of a dataset or of labelled documents."""
    task, wanted = str(job.request.task), job.request.documents
    snapshots = tools.sources.snapshots
    work.begin("gathering")
    name = work.known("dataset")
    if name is not None:
        snapshot = snapshots.load(snapshots.find(task, name))
    elif wanted.dataset is not None:
        begins = None if wanted.dataset == NEWEST else wanted.dataset
        snapshot = snapshots.load(snapshots.find(task, begins))
    else:
        snapshot = tools.build(task, labelled(tools.sources.read(wanted, task), task))
    work.found(dataset=snapshot.manifest.name)
    work.begin("training", len(snapshot.examples))
    version = tools.train(job, work, snapshot)
    return {"version": version.number, "model": version.name, "accuracy": version.accuracy}


def evaluate(tools: Tools, job: Job, work: Work) -> dict[str, Any]:
    """Measures a version on labelled documents that it was not trained on."""
    task = str(job.request.task)
    work.begin("reading")
    version = tools.version(job, work)
    documents = labelled(tools.sources.read(job.request.documents, task), task)
    trained = _trained_on(tools, version)
    examples = [
        example_of(each, task)
        for each in documents
        if not each.is_training_data and each.content_hash not in trained
    ]
    if not examples:
        raise LearningRefused(
            LearningCode.NO_HOLD_OUT,
            f"{version.name} may have been trained on each of the {len(documents)} labelled documents: give "
            "documents with `is_training_data: false`, or a dataset with a hold-out",
        )
    model = tools.load(version)
    work.begin("predicting", len(examples))
    rows = []
    for some in tools.batches(examples):
        with one_numpy_thread():
            rows += [model.overlay.probabilities(chunk) for chunk in tools.read(some, work)]
        work.advance(len(some))
    spec: Any = model.overlay.spec
    judged = Judged(examples, np.concatenate(rows).astype(np.float64))
    return {"documents": len(examples), **metrics_of(measure(judged, spec))}


def extract(tools: Tools, job: Job, work: Work) -> dict[str, Any]:
    """Writes the features of documents as arrays: those of the encoder, or the columns of parts."""
    request = job.request
    work.begin("reading")
    documents = tools.sources.read(request.documents, request.task)
    examples = [example_of(each, request.task) for each in documents]
    work.begin("extracting", len(documents))
    if request.parts is None:
        arrays = _pooled(tools, examples, work)
    else:
        arrays = dict(tools.columns_of(work, tools.texts(examples, work), request.parts))
    arrays["ids"] = np.array([each.document_id for each in documents])
    key = extracted_file(job.job_id)
    tools.store.objects.put(key, npz_bytes(arrays))
    return {"documents": len(documents), "object": key}


def kinds_of(tools: Tools) -> dict[JobKind, Run]:
    """The function of each kind."""
    return {
        JobKind.INDEX: partial(index, tools),
        JobKind.TRAIN: partial(train, tools),
        JobKind.PREDICT: partial(predict, tools),
        JobKind.EVALUATE: partial(evaluate, tools),
        JobKind.EXTRACT: partial(extract, tools),
    }


def metrics_of(measures: Measures) -> dict[str, Any]:
    """The measures as a job's result. What is weighted is the mean over labels by their documents."""
    labels = measures.by_label
    support = max(sum(each.support for each in labels.values()), 1)

    def weighted(name: str) -> float:
        return float(sum(getattr(each, name) * each.support for each in labels.values()) / support)

    return {
        "accuracy": measures.accuracy.value,
        "accuracy_interval": [measures.accuracy.low, measures.accuracy.high],
        "macro_f1": measures.macro_f1,
        "weighted_precision": weighted("precision"),
        "weighted_recall": weighted("recall"),
        "weighted_f1": weighted("f1"),
        "calibration_error": measures.calibration_error,
        "by_label": {label: each.model_dump() for label, each in labels.items()},
    }


def _pooled(tools: Tools, examples: Sequence[Example], work: Work) -> dict[str, Any]:
    parts = []
    for some in tools.batches(examples):
        parts.append(tools.encode(tools.texts(some, work), work))
        work.advance(len(some))
    return {
        "layers": np.concatenate([each.layers for each in parts]),
        "embeddings": np.concatenate([each.embeddings for each in parts]),
        "tokens": np.concatenate([each.tokens for each in parts]),
    }


def _trained_on(tools: Tools, version: ModelVersion) -> set[str]:
    """The contents that a version was trained on, where its dataset is still there."""
    snapshots = tools.sources.snapshots
    manifest = snapshots.named(version.task, version.dataset)
    return set() if manifest is None else {each.content_hash for each in snapshots.load(manifest).trained}
