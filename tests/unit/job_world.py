"""Jobs in memory, on texts of a few words and an encoder that knows words alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from labelled_texts import WORDS, encode, examples, heads
from part_resources import RESOURCES

from ticketmill.aws.learning_memory import MemoryLearningItems, MemoryLearningObjects
from ticketmill.domain.document import Document
from ticketmill.domain.job import Documents, Job, JobKind, JobRequest
from ticketmill.domain.model_card import ModelVersion
from ticketmill.learning.card import with_card
from ticketmill.learning.dataset_build import DatasetSpec, build
from ticketmill.learning.documents import ProjectDocuments, gathered, new_document, sides_of
from ticketmill.learning.fit import fit_task
from ticketmill.learning.job_documents import DocumentSources
from ticketmill.learning.job_kinds import kinds_of
from ticketmill.learning.job_tools import Tools
from ticketmill.learning.job_work import Pace, Work, utc_now
from ticketmill.learning.jobs import JobRunner
from ticketmill.learning.model_files import load_model
from ticketmill.learning.packed_features import Pooled
from ticketmill.learning.parts.extract import columns_of
from ticketmill.learning.parts.model import fit_parts
from ticketmill.learning.recipes import TIERS
from ticketmill.learning.registry import load_files
from ticketmill.learning.snapshots import Snapshot, Snapshots
from ticketmill.learning.store import LearningStore, learning_store
from ticketmill.learning.training import Training, TrainingRequest
from ticketmill.tasks.learned import LearnedModel

TASK = "desk"


@dataclass
class CountingFeatures:
    """The encoder; it counts the texts that it has read, and can be told to fail at one."""

    read: list[str] = field(default_factory=list)
    before: Callable[[], object] = lambda: None

    def transform(self, texts: Sequence[str], advance: Callable[[int], object]) -> Pooled:
        self.before()
        self.read += texts
        advance(len(texts))
        return Pooled(encode(texts).layers, None, np.array([len(each.split()) for each in texts], np.int32))


@contextmanager
def a_path(uri: str) -> Iterator[Path]:
    yield Path(uri)


@dataclass
class JobWorld:
    """A store, and what runs its jobs."""

    store: LearningStore = field(
        default_factory=lambda: learning_store(MemoryLearningObjects(), MemoryLearningItems())
    )
    features: CountingFeatures = field(default_factory=CountingFeatures)
    batch_documents: int = 20
    now: Callable[[], datetime] = utc_now
    pace: Pace = field(default_factory=lambda: Pace(look=timedelta(0)))

    @property
    def snapshots(self) -> Snapshots:
        return Snapshots(self.store.datasets, self.store.objects)

    @property
    def tools(self) -> Tools:
        projects = ProjectDocuments(self.store.objects)
        features: Any = self.features
        return Tools(
            self.store,
            DocumentSources(self.snapshots, projects, a_path, None, lambda: (TASK,)),
            lambda: features,
            heads,
            self._load,
            self._build,
            self._train,
            lambda _, texts, parts: columns_of(texts, parts, RESOURCES),
            self.batch_documents,
        )

    def run(
        self,
        kind: JobKind,
        documents: Documents,
        job_id: str = "j1",
        on_claim: Callable[[Work], object] = lambda _: None,
        **asked: Any,
    ) -> Job:
        """Submits a job, and runs it once."""
        task = None if kind is JobKind.INDEX else TASK
        request = JobRequest(kind=kind, documents=documents, task=task, **asked)
        self.store.jobs.submit(job_id, request, self.now())
        kinds = kinds_of(self.tools)

        def watched(job: Job, work: Work) -> Any:
            on_claim(work)
            return kinds[kind](job, work)

        run = JobRunner(self.store.jobs, {kind: watched}, self.pace, self.now, sleep=lambda _: None)
        return run(job_id)

    def index(self, documents: Sequence[Document], project: str = "shop", at: int = 0) -> None:
        moment = datetime(2026, 11, 21, tzinfo=UTC) + timedelta(hours=at)
        ProjectDocuments(self.store.objects).keep(project, documents, moment)

    def _load(self, version: ModelVersion) -> LearnedModel:
        return LearnedModel(version.task, version.number, load_model(load_files(self.store, version)))

    def _build(self, task: str, documents: Sequence[Document]) -> Snapshot:
        sides = sides_of(documents)
        built = build(gathered(documents, task), DatasetSpec(task), None, datetime.now(UTC), sides)
        self.snapshots.save(built)
        return built

    def _train(self, job: Job, work: Work, snapshot: Snapshot) -> ModelVersion:
        def fit() -> Any:
            examples, parts = snapshot.trained, job.request.parts
            if parts is not None:
                fitted = fit_parts(examples, TASK, "single", parts, RESOURCES, lambda _: work.check())
            else:
                fitted = fit_task(examples, encode, heads(), TASK, "single", lambda _: work.check(), TIERS)
            return with_card(fitted, snapshot.trained, None, snapshot.manifest.name, "e1")

        request = TrainingRequest(TASK, job.job_id, job.request.who)
        return Training(self.store).run(request, fit)


def documents(a_label: int, seed: int = 0, test: bool = False) -> list[Document]:
    """Labelled texts of a few words; with `test` those that judge."""
    return [
        new_document(each.example_id, "", each.body, labels={TASK: each.labels}, is_training_data=not test)
        for each in examples(a_label, seed, tuple(WORDS))
    ]
