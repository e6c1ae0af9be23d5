"""Predicts parts of a job that another worker spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ticketmill.domain.document import Document
from ticketmill.domain.job import Job
from ticketmill.domain.model_card import ModelVersion
from ticketmill.learning.job_records import is_final
from ticketmill.learning.job_tools import Tools
from ticketmill.learning.job_work import Work
from ticketmill.learning.predicting import part_of, predicted
from ticketmill.learning.spread import PART_DOCUMENTS
from ticketmill.tasks.learned import LearnedModel


class Helped(NamedTuple):
    """A job that this process helps with."""

    job: Job
    version: ModelVersion
    model: LearnedModel
    parts: Sequence[Sequence[Document]]


class Helping(Work):
    """Work on a part: it has no lease to keep, and stops where the job has ended."""

    def _write(self) -> None:
        self._looked = self.now()
        self._seen = self.records.find(self.job.job_id)
        if is_final(self._seen):
            self._lost.set()


@dataclass
class PartPredictor:
    """Predicts parts, one after the other. It keeps the documents of the last job that it helped with."""

    tools: Tools
    _helped: Helped | None = field(default=None, init=False)

    def __call__(self, job_id: str, number: int) -> None:
        """Predicts a part of a job, counted from 0; one that is there already is left.

        JobCancelled and LeaseLost where the job has ended, LearningRefused where its version or its documents
        are gone, TransientFailure where a service failed.
        """
        job = self.tools.store.jobs.find(job_id)
        work = Helping(self.tools.store.jobs, job, "helper")
        work.check_now()
        helped = self._helped
        if helped is None or helped.job.job_id != job_id:
            helped = self._helped = self._opened(job, work)
        if number >= len(helped.parts):
            return
        some = helped.parts[number]
        key = part_of(helped.version, job, some)
        if self.tools.store.objects.get(key) is None:
            lines = predicted(self.tools, helped.model, helped.version, job, work, some)
            self.tools.store.objects.put(key, lines)

    def _opened(self, job: Job, work: Work) -> Helped:
        version = self.tools.version(job, work)
        documents = self.tools.sources.read(job.request.documents, job.request.task)
        parts = list(self.tools.batches(documents, PART_DOCUMENTS))
        return Helped(job, version, self.tools.load(version), parts)
