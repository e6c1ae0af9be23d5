"""Builds what submits and runs jobs, in a stack or in a folder."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ticketmill.bootstrap.adapters import connect_queries
from ticketmill.bootstrap.corrections import correctable_tasks
from ticketmill.bootstrap.datasets import (
    LabelSources,
    WantedDataset,
    dataset_spec,
    make_snapshots,
    open_sources,
)
from ticketmill.bootstrap.features import make_feature_cache
from ticketmill.bootstrap.learned import make_version_loader
from ticketmill.bootstrap.parts import make_part_resources, train_parts
from ticketmill.bootstrap.training import make_trainer, train_dataset
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ticketmill.bootstrap.training import Trainer
    from ticketmill.domain.document import Document
    from ticketmill.domain.job import Job, Parts
    from ticketmill.domain.model_card import ModelVersion
    from ticketmill.encoder.bundle import Bundle
    from ticketmill.encoder.encoder import Encoder
    from ticketmill.learning.feature_cache import CachedFeatures
    from ticketmill.learning.job_documents import StackTickets
    from ticketmill.learning.job_records import Progress
    from ticketmill.learning.job_tools import Tools
    from ticketmill.learning.job_work import Work
    from ticketmill.learning.jobs import JobRunner
    from ticketmill.learning.part_predictions import PartPredictor
    from ticketmill.learning.ports import LearningObjects
    from ticketmill.learning.snapshots import Snapshot
    from ticketmill.learning.spread import Spread
    from ticketmill.learning.store import LearningStore
    from ticketmill.models.heads import Heads
    from ticketmill.tasks.learned import LearnedModel

OnProgress = Callable[["Progress"], object]


@dataclass(frozen=True, slots=True)
class JobPlace:
    """Where jobs are kept, and what runs them."""

    store: LearningStore
    run: JobRunner
    predict_part: PartPredictor
    """Helps with a prediction that another worker spread."""


@contextmanager
def open_job_place(
    settings: Settings, folder: Path | None = None, spread: Spread | None = None
) -> Iterator[JobPlace]:
    """The jobs of the stack, or of a folder without AWS; large predictions go to several workers by `spread`.

    SetupError where the stack is not there.
    """
    from ticketmill.learning.part_predictions import PartPredictor

    with open_sources(settings, folder, journal=folder is None) as (store, sources):
        tools = replace(_tools(settings, store, sources), spread=spread)
        yield JobPlace(store, _runner(settings, tools, lambda _: None), PartPredictor(tools))


@contextmanager
def open_job_runner(
    settings: Settings, folder: Path | None = None, on_progress: OnProgress = lambda _: None
) -> Iterator[JobRunner]:
    """What runs them alone."""
    with open_sources(settings, folder, journal=folder is None) as (store, sources):
        yield make_job_runner(settings, store, sources, on_progress)


def make_job_runner(
    settings: Settings,
    store: LearningStore,
    sources: LabelSources,
    on_progress: OnProgress = lambda _: None,
) -> JobRunner:
    """The same of a store that is open. The encoder is loaded once, when a text is not cached."""
    return _runner(settings, _tools(settings, store, sources), on_progress)


def _runner(settings: Settings, tools: Tools, on_progress: OnProgress) -> JobRunner:
    from ticketmill.learning.job_kinds import kinds_of
    from ticketmill.learning.job_work import Pace
    from ticketmill.learning.jobs import JobRunner

    pace = Pace(
        timedelta(seconds=settings.job_lease_s),
        timedelta(seconds=settings.job_heartbeat_s),
        limit=timedelta(seconds=settings.job_limit_s),
    )
    kinds = kinds_of(tools)
    return JobRunner(tools.store.jobs, kinds, pace, on_progress=on_progress)


@dataclass
class _Loaded:
    """The bundle and what is in it, loaded when it is asked for, once."""

    settings: Settings
    objects: LearningObjects

    @cached_property
    def bundle(self) -> Bundle:
        from ticketmill.encoder.bundle import load_bundle

        return load_bundle(self.settings.bundle_dir)

    @cached_property
    def encoder(self) -> Encoder:
        from ticketmill.encoder.encoder import Encoder

        return Encoder(self.bundle, self.settings.threads)

    @cached_property
    def heads(self) -> Heads:
        from ticketmill.models.heads import ARRAYS_FILE, MANIFEST_FILE, load_heads

        files = {name: self.bundle.path(name).read_bytes() for name in (ARRAYS_FILE, MANIFEST_FILE)}
        return load_heads(files)

    def features(self) -> CachedFeatures:
        """What is cached now: other workers add to it."""
        return make_feature_cache(self.settings, self.objects, lambda: self.encoder, self.bundle)


def _tools(settings: Settings, store: LearningStore, sources: LabelSources) -> Tools:
    from ticketmill.learning.documents import ProjectDocuments
    from ticketmill.learning.job_documents import DocumentSources
    from ticketmill.learning.job_tools import Tools

    loaded = _Loaded(settings, store.objects)

    def trainer_at(work: Work) -> Trainer:
        return _trainer_at(settings, store, loaded.features(), work)

    def load(version: ModelVersion) -> LearnedModel:
        return make_version_loader(settings, store)(version.task, version.number)

    def train(job: Job, work: Work, snapshot: Snapshot) -> ModelVersion:
        trainer, request = trainer_at(work), job.request
        if request.parts is not None:
            return train_parts(settings, trainer, store, snapshot, request.parts, request.who, job.job_id)
        return train_dataset(settings, trainer, store, snapshot, request.who, job.job_id, request.curve)

    def columns(work: Work, texts: Sequence[str], parts: Parts) -> dict[str, NDArray[Any]]:
        from ticketmill.learning.parts.extract import columns_of

        return columns_of(texts, parts, make_part_resources(settings, trainer_at(work)))

    def tasks() -> Sequence[str]:
        own = (each.name for each in store.datasets.task_definitions())
        return (*correctable_tasks(settings.bundle_dir), *own)

    return Tools(
        store,
        DocumentSources(
            make_snapshots(store),
            ProjectDocuments(store.objects),
            fetched,
            _tickets(settings, sources),
            tasks,
        ),
        loaded.features,
        lambda: loaded.heads,
        load,
        lambda task, documents: _build(settings, store, task, documents),
        train,
        columns,
    )


def _trainer_at(settings: Settings, store: LearningStore, features: CachedFeatures, work: Work) -> Trainer:
    """A trainer that stops where the job must. What it reports is the stage of the job."""

    def progress(_label: str, _count: int) -> Any:
        return nullcontext(lambda _done: work.check())

    asked = work.job.request.fine_tune
    return make_trainer(settings, store.objects, work.begin, progress, asked, features)


def _build(settings: Settings, store: LearningStore, task: str, documents: Sequence[Document]) -> Snapshot:
    """Keeps a dataset of labelled documents. The labels of a task that nobody defined are those that they
    have. LearningRefused where nothing can be learned of them."""
    from ticketmill.learning.dataset_build import build
    from ticketmill.learning.documents import gathered, sides_of

    several = any(len(each.labels[task]) > 1 for each in documents)
    wanted = WantedDataset(task, files=(Path("documents"),), multi=several)
    snapshots = make_snapshots(store)
    newest = snapshots.newest(task)
    parent = None if newest is None else snapshots.load(newest)
    spec = dataset_spec(settings, wanted, store)
    built = build(gathered(documents, task), spec, parent, datetime.now(UTC), sides_of(documents))
    return replace(built, manifest=snapshots.save(built))


def _tickets(settings: Settings, sources: LabelSources) -> StackTickets | None:
    from ticketmill.domain.keys import ticket_of
    from ticketmill.learning.job_documents import StackTickets

    def between(since: datetime, until: datetime | None) -> Iterable[str]:
        with closing(connect_queries(settings).entries(since, until)) as found:
            return [ticket_of(position) for position, _ in found]

    if sources.tickets is None:
        return None
    return StackTickets(sources.tickets, sources.journal, between)


@contextmanager
def fetched(uri: str) -> Iterator[Path]:
    """A file of this machine, or an object as one. LearningRefused for another kind of uri, and for an object
    that is not there; TransientFailure where S3 fails."""
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        yield Path(parts.path if parts.scheme else uri)
        return
    if parts.scheme != "s3":
        raise LearningRefused(
            LearningCode.UNREADABLE_DOCUMENTS,
            f"{parts.scheme}:// is not read: name s3://BUCKET/KEY, or a path",
        )
    from ticketmill.aws.clients import connect
    from ticketmill.aws.learning_objects import S3LearningObjects

    body = S3LearningObjects(connect().s3, parts.netloc).get(parts.path.lstrip("/"))
    if body is None:
        raise LearningRefused(LearningCode.NO_DOCUMENTS, f"there is no {uri}: check the bucket and the key")
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        yield Path(file.name)
