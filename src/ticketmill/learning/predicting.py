"""A prediction job: what a version says of documents, kept batch by batch.

Each batch is an object of its own, named by what its documents say, so that a job that is taken over predicts
nothing twice. The whole is written once, and only then do the batches go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from ticketmill.domain.document import Document, DocumentPrediction
from ticketmill.domain.job import Job
from ticketmill.domain.keys import predictions_file, predictions_part
from ticketmill.domain.model_card import ModelVersion
from ticketmill.learning.documents import example_of
from ticketmill.learning.job_tools import Tools, one_numpy_thread
from ticketmill.learning.job_work import Work
from ticketmill.learning.spread import FOUND, PART_DOCUMENTS, spread, wait_for_parts
from ticketmill.tasks.learned import Chosen, LearnedModel

NAME_DIGITS = 32


def predict(tools: Tools, job: Job, work: Work) -> dict[str, Any]:
    """What a version says of each document."""
    objects = tools.store.objects
    work.begin("reading")
    version = tools.version(job, work)
    wait_for_parts(objects, version, job, work)
    key = predictions_file(version.task, version.number, job.job_id)
    documents = tools.sources.read(job.request.documents, job.request.task)
    spread(tools.spread, job, work, len(documents))
    model = tools.load(version)
    work.begin("predicting", len(documents))
    parts, done = [], []
    size = PART_DOCUMENTS if work.known(FOUND) else tools.batch_documents
    for some in tools.batches(documents, size):
        part = part_of(version, job, some)
        lines = objects.get(part)
        if lines is None:
            lines = predicted(tools, model, version, job, work, some)
            objects.put(part, lines)
        parts.append(part)
        done.append(lines)
        work.advance(len(some))
    work.check()
    objects.put(key, b"".join(done))
    objects.delete(parts)
    return {"documents": len(documents), "object": key}


def predicted(
    tools: Tools,
    model: LearnedModel,
    version: ModelVersion,
    job: Job,
    work: Work,
    documents: Sequence[Document],
) -> bytes:
    """The lines of a batch; they are the latest predictions of its documents from then on."""
    chosen: list[Chosen] = []
    with one_numpy_thread():
        for tickets in tools.read([example_of(each) for each in documents], work):
            chosen += model.choose(tickets)
            work.check()
    predictions = [
        DocumentPrediction(
            document_id=document.document_id,
            labels=each.names,
            confidence=each.confidence,
            scores=each.scores,
            model=version.name,
            job_id=job.job_id,
        )
        for document, each in zip(documents, chosen, strict=True)
    ]
    tools.store.predictions.keep(version.task, predictions)
    return b"".join(each.model_dump_json().encode() + b"\n" for each in predictions)


def part_of(version: ModelVersion, job: Job, documents: Sequence[Document]) -> str:
    """The key of what a version says of a batch."""
    return predictions_part(version.task, version.number, job.job_id, _name_of(documents))


def _name_of(documents: Sequence[Document]) -> str:
    """The name of a batch: another name where a document has come, gone or changed."""
    digest = hashlib.sha256()
    for each in documents:
        digest.update(f"{each.document_id}\n{each.content_hash}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:NAME_DIGITS]
