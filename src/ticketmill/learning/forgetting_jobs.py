"""What jobs keep of a ticket: documents of projects, predictions, extracted features."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ticketmill.arrays import npz_bytes
from ticketmill.domain.document import Document, DocumentPrediction
from ticketmill.domain.keys import DOCUMENTS_PREFIX, EXTRACTED_PREFIX, PREDICTIONS_PREFIX
from ticketmill.learning.documents import documents_of, lines_of
from ticketmill.learning.ports import LearningObjects
from ticketmill.learning.store import LearningStore


class Forgotten(Protocol):
    """The ticket that is forgotten."""

    @property
    def ticket_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class DocumentsOfTicket:
    """The documents that have a ticket's id, in whichever project."""

    objects: LearningObjects

    @property
    def name(self) -> str:
        return "documents"

    def remove(self, traces: Forgotten) -> int:
        having = list(self._having(traces.ticket_id))
        for key, documents in having:
            kept = lines_of(each for each in documents if each.document_id != traces.ticket_id)
            _rewrite(self.objects, key, gzip.compress(kept, mtime=0) if kept else None)
        return len(having)

    def left(self, traces: Forgotten) -> list[str]:
        return [key for key, _ in self._having(traces.ticket_id)]

    def contents(self, ticket_id: str) -> Iterator[Document]:
        """What projects have of a ticket."""
        for _, documents in self._having(ticket_id):
            yield from (each for each in documents if each.document_id == ticket_id)

    def _having(self, ticket_id: str) -> Iterator[tuple[str, list[Document]]]:
        for key in list(self.objects.keys(DOCUMENTS_PREFIX)):
            documents = documents_of(self.objects.get(key))
            if any(each.document_id == ticket_id for each in documents):
                yield key, documents


@dataclass(frozen=True, slots=True)
class PredictionsOfTicket:
    """What versions said of a ticket in jobs, and the features that jobs extracted."""

    store: LearningStore

    @property
    def name(self) -> str:
        return "predictions of jobs"

    def remove(self, traces: Forgotten) -> int:
        objects, ticket_id = self.store.objects, traces.ticket_id
        having = list(self._having(ticket_id))
        for key, without in having:
            _rewrite(objects, key, without(ticket_id))
        return len(having) + self.store.predictions.remove(self.store.versions.tasks(), ticket_id)

    def left(self, traces: Forgotten) -> list[str]:
        latest = self.store.predictions.having(self.store.versions.tasks(), traces.ticket_id)
        found = [key for key, _ in self._having(traces.ticket_id)]
        return [*found, *(f"the latest prediction of {task}" for task in latest)]

    def _having(self, ticket_id: str) -> Iterator[tuple[str, Callable[[str], bytes | None]]]:
        """The objects that have the ticket, each with what makes it without one."""
        for prefix, open_object in ((PREDICTIONS_PREFIX, _Lines), (EXTRACTED_PREFIX, _Arrays)):
            for key in list(self.store.objects.keys(prefix)):
                body = self.store.objects.get(key)
                found = None if body is None else open_object(body)
                if found is not None and ticket_id in found.ids:
                    yield key, found.without


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of a prediction job."""

    body: bytes

    @property
    def ids(self) -> list[str]:
        return [_id_of(line) for line in self.body.splitlines()]

    def without(self, document_id: str) -> bytes | None:
        kept = [line for line in self.body.splitlines() if _id_of(line) != document_id]
        return b"".join(line + b"\n" for line in kept)


@dataclass(frozen=True, slots=True)
class _Arrays:
    """The arrays of an extraction."""

    body: bytes

    @property
    def ids(self) -> list[str]:
        with np.load(io.BytesIO(self.body), allow_pickle=False) as arrays:
            return [str(each) for each in arrays["ids"]]

    def without(self, document_id: str) -> bytes | None:
        """None where the columns are sparse: the job can be run again, and its rows are not cut out here."""
        with np.load(io.BytesIO(self.body), allow_pickle=False) as arrays:
            if "indptr" in arrays.files:
                return None
            kept = np.flatnonzero(arrays["ids"] != document_id)
            return npz_bytes({name: arrays[name][kept] for name in arrays.files})


def _id_of(line: bytes) -> str:
    return DocumentPrediction.model_validate_json(line).document_id


def _rewrite(objects: LearningObjects, key: str, body: bytes | None) -> None:
    """Puts an object in the place of all its versions; none where nothing is left of it."""
    objects.delete([key])
    if body is not None:
        objects.put(key, body)
