"""From messages to outcomes: the heart. Worker, Lambda and bulk commands all call `process_batch`."""

from __future__ import annotations

import logging
import secrets
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from threading import Lock

from ticketmill.bisection import as_failure, bisect
from ticketmill.domain.document_text import too_large
from ticketmill.domain.enrichment import EnrichedTicket, Enrichment
from ticketmill.domain.errors import RejectionCode, TicketRejected, TransientFailure
from ticketmill.domain.intake import parse_ticket
from ticketmill.domain.keys import enriched_key, id_of_key
from ticketmill.domain.message import BackfillRequest, Ignored, Message, RawObject, Upload, Uploads
from ticketmill.domain.row import Failure, FoundRows, Rejection, TicketRow, enriched_row
from ticketmill.domain.serving import NO_SERIAL, Provenance
from ticketmill.domain.ticket import Ticket
from ticketmill.pipeline.enricher import Enricher
from ticketmill.pipeline.learned import NOTHING_LEARNED, Learned
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.pipeline.ports import (
    Commands,
    Decode,
    EnrichedTickets,
    ParseTicket,
    RawTickets,
    TicketRows,
)
from ticketmill.pipeline.recorder import Recorder
from ticketmill.tasks.table import row_attributes

log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


def _no_serial() -> int:
    return NO_SERIAL


def _nothing_learned() -> Learned:
    return NOTHING_LEARNED


def _random_token() -> str:
    return secrets.token_hex(4)


@dataclass(frozen=True, slots=True)
class Job:
    """One object to look at, and every message of the batch that announced it.

    `stage_ms` is written as the job goes on: one thread at a time has it.
    """

    upload: Upload
    messages: tuple[Message, ...]
    received_at: datetime
    stage_ms: dict[str, float] = field(default_factory=dict, compare=False)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Notes how long `stage` took, however it ends."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.stage_ms[stage] = round((time.perf_counter() - started) * 1000, 3)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A valid ticket, the object that it was read from, and its row when it was looked up."""

    job: Job
    raw: RawObject
    ticket: Ticket
    current: TicketRow | None = None


@dataclass(frozen=True, slots=True)
class Large:
    """An object that is read again when no other large one is in memory: several would take much of it."""

    job: Job


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of a job; `reason` is a code."""

    job: Job
    result: Result
    ticket_id: str | None
    reason: str | None = None
    tokens: int | None = None
    dependency: str | None = None

    def outcomes(self) -> list[Outcome]:
        """One for each message of the job; what the work took is told of the first."""
        first, *others = self.job.messages
        return [
            replace(self._outcome(first), stage_ms=self.job.stage_ms, tokens=self.tokens),
            *map(self._outcome, others),
        ]

    def _outcome(self, message: Message) -> Outcome:
        return Outcome(message, self.result, self.ticket_id, self.reason, dependency=self.dependency)


@dataclass(frozen=True)
class Pipeline:
    """The way of a ticket. Everything it needs is given; it keeps nothing of a ticket."""

    raw_tickets: RawTickets
    enriched_tickets: EnrichedTickets
    rows: TicketRows
    decode: Decode
    enricher: Enricher
    executor: Executor
    max_ticket_bytes: int
    parse: ParseTicket = parse_ticket
    """What makes a ticket of a dropped document."""
    commands: Commands | None = None
    """What a message may ask for that announces no upload; None: nothing."""
    large_bytes: int = 64 << 10
    """Larger objects go through one at a time, whatever the number of batches under way."""
    serving_serial: Callable[[], int] = _no_serial
    """The serial of the latest serving decision that chose the bundle of `enricher`."""
    learned: Callable[[], Learned] = _nothing_learned
    """The rollout that the worker follows now. A batch asks once, before it looks at any row."""
    attempt_token: Callable[[], str] = _random_token
    """What tells apart the objects of two attempts at one upload."""
    clock: Callable[[], datetime] = _now
    one_large_at_a_time: Lock = field(default_factory=Lock)

    def process_batch(self, messages: Sequence[Message]) -> list[Outcome]:
        """Enriches what `messages` announce: object, then row. `acknowledgeable()` tells what may go.

        Never raises for a ticket: one that can never succeed is recorded as rejected, one that failed for
        another reason is an outcome too, and neither touches its neighbours.
        """
        jobs, requests, outcomes = self._open(messages)
        fetched = list(self.executor.map(lambda job: self._fetch(job, self.large_bytes), jobs))
        processed = self._finish([each for each in fetched if not isinstance(each, Large)])
        for large in fetched:
            if isinstance(large, Large):
                with self.one_large_at_a_time:
                    processed += self._finish([self._fetch(large.job, self.max_ticket_bytes)])
        # last of all: no ticket waits for a backfill
        outcomes += [self._backfill(*each) for each in requests]
        for each in processed:
            outcomes += each.outcomes()
        return outcomes

    def _finish(self, fetched: Sequence[Candidate | Large | Processed]) -> list[Processed]:
        """From the fetched tickets to their rows."""
        candidates = [each for each in fetched if isinstance(each, Candidate)]
        try:
            learned = self.learned()
        except TransientFailure as error:
            failed = [self._failed(each.job, each.ticket.ticket_id, each.raw, error) for each in candidates]
            return [*failed, *(each for each in fetched if isinstance(each, Processed))]
        looked_up = self._look_up(candidates, learned)
        fresh = [each for each in looked_up if isinstance(each, Candidate)]
        enrich = partial(self.enricher.enrich, learned=learned)
        enrichments = bisect([each.ticket for each in fresh], enrich)
        stored = self.executor.map(self._store, fresh, enrichments)
        return [each for each in (*fetched, *looked_up, *stored) if isinstance(each, Processed)]

    def _open(
        self, messages: Iterable[Message]
    ) -> tuple[list[Job], list[tuple[BackfillRequest, Message]], list[Outcome]]:
        """One job an object, however many messages announce it: the object is read as it stands now.

        Beside the jobs: the backfills that messages ask for, and the outcomes of messages that need no job.
        """
        announced: dict[Upload, list[Message]] = {}
        requests: list[tuple[BackfillRequest, Message]] = []
        outcomes: list[Outcome] = []
        for message in messages:
            try:
                announcement = self.decode(message.body)
            except ValueError as error:
                log.warning("message %s announces no ticket: %s", message.message_id, error)
                outcomes.append(Outcome(message, Result.FAILED, reason="unreadable_message"))
                continue
            match announcement:
                case Uploads(uploads, skipped):
                    for upload in dict.fromkeys(uploads):
                        announced.setdefault(upload, []).append(message)
                    if skipped:
                        log.warning(
                            "message %s: %d records skipped: %s", message.message_id, len(skipped), skipped[0]
                        )
                    if not uploads:
                        outcomes.append(Outcome(message, Result.IGNORED, reason="foreign_record"))
                case BackfillRequest():
                    requests.append((announcement, message))
                case Ignored(reason):
                    outcomes.append(Outcome(message, Result.IGNORED, reason=reason))
        now = self.clock()
        jobs = [Job(upload, tuple(by), now) for upload, by in announced.items()]
        return jobs, requests, outcomes

    def _backfill(self, request: BackfillRequest, message: Message) -> Outcome:
        """The outcome of a message that asks for a backfill, once its part is done."""
        if self.commands is None:
            return Outcome(message, Result.IGNORED)
        try:
            self.commands.backfill(request, message)
        except Exception as error:  # noqa: BLE001 - a bug in a backfill must not end the worker
            failure = _explain(f"message {message.message_id}", [message], error, self.clock())
            return Outcome(message, Result.FAILED, reason=failure.code)
        return Outcome(message, Result.IGNORED, reason="backfill")

    def _fetch(self, job: Job, max_bytes: int) -> Candidate | Large | Processed:
        try:
            with job.timed("fetch"):
                raw = self.raw_tickets.fetch(job.upload, min(max_bytes, self.max_ticket_bytes))
            if raw is None:
                return self._reject(job, _absent(job), _object_missing(job.upload))
            try:
                return Candidate(job, raw, self._parse(raw, min(max_bytes, self.max_ticket_bytes)))
            except TicketRejected as rejection:
                if self._may_be_large(rejection, raw, max_bytes):
                    return Large(job)
                return self._reject(job, raw, rejection)
        except BaseException as error:  # noqa: BLE001 - one upload's bug is that upload's outcome
            return self._failed(job, None, None, as_failure(error))

    def _parse(self, raw: RawObject, max_bytes: int) -> Ticket:
        if raw.body is None:
            raise too_large(raw.size_bytes, self.max_ticket_bytes)
        return self.parse(raw.body, max_bytes)

    def _may_be_large(self, rejection: TicketRejected, raw: RawObject, max_bytes: int) -> bool:
        """Whether an object that is too large for now, packed or unpacked, is within the limit of tickets."""
        is_too_large = rejection.code is RejectionCode.TOO_LARGE
        return is_too_large and max_bytes < self.max_ticket_bytes and raw.size_bytes <= self.max_ticket_bytes

    def _reject(self, job: Job, raw: RawObject, error: TicketRejected) -> Processed:
        ticket_id = error.ticket_id or id_of_key(raw.key)
        rejection = Rejection.of(error, raw, self.clock())
        result = self._recorder.reject(ticket_id, rejection, raw)
        log.info("rejected %r of ticket %r: %s", raw.key, ticket_id, error.code)
        return Processed(job, result, ticket_id, error.code)

    def _look_up(self, candidates: Sequence[Candidate], learned: Learned) -> list[Candidate | Processed]:
        """Sorts out what the table already knows: only what is still a Candidate needs the model."""
        try:
            rows = self.rows.get_many({each.ticket.ticket_id for each in candidates})
            serial = self.serving_serial()
        except TransientFailure as error:
            return [self._failed(each.job, each.ticket.ticket_id, each.raw, error) for each in candidates]
        rollout, bundle = learned.rollout, self.enricher.fingerprint
        return [
            self._resolve(
                each,
                rows,
                Provenance(serial, rollout.serial, rollout.fingerprint_for(bundle, each.ticket.ticket_id)),
            )
            for each in candidates
        ]

    def _resolve(
        self, candidate: Candidate, rows: FoundRows, provenance: Provenance
    ) -> Candidate | Processed:
        job, raw, ticket_id = candidate.job, candidate.raw, candidate.ticket.ticket_id
        try:
            current = rows.row_of(ticket_id)
            result = self._recorder.resolve(current, raw, provenance, force=job.upload.force)
        except TransientFailure as error:
            return self._failed(job, ticket_id, raw, error, rows.get(ticket_id))
        if result is None:
            return replace(candidate, current=current)
        return Processed(job, result, ticket_id)

    def _store(self, candidate: Candidate, enrichment: Enrichment | Exception) -> Processed:
        """The object before the row: a crash in between leaves work to repeat, never a row to nowhere."""
        job, ticket, raw, current = candidate.job, candidate.ticket, candidate.raw, candidate.current
        try:
            if isinstance(enrichment, Exception):
                raise enrichment
            enrichment = self._signed(enrichment, job)
            job.stage_ms.update(enrichment.latency_ms.model_dump())
            attempt = self.attempt_token()
            key = enriched_key(ticket.ticket_id, raw.content_hash, enrichment.fingerprint, attempt)
            enriched = EnrichedTicket(**dict(ticket), enrichment=enrichment, received_at=raw.last_modified)
            with job.timed("store"):
                self.enriched_tickets.put(key, enriched.model_dump_json().encode())
                row = enriched_row(ticket, enrichment, raw, key, row_attributes(enrichment))
                result = self._recorder.record(row, current, raw, force=job.upload.force)
            return Processed(job, result, ticket.ticket_id, tokens=enrichment.tokens)
        except BaseException as error:  # noqa: BLE001 - one ticket's bug is that ticket's outcome
            return self._failed(job, ticket.ticket_id, raw, as_failure(error), current)

    def _signed(self, enrichment: Enrichment, job: Job) -> Enrichment:
        """The enrichment with what the pipeline alone knows: the wait in the queue, and the serial."""
        waited = job.received_at - job.messages[0].sent_at
        latency = enrichment.latency_ms.model_copy(update={"queue": round(waited.total_seconds() * 1000, 1)})
        return enrichment.model_copy(update={"latency_ms": latency, "serving_serial": self.serving_serial()})

    def _failed(
        self,
        job: Job,
        ticket_id: str | None,
        raw: RawObject | None,
        error: Exception,
        current: TicketRow | None = None,
    ) -> Processed:
        """Leaves the job to the queue, and the reason on its row where that can be had cheaply."""
        failure = _explain(job.upload.key, job.messages, error, self.clock())
        dependency = error.dependency if isinstance(error, TransientFailure) else None
        # noting a failure of DynamoDB in DynamoDB would only add to its load
        if dependency != "dynamodb":
            try:
                self._recorder.note_failure(ticket_id, failure, raw or _absent(job), current)
            except TransientFailure as unnoted:
                log.warning("the failure of %r is not on its row: %s", failure.key, unnoted)
        return Processed(job, Result.FAILED, ticket_id, failure.code, dependency=dependency)

    @cached_property
    def _recorder(self) -> Recorder:
        return Recorder(self.rows, self.raw_tickets)


def _explain(key: str, messages: Sequence[Message], error: Exception, now: datetime) -> Failure:
    """A failure that is left to the queue. One that nobody foresaw is a bug, and shows where it happened.

    A bug's own message may quote the ticket, and neither log nor row must. Keys are logged as %r: whoever
    uploads chooses them, line breaks included.
    """
    attempts = max(message.receive_count for message in messages)
    if isinstance(error, TransientFailure):
        log.warning("failed %r, left to the queue: %s", key, error)
        return Failure(code=error.code, message=str(error), attempts=attempts, key=key, failed_at=now)
    name = type(error).__name__
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("failed %r by a bug, %s:\n%s", key, name, frames)
    message = f"a bug, {name}; the worker's log shows where"
    return Failure(code="fault", message=message, attempts=attempts, key=key, failed_at=now)


def _object_missing(upload: Upload) -> TicketRejected:
    message = f"expected an object at {upload.key}, found none: upload it again"
    return TicketRejected(RejectionCode.OBJECT_MISSING, message)


def _absent(job: Job) -> RawObject:
    """Stands for an object that is not there, as of when its event was received."""
    return RawObject(job.upload.bucket, job.upload.key, None, "", job.received_at, 0, None)
