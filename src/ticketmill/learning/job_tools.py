"""What the functions of jobs work with, and how they read documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from numpy.typing import NDArray

from ticketmill.domain.dataset import Example
from ticketmill.domain.document import Document
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.job import Job, Parts
from ticketmill.domain.model_card import ModelVersion
from ticketmill.domain.ticket import Ticket
from ticketmill.learning.families import ticket_of, tickets_of
from ticketmill.learning.feature_cache import CachedFeatures
from ticketmill.learning.job_documents import DocumentSources
from ticketmill.learning.job_work import Work
from ticketmill.learning.known_readings import KnownReadings
from ticketmill.learning.packed_features import Pooled
from ticketmill.learning.parts.manifest import PARTS_FILE, PartsSpec, check_parts
from ticketmill.learning.registry import load_file
from ticketmill.learning.snapshots import Snapshot
from ticketmill.learning.spread import Spread
from ticketmill.learning.store import LearningStore
from ticketmill.models.heads import Heads
from ticketmill.tasks.learned import LearnedModel
from ticketmill.text.reading import Reading

BATCH_DOCUMENTS = 2048
"""Documents between two part files of a prediction. Their features take 11 MB."""

Item = TypeVar("Item")


def one_numpy_thread() -> AbstractContextManager[object]:
    """Limits NumPy to one thread, as the worker does: its batches are small, and its threads would wait for
    each other, spinning, on the cores that the encoder needs."""
    from threadpoolctl import threadpool_limits

    return cast("AbstractContextManager[object]", threadpool_limits(limits=1, user_api="blas"))


@dataclass(frozen=True, slots=True)
class Tools:
    """What the functions work with. What takes time to load is loaded when it is asked for."""

    store: LearningStore
    sources: DocumentSources
    features: Callable[[], CachedFeatures]
    heads: Callable[[], Heads]
    load: Callable[[ModelVersion], LearnedModel]
    """A version as a model. LearningRefused where it cannot be loaded here."""
    build: Callable[[str, Sequence[Document]], Snapshot]
    """Keeps a dataset of documents that have a label of the task."""
    train: Callable[[Job, Work, Snapshot], ModelVersion]
    """Trains the version of a job."""
    columns_of: Callable[[Work, Sequence[str], Parts], Mapping[str, NDArray[Any]]]
    """The columns that parts make of texts, as arrays by name."""
    batch_documents: int = BATCH_DOCUMENTS
    spread: Spread | None = None
    """Has large predictions done by several workers; None where a job is done by its own."""

    def batches(self, items: Sequence[Item], batch: int | None = None) -> Iterator[Sequence[Item]]:
        """The items, a batch at a time."""
        size = batch or self.batch_documents
        return (items[start : start + size] for start in range(0, len(items), size))

    def version(self, job: Job, work: Work) -> ModelVersion:
        """The version that a job names, or the newest that may serve; after a takeover the same one."""
        task, number = str(job.request.task), job.request.version or work.known("version")
        usable = [each for each in self.store.versions.versions(task) if not each.retired]
        found = [each for each in usable if number in (None, each.number)]
        if not found:
            which = f"version {task}/v{number}" if number else f"version of {task}"
            raise LearningRefused(
                LearningCode.UNKNOWN_VERSION,
                f"there is no {which} that may serve: see `ticketmill models list {task}`, or train one",
            )
        if job.request.parts is not None:
            self._check_parts(found[0], job.request.parts)
        if work.known("version") is None:
            work.found(version=found[0].number, model=found[0].name)
        return found[0]

    def read(self, examples: Sequence[Example], work: Work) -> Iterator[Any]:
        """Examples as models read them, some hundreds at a time: a model reads nothing else of an encoded
        ticket. Each text is encoded once, for all jobs."""
        tickets = [ticket_of(each) for each in examples]
        readings = self.readings(tickets, work)
        encodings = self.encode([each.text for each in readings], work)
        return iter(tickets_of(tickets, readings, encodings, self.heads()))

    def texts(self, examples: Sequence[Example], work: Work) -> list[str]:
        """The words of examples that models read."""
        return [each.text for each in self.readings([ticket_of(each) for each in examples], work)]

    def readings(self, tickets: Sequence[Ticket], work: Work) -> list[Reading]:
        """What tickets are made of; those that are own words alone are known from one job to the next."""
        known = KnownReadings(self.store.objects)
        readings = []
        for ticket in tickets:
            readings.append(known.read(ticket))
            work.check()
        known.save()
        return readings

    def encode(self, texts: Sequence[str], work: Work) -> Pooled:
        """The features of texts, from the cache or by the encoder; stops where the job must."""
        return self.features().transform(texts, lambda _count: work.check())

    def _check_parts(self, version: ModelVersion, asked: Parts) -> None:
        """LearningRefused where a version is not made of the parts that are asked for."""
        if PARTS_FILE not in version.files:
            raise LearningRefused(
                LearningCode.PARTS_DIFFER,
                f"{version.name} is not made of parts: leave the parts out, or train a model of parts",
            )
        check_parts(PartsSpec.model_validate_json(load_file(self.store, version, PARTS_FILE)), asked)
