"""From events of the enriched bucket to entries of the search index, a batch at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

from ticketmill.bisection import as_failure, bisect
from ticketmill.domain.enrichment import read_enriched
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.keys import TICKETS_PREFIX, ticket_of_enriched_key
from ticketmill.domain.message import Ignored, Message, Upload, Uploads
from ticketmill.indexed_ticket import IndexedTicket, embedding_model_of
from ticketmill.operations.indexing import entry_of
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.pipeline.ports import Decode
from ticketmill.queries.index_ports import VectorStore

log = logging.getLogger(__name__)


class EnrichedObjects(Protocol):
    """The bucket of the full enrichments."""

    def find(self, key: str) -> bytes | None:
        """The enrichment at a key; None where there is none. TransientFailure where S3 fails."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index gets of an object, and the embedding model that its vector is of."""

    model: str
    ticket: IndexedTicket


Found = Entry | None | Exception
"""None is an object that is gone, or has no vector."""


@dataclass(frozen=True)
class Indexer:
    """Indexes what messages announce. It keeps nothing of a ticket; threads may share it."""

    enriched: EnrichedObjects
    decode: Decode
    store_of: Callable[[str], VectorStore]
    """The index of an embedding model: vectors of two models cannot be compared."""
    executor: Executor

    def process_batch(self, messages: Sequence[Message]) -> list[Outcome]:
        """Puts the entries of a batch, all of a model at once: a put costs the same for one and for many.

        Never raises for an object: what fails, fails alone. An object that is gone was forgotten or has
        expired: there is nothing to do.
        """
        announced, outcomes = self._open(messages)
        found = dict(zip(announced, self.executor.map(self._find, announced), strict=True))
        entries = [each for each in found.values() if isinstance(each, Entry)]
        failed = self._put_all(entries)
        for upload, by in announced.items():
            outcomes += [_outcome(message, upload.key, found[upload], failed) for message in by]
        return outcomes

    def _open(self, messages: Iterable[Message]) -> tuple[dict[Upload, list[Message]], list[Outcome]]:
        """The objects to look at with the messages that announce them; the outcomes of all other messages."""
        announced: dict[Upload, list[Message]] = {}
        outcomes: list[Outcome] = []
        for message in messages:
            try:
                announcement = self.decode(message.body)
            except ValueError as error:
                log.warning("message %s announces no enrichment: %s", message.message_id, error)
                outcomes.append(Outcome(message, Result.FAILED, reason="unreadable_message"))
                continue
            uploads = announcement.uploads if isinstance(announcement, Uploads) else ()
            ours = [each for each in dict.fromkeys(uploads) if _may_be_enrichment(each)]
            for upload in ours:
                announced.setdefault(upload, []).append(message)
            if not ours:
                reason = announcement.reason if isinstance(announcement, Ignored) else "no_enrichment"
                outcomes.append(Outcome(message, Result.IGNORED, reason=reason))
        return announced, outcomes

    def _find(self, upload: Upload) -> Found:
        try:
            for key in dict.fromkeys((upload.key, upload.fallback_key)):
                if (body := self.enriched.find(key)) is not None:
                    return entry_at(key, body)
        except TransientFailure as failure:
            log.warning("failed %r, left to the queue: %s", upload.key, failure)
            return failure
        except BaseException as error:  # noqa: BLE001 - one object's fault is that object's outcome
            failure_of_it = as_failure(error)
            # what it says may quote the ticket
            log.error("failed %r: it cannot be read, %s", upload.key, type(failure_of_it).__name__)
            return failure_of_it
        return None

    def _put_all(self, entries: Sequence[Entry]) -> dict[str, Exception]:
        """Puts them, each model's into its index; by key why one could not be put."""
        by_model: dict[str, list[IndexedTicket]] = {}
        for each in entries:
            by_model.setdefault(each.model, []).append(each.ticket)
        failed: dict[str, Exception] = {}
        for model, tickets in by_model.items():
            store = self.store_of(model)
            for ticket, failure in zip(tickets, bisect(tickets, lambda some: _put(store, some)), strict=True):  # noqa: B023
                if failure is not None:
                    failed[ticket.enriched_key] = failure
        for failure in {str(each): each for each in failed.values()}.values():
            told = failure if isinstance(failure, TransientFailure) else type(failure).__name__
            log.warning("some of %d entries could not be put: %s", len(entries), told)
        return failed


def entry_at(key: str, body: bytes) -> Entry | None:
    """The entry of a stored enrichment; None where it has no vector. ValueError where it cannot be read."""
    ticket = read_enriched(body)
    entry = entry_of(ticket, key)
    return None if entry is None else Entry(embedding_model_of(ticket.enrichment.models), entry)


def _put(store: VectorStore, tickets: Sequence[IndexedTicket]) -> list[Exception | None]:
    """Why each could not be put. An outage is of all of them: only another fault is worth looking for."""
    try:
        store.put(tickets)
    except TransientFailure as failure:
        return [failure] * len(tickets)
    return [None] * len(tickets)


def _may_be_enrichment(upload: Upload) -> bool:
    return upload.key.startswith(TICKETS_PREFIX) and bool(ticket_of_enriched_key(upload.key))


def _outcome(message: Message, key: str, found: Found, failed: Mapping[str, Exception]) -> Outcome:
    ticket_id = ticket_of_enriched_key(key)
    if isinstance(found, Entry):
        ticket_id = found.ticket.ticket_id
        if (why := failed.get(found.ticket.enriched_key)) is None:
            return Outcome(message, Result.INDEXED, ticket_id)
        found = why
    if found is None:
        return Outcome(message, Result.IGNORED, ticket_id, reason="nothing_to_index")
    if isinstance(found, TransientFailure):
        return Outcome(message, Result.FAILED, ticket_id, found.code, dependency=found.dependency)
    reason = "unreadable_object" if isinstance(found, ValueError) else "fault"
    return Outcome(message, Result.FAILED, ticket_id, reason)
