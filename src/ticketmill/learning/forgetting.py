"""What learning keeps of a ticket: examples in datasets, cached features, disagreements of models."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ticketmill.domain.dataset import Example
from ticketmill.domain.document import Document
from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.domain.keys import (
    DATASETS_PREFIX,
    DRIFT_REFERENCE_FILE,
    dataset_file,
    disagreement_file,
)
from ticketmill.domain.ticket import Ticket
from ticketmill.learning.dataset_build import group_names, without_example
from ticketmill.learning.drift_sample import Sample, from_bytes, to_bytes
from ticketmill.learning.forgetting_jobs import DocumentsOfTicket
from ticketmill.learning.hold_out import Sides
from ticketmill.learning.known_readings import remove_readings, stored_readings
from ticketmill.learning.packed_features import PackedFeatures, cached_encoders, key_of
from ticketmill.learning.ports import LearningObjects, Versions
from ticketmill.learning.snapshots import EXAMPLES_FILE, FILES, SIDES_FILE, Snapshots
from ticketmill.text.reading import read_ticket

SAME_EMBEDDING = 1e-3
"""Embeddings of one ticket differ by less in every dimension: the reference keeps them in float16."""


class TicketTraces(Protocol):
    """What finds everything that was made of a ticket."""

    @property
    def ticket_id(self) -> str: ...

    @property
    def contents(self) -> tuple[Ticket, ...]: ...


@dataclass(frozen=True, slots=True)
class DatasetsOfTicket:
    """The snapshots that have a ticket. Each is made again without it, and removed. What is left of a build
    that was killed is removed and not made again."""

    snapshots: Snapshots

    @property
    def name(self) -> str:
        return "datasets"

    def remove(self, traces: TicketTraces) -> int:
        having = list(self.having(traces.ticket_id))
        for task, name in having:
            manifest = self.snapshots.named(task, name)
            if manifest is None:
                self.snapshots.objects.delete([dataset_file(task, name, file) for file in FILES])
                continue
            without = without_example(self.snapshots.load(manifest), traces.ticket_id)
            if without.manifest.name == name:
                self.snapshots.rewrite(without)
            else:
                self.snapshots.save(without)
                self.snapshots.remove(manifest)
        return len(having)

    def left(self, traces: TicketTraces) -> list[str]:
        return [f"{task}/{name}" for task, name in self.having(traces.ticket_id)]

    def having(self, ticket_id: str) -> Iterator[tuple[str, str]]:
        """Task and name of each snapshot that names the ticket anywhere."""
        kept = self._kept()
        in_conflict = {
            (task, manifest.name)
            for task in {task for task, _ in kept}
            for manifest in self.snapshots.datasets.datasets(task)
            if any(each.example_id == ticket_id for each in manifest.conflicts)
        }
        for task, name in kept:
            if (
                (task, name) in in_conflict
                or self._sides(task, name).knows(ticket_id)
                or any(self._examples(task, name, ticket_id))
            ):
                yield task, name

    def examples(self, ticket_id: str) -> Iterator[Example]:
        """What the snapshots have of a ticket."""
        for task, name in self._kept():
            for each in self._examples(task, name, ticket_id):
                if each.example_id == ticket_id:
                    yield each

    def _kept(self) -> list[tuple[str, str]]:
        keys = self.snapshots.objects.keys(DATASETS_PREFIX)
        parts = (key.removeprefix(DATASETS_PREFIX).split("/") for key in keys)
        return list(dict.fromkeys((each[0], each[1]) for each in parts if len(each) == 3))

    def _examples(self, task: str, name: str, ticket_id: str) -> Iterator[Example]:
        """The examples that are the ticket, or whose group it names."""
        telling = {ticket_id, *group_names(ticket_id)}
        mentioned = ticket_id.encode()
        for line in self._text(task, name, EXAMPLES_FILE).splitlines():
            if mentioned in line:
                example = Example.model_validate_json(line)
                if example.example_id == ticket_id or example.group in telling:
                    yield example

    def _sides(self, task: str, name: str) -> Sides:
        return Sides.model_validate_json(self._text(task, name, SIDES_FILE) or "{}")

    def _text(self, task: str, name: str, file: str) -> bytes:
        body = self.snapshots.objects.get(dataset_file(task, name, file))
        return b"" if body is None else gzip.decompress(body)


@dataclass(frozen=True, slots=True)
class FeaturesOfTicket:
    """The cached features of everything that a ticket has said: it comes before the texts are removed."""

    objects: LearningObjects
    datasets: DatasetsOfTicket
    documents: DocumentsOfTicket

    @property
    def name(self) -> str:
        return "cached features"

    def remove(self, traces: TicketTraces) -> int:
        tickets = self._tickets(traces)
        keys = _read(tickets)
        found = sum(each.remove(keys) for each in self._stores()) if keys else 0
        return found + remove_readings(self.objects, tickets)

    def left(self, traces: TicketTraces) -> list[str]:
        tickets = self._tickets(traces)
        keys = _read(tickets)
        features = [
            f"{store.encoder}/{key}"
            for store in self._stores()
            for entry in store.catalog.segments.values()
            for key in entry.keys
            if key in keys
        ]
        return [*features, *(key.hex() for key in stored_readings(self.objects, tickets))]

    def _stores(self) -> list[PackedFeatures]:
        return [PackedFeatures(self.objects, each, float("inf")) for each in cached_encoders(self.objects)]

    def _tickets(self, traces: TicketTraces) -> list[Ticket]:
        """Everything that it has said."""
        examples = self.datasets.examples(traces.ticket_id)
        documents = self.documents.contents(traces.ticket_id)
        return [*traces.contents, *map(_ticket, examples), *map(_ticket, documents)]


@dataclass(frozen=True, slots=True)
class DisagreementsOfTicket:
    """What shadows said of a ticket."""

    objects: LearningObjects
    versions: Versions

    @property
    def name(self) -> str:
        return "disagreements"

    def remove(self, traces: TicketTraces) -> int:
        found = self.left(traces)
        self.objects.delete(self._keys(traces.ticket_id))
        return len(found)

    def left(self, traces: TicketTraces) -> list[str]:
        return [key for key in self._keys(traces.ticket_id) if self.objects.get(key) is not None]

    def _keys(self, ticket_id: str) -> list[str]:
        return [
            disagreement_file(task, each.number, ticket_id)
            for task in self.versions.tasks()
            for each in self.versions.versions(task)
        ]


@dataclass(frozen=True, slots=True)
class DriftReferenceOfTicket:
    """The embedding of a ticket among those that drift is measured from.

    They have no ids: the ticket's own is found by its enriched objects, and so is removed before them."""

    objects: LearningObjects

    @property
    def name(self) -> str:
        return "drift reference"

    def remove(self, traces: TicketTraces) -> int:
        sample = self._sample()
        if sample is None or not (rows := self._rows(sample, traces)).any():
            return 0
        body = to_bytes(replace(sample, embeddings=sample.embeddings[~rows]))
        self.objects.delete([DRIFT_REFERENCE_FILE])
        self.objects.put(DRIFT_REFERENCE_FILE, body)
        return int(rows.sum())

    def left(self, traces: TicketTraces) -> list[str]:
        sample = self._sample()
        if sample is None:
            return []
        rows = np.flatnonzero(self._rows(sample, traces)).tolist()
        return [f"{DRIFT_REFERENCE_FILE}, embedding {row}" for row in rows]

    def _sample(self) -> Sample | None:
        body = self.objects.get(DRIFT_REFERENCE_FILE)
        return None if body is None else from_bytes(body)

    def _rows(self, sample: Sample, traces: TicketTraces) -> NDArray[np.bool_]:
        """(embeddings,): which of them are the ticket's."""
        own = [each.enrichment.embedding for each in traces.contents if isinstance(each, EnrichedTicket)]
        own = [each for each in own if len(each) == sample.embeddings.shape[1]]
        if not own:
            return np.zeros(len(sample.embeddings), np.bool_)
        distance = np.abs(sample.embeddings[:, None] - np.array(own, np.float32)).max(axis=2)
        return np.asarray((distance < SAME_EMBEDDING).any(axis=1))


@dataclass(frozen=True, slots=True)
class TrainedWith:
    """The learned versions whose datasets have a ticket."""

    datasets: DatasetsOfTicket
    versions: Versions

    def __call__(self, ticket_id: str) -> list[str]:
        having = set(self.datasets.having(ticket_id))
        return [
            each.name
            for task in self.versions.tasks()
            for each in reversed(self.versions.versions(task))
            if (task, each.dataset) in having
        ]


def _read(tickets: Iterable[Ticket]) -> set[str]:
    """The keys by which their features are cached."""
    return {key_of(read_ticket(each).text) for each in tickets}


def _ticket(example: Example | Document) -> Ticket:
    return Ticket(ticket_id="example", subject=example.subject, body=example.body)
