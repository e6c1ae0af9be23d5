"""From messages to outcomes: the heart. Worker, Lambda and bulk commands all call `process_batch`."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ticketmill.domain.enrichment import EnrichedTicket, Enrichment
from ticketmill.domain.errors import RejectionCode, TicketmillError, TicketRejected, TransientFailure
from ticketmill.domain.message import Message, RawObject, Upload
from ticketmill.domain.row import Rejection, TicketRow, enriched_row
from ticketmill.domain.ticket import Ticket, decode_json, ticket_from, too_large
from ticketmill.pipeline.bisect import bisect
from ticketmill.pipeline.enrich import Enricher
from ticketmill.pipeline.ledger import Ledger
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.pipeline.ports import EnrichedTickets, RawTickets, ReadEvent, TicketRows

log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Job:
    """One object to look at, and every message of the batch that announced it."""

    upload: Upload
    messages: tuple[Message, ...]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A valid ticket, the object that it was read from, and the row that stood at the time."""

    job: Job
    raw: RawObject
    ticket: Ticket
    standing: TicketRow | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a job."""

    job: Job
    result: Result
    ticket_id: str | None
    reason: str | None = None


@dataclass(frozen=True)
class Pipeline:
    """The way of a ticket. Everything it needs is given; it holds no state of its own."""

    raw_tickets: RawTickets
    enriched_tickets: EnrichedTickets
    rows: TicketRows
    read_event: ReadEvent
    enricher: Enricher
    executor: Executor
    max_ticket_bytes: int
    clock: Callable[[], datetime] = _now

    def process_batch(self, messages: Sequence[Message]) -> list[Outcome]:
        """Enriches what `messages` announce: object, then row. What may be acknowledged is `settled()`.

        Never raises for a ticket: one that can never succeed is recorded as rejected, one that failed for
        another reason is an outcome too, and neither touches its neighbours.
        """
        jobs, outcomes = self._open(messages)
        fetched = list(self.executor.map(self._fetch, jobs))
        looked_up = self._look_up([each for each in fetched if isinstance(each, Candidate)])
        fresh = [each for each in looked_up if isinstance(each, Candidate)]
        enrichments = bisect([each.ticket for each in fresh], self.enricher.enrich)
        stored = self.executor.map(self._store, fresh, enrichments)
        for settled in (*fetched, *looked_up, *stored):
            if isinstance(settled, Settled):
                outcomes += [
                    Outcome(message, settled.result, settled.ticket_id, settled.reason)
                    for message in settled.job.messages
                ]
        return outcomes

    def _open(self, messages: Iterable[Message]) -> tuple[list[Job], list[Outcome]]:
        """One job an object, however many messages announce it: the object is read as it stands now."""
        announced: dict[Upload, list[Message]] = {}
        outcomes: list[Outcome] = []
        for message in messages:
            try:
                uploads = self.read_event(message.body)
            except ValueError as error:
                log.warning("message %s announces no ticket: %s", message.message_id, error)
                outcomes.append(Outcome(message, Result.FAILED, reason="unreadable_message"))
                continue
            if not uploads:
                outcomes.append(Outcome(message, Result.IGNORED))
            for upload in dict.fromkeys(uploads):
                announced.setdefault(upload, []).append(message)
        now = self.clock()
        return [Job(upload, tuple(by), now) for upload, by in announced.items()], outcomes

    def _fetch(self, job: Job) -> Candidate | Settled:
        try:
            raw = self.raw_tickets.fetch(job.upload, self.max_ticket_bytes)
            if raw is None:
                return self._reject(job, _absent(job), _object_missing(job.upload))
            try:
                return Candidate(job, raw, self._parse(raw))
            except TicketRejected as rejection:
                return self._reject(job, raw, rejection)
        except Exception as error:  # noqa: BLE001 - one upload's fault is that upload's outcome
            return _failed(job, None, error)

    def _parse(self, raw: RawObject) -> Ticket:
        if raw.body is None:
            raise too_large(raw.size_bytes, self.max_ticket_bytes)
        return ticket_from(decode_json(raw.body, self.max_ticket_bytes))

    def _reject(self, job: Job, raw: RawObject, error: TicketRejected) -> Settled:
        ticket_id = error.ticket_id or id_of_key(raw.key)
        rejection = Rejection.of(error, raw, self.clock())
        result = self._ledger.reject(ticket_id, rejection, raw)
        log.info("rejected %r of ticket %r: %s", raw.key, ticket_id, error.code)
        return Settled(job, result, ticket_id, error.code)

    def _look_up(self, candidates: Sequence[Candidate]) -> list[Candidate | Settled]:
        """Sorts out what the table already knows: only what is still a Candidate needs the model."""
        try:
            rows = self.rows.get_many({each.ticket.ticket_id for each in candidates})
        except TransientFailure as error:
            return [_failed(each.job, each.ticket.ticket_id, error) for each in candidates]
        return [self._settle_known(each, rows.get(each.ticket.ticket_id)) for each in candidates]

    def _settle_known(self, candidate: Candidate, standing: TicketRow | None) -> Candidate | Settled:
        ticket_id = candidate.ticket.ticket_id
        try:
            result = self._ledger.settle_known(standing, candidate.raw, self.enricher.fingerprint)
        except TransientFailure as error:
            return _failed(candidate.job, ticket_id, error)
        if result is None:
            return replace(candidate, standing=standing)
        return Settled(candidate.job, result, ticket_id)

    def _store(self, candidate: Candidate, enrichment: Enrichment | Exception) -> Settled:
        """The object before the row: a crash in between leaves work to redo, never a row to nowhere."""
        job, ticket, raw = candidate.job, candidate.ticket, candidate.raw
        try:
            if isinstance(enrichment, Exception):
                raise enrichment
            enrichment = _with_queue_latency(enrichment, job)
            key = f"tickets/{ticket.ticket_id}/{raw.content_hash}-{enrichment.fingerprint}.json"
            enriched = EnrichedTicket(**dict(ticket), enrichment=enrichment)
            self.enriched_tickets.put(key, enriched.model_dump_json().encode())
            row = enriched_row(ticket, enrichment, raw, key)
            return Settled(job, self._ledger.record(row, candidate.standing, raw), ticket.ticket_id)
        except Exception as error:  # noqa: BLE001 - one ticket's fault is that ticket's outcome
            return _failed(job, ticket.ticket_id, error)

    @property
    def _ledger(self) -> Ledger:
        return Ledger(self.rows, self.raw_tickets)


def id_of_key(key: str) -> str:
    """What a ticket without a readable id is called: its key, without `tickets/` and `.json`."""
    return key.removeprefix("tickets/").removesuffix(".json") or key


def _failed(job: Job, ticket_id: str | None, error: Exception) -> Settled:
    """A failure that is left to the queue. One that nobody foresaw is a bug and shows where it happened.

    A bug's own message may quote the ticket, and the log must not. Keys are logged as %r: whoever uploads
    chooses them, line breaks included.
    """
    key = job.upload.key
    if isinstance(error, TicketmillError):
        log.warning("failed %r, left to the queue: %s", key, error)
    else:
        frames = "".join(traceback.format_tb(error.__traceback__))
        log.error("failed %r by a fault of ours, %s:\n%s", key, type(error).__name__, frames)
    return Settled(job, Result.FAILED, ticket_id, type(error).__name__)


def _object_missing(upload: Upload) -> TicketRejected:
    message = f"expected an object at {upload.key}, found none: upload it again"
    return TicketRejected(RejectionCode.OBJECT_MISSING, message)


def _absent(job: Job) -> RawObject:
    """Stands for an object that is not there, as of when its event was received."""
    return RawObject(job.upload.bucket, job.upload.key, None, "", job.received_at, 0, None)


def _with_queue_latency(enrichment: Enrichment, job: Job) -> Enrichment:
    waited = job.received_at - job.messages[0].sent_at
    latency = enrichment.latency_ms.model_copy(update={"queue": round(waited.total_seconds() * 1000, 1)})
    return enrichment.model_copy(update={"latency_ms": latency})
