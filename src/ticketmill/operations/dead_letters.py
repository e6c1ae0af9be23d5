"""What ended in the dead-letter queue, why, and the ways out of it: back to the queue, or deleted.

SQS's own way back, StartMessageMoveTask, knows no reasons, and most emulators lack it. So a command receives
the visible messages, a batch at a time, and holds them all: looking at one batch must not bring back the one
before. In the end it releases what it did not move or delete.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime

from ticketmill.batching import grouped
from ticketmill.domain.delivery import Delivery, DeliveryFailure
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.intake import parse_ticket
from ticketmill.domain.keys import id_of_key
from ticketmill.domain.labels import Status
from ticketmill.domain.message import (
    SQS_MAX_BATCH,
    Announcement,
    BackfillRequest,
    Ignored,
    Message,
    Upload,
    Uploads,
)
from ticketmill.domain.row import TicketRow
from ticketmill.operations.dead_letter import DeadLetter, Finding
from ticketmill.operations.hold import Hold
from ticketmill.operations.lookup import Known, Lookup, keys_of
from ticketmill.pipeline.ports import ParseTicket, Queue, RawTickets, TicketRows

BATCH_MESSAGES = 1000
"""Whose bodies and rows are in memory at once."""
MAX_SENT_BYTES = 200_000
"""Of bodies in one request; SQS takes 262,144 with their envelopes."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Redriven:
    """Counts of messages: moved; not sent and still here; sent, but not confirmed as deleted here."""

    moved: int = 0
    unsent: int = 0
    undeleted: int = 0

    def __add__(self, other: Redriven) -> Redriven:
        return Redriven(
            self.moved + other.moved, self.unsent + other.unsent, self.undeleted + other.undeleted
        )


def _ignore(_count: int) -> None:
    """Progress that nobody watches."""


def _no_failure(_key: str) -> None:
    """Nobody notes failures of deliveries."""


@dataclass(frozen=True)
class DeadLetters:
    """The dead-letter queue. Its methods raise TransientFailure where a service fails."""

    queue: Queue
    send_many: Callable[[Sequence[str]], list[str | None]]
    """Sends bodies to the main queue; for each None, or why it was not sent."""
    rows: TicketRows
    raw_tickets: RawTickets
    decode: Callable[[str], Announcement | Delivery]
    """What a message says. ValueError where it says nothing that we know."""
    executor: Executor
    max_ticket_bytes: int
    parse: ParseTicket = parse_ticket
    batch_messages: int = BATCH_MESSAGES
    delivery_failure: Callable[[str], DeliveryFailure | None] = _no_failure
    """Why a delivery failed, by its idempotency key."""

    def hold(self) -> Hold:
        """What holds the messages that `batches` receives, for a `with` block."""
        return Hold(self.queue)

    def batches(
        self, hold: Hold, received: Callable[[int], None] = _ignore, sent_until: datetime | None = None
    ) -> Iterator[list[DeadLetter]]:
        """Every visible message, explained, in batches; in each the oldest first.

        Messages sent after `sent_until` are held and left out: who redrives must not meet again what fails
        again at once. `received` is called with the number of messages of each receive.
        """
        while messages := hold.receive(self.batch_messages, received):
            wanted = [each for each in messages if sent_until is None or each.sent_at <= sent_until]
            yield self.explain(sorted(wanted, key=lambda each: each.sent_at))

    def explain(self, messages: Iterable[Message]) -> list[DeadLetter]:
        """What is known of `messages`, in their order."""
        opened = [self._open(message) for message in messages]
        opened = list(self.executor.map(self._with_failure, opened))
        uploads = list(dict.fromkeys(upload for _, announced in opened for upload in announced))
        known = self._lookup.find(uploads)
        found = dict(zip(uploads, self.executor.map(self._find, known.items()), strict=True))
        return [
            replace(letter, findings=tuple(found[upload] for upload in dict.fromkeys(announced)))
            for letter, announced in opened
        ]

    def redrive(
        self, hold: Hold, letters: Iterable[DeadLetter], done: Callable[[int], None] = _ignore
    ) -> Redriven:
        """Sends `letters` to the main queue, bodies untouched, then deletes them here, ten at a time.

        Sent first: whoever stops in between leaves duplicates, never a gap. A message that cannot be sent is
        logged, stays, and does not stop the others. `done` is called with the number of each ten.
        """
        redriven = Redriven()
        messages = (letter.message for letter in letters)
        for batch in grouped(messages, lambda each: len(each.body.encode()), MAX_SENT_BYTES, SQS_MAX_BATCH):
            sent: list[Message] = []
            for message, problem in zip(batch, self.send_many([each.body for each in batch]), strict=True):
                if problem is None:
                    sent.append(message)
                else:
                    log.warning("message %s stays: %s", message.message_id, problem)
            deleted = len(hold.delete(sent)) if sent else 0
            redriven += Redriven(deleted, len(batch) - len(sent), len(sent) - deleted)
            done(len(batch))
        return redriven

    def _with_failure(
        self, opened: tuple[DeadLetter, Sequence[Upload]]
    ) -> tuple[DeadLetter, Sequence[Upload]]:
        letter, uploads = opened
        if letter.delivery is None:
            return opened
        return replace(letter, delivery_failure=self.delivery_failure(letter.delivery.key)), uploads

    def _open(self, message: Message) -> tuple[DeadLetter, Sequence[Upload]]:
        """What a message says, still without findings, and the uploads that it announces."""
        try:
            announcement = self.decode(message.body)
        except ValueError as error:
            return DeadLetter(message, problem=str(error)), ()
        match announcement:
            case Uploads(uploads, skipped):
                return DeadLetter(message, skipped=skipped), uploads
            case BackfillRequest():
                return DeadLetter(message, request=announcement), ()
            case Delivery():
                return DeadLetter(message, delivery=announcement), ()
            case Ignored():
                return DeadLetter(message), ()

    @property
    def _lookup(self) -> Lookup:
        return Lookup(self.rows, self.raw_tickets, self.executor, self.max_ticket_bytes, self.parse)

    def _find(self, looked_up: tuple[Upload, Known | TransientFailure]) -> Finding:
        upload, known = looked_up
        if isinstance(known, TransientFailure):  # an object that S3 refuses is what some are here for
            return Finding(upload, id_of_key(upload.key), None, settled=False, refusal=known)
        row = known.row
        return Finding(upload, known.ticket_id, row, row is not None and self._is_settled(row, upload))

    def _is_settled(self, row: TicketRow, upload: Upload) -> bool:
        """Whether the row was enriched from what the key holds now. An older version settles nothing, and
        neither does a bucket that does not answer."""
        enriched = row.status in (Status.ENRICHED, Status.PARTIAL) and row.raw.key in keys_of(upload)
        try:
            return enriched and self.raw_tickets.is_current(row.raw)
        except TransientFailure as failure:
            log.warning("whether %r is settled is not known: %s", upload.key, failure)
            return False
