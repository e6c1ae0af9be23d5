"""What ended in the dead-letter queue, why, and the ways out of it: back to the queue, or gone for good.

SQS's own way back, StartMessageMoveTask, knows no reasons, and most emulators lack it. So a command receives
all that is visible and holds it, looks, and hands back in the end what it did not move or drop. Nothing is
sent before the last receive: what fails again at once is not met a second time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.keys import id_of_key
from ticketmill.domain.labels import Status
from ticketmill.domain.message import Message, Upload
from ticketmill.domain.row import Failure, Rejection, TicketRow
from ticketmill.operations.lookup import Known, Lookup, keys_of
from ticketmill.pipeline.ports import Queue, RawTickets, ReadEvent, TicketRows

# What a killed command hides from the next one; a message held longer may be met by another command too, and
# sent twice, which the pipeline finds to be a duplicate.
HOLD_S = 600
# A receive that waits asks all of SQS's servers; one that does not may overlook messages.
WAIT_S = 1
MAX_RECEIVED = 10

log = logging.getLogger(__name__)


class Reason(StrEnum):
    """Why a message is here, where no failure and no rejection on a row says it with a code of its own."""

    UNREADABLE_MESSAGE = "unreadable_message"
    """Announces nothing that we know."""
    SETTLED = "settled"
    """Enriched in the meantime from what the key holds now, or nothing was announced: safe to drop."""
    UNKNOWN = "unknown"
    """No row says anything of this upload."""


_NEXT_STEPS = {
    Reason.UNREADABLE_MESSAGE: "mend what sent it, then drop it",
    Reason.SETTLED: "drop it",
    Reason.UNKNOWN: "redrive it; a worker's log says why it fails",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One announced upload, and what is known of it; `row` is its ticket's, made from whichever upload."""

    upload: Upload
    ticket_id: str
    row: TicketRow | None
    settled: bool

    @property
    def reason(self) -> str:
        """A Reason, or the code on the row."""
        if self.settled:
            return Reason.SETTLED
        told = self.failure or self.rejection
        return told.code if told else Reason.UNKNOWN

    @property
    def failure(self) -> Failure | None:
        """The last failure of this very upload's key."""
        failure = self.row.failure if self.row else None
        return failure if failure and failure.key in keys_of(self.upload) else None

    @property
    def rejection(self) -> Rejection | None:
        """The rejection of this very upload's key."""
        rejection = self.row.rejection if self.row else None
        return rejection if rejection and rejection.key in keys_of(self.upload) else None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message of the dead-letter queue; `problem` says what is wrong with a body that is unreadable."""

    message: Message
    findings: tuple[Finding, ...] = ()
    problem: str | None = None

    @property
    def reason(self) -> str:
        """A Reason, or the code on the row: of the first upload that is not settled."""
        if self.problem is not None:
            return Reason.UNREADABLE_MESSAGE
        return self._telling.reason if self._telling else Reason.SETTLED

    @property
    def next_step(self) -> str:
        """What a person should do."""
        if self.reason in _NEXT_STEPS:
            return _NEXT_STEPS[Reason(self.reason)]
        if self._telling and self._telling.failure:
            return "mend the cause and redrive it; or upload the ticket again and drop this"
        return "mend the ticket, upload it again and drop this"

    def is_called(self, name: str) -> bool:
        """Whether `name` is the id of the message or of a ticket that it announces."""
        return name == self.message.message_id or name in {each.ticket_id for each in self.findings}

    @property
    def _telling(self) -> Finding | None:
        return next((each for each in self.findings if not each.settled), None)


@dataclass(frozen=True, slots=True)
class Redriven:
    """Counts of messages: moved; not sent and still here; sent, but not confirmed as deleted here."""

    moved: int = 0
    unsent: int = 0
    undeleted: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """The messages in hand, by message id, each with its latest receipt."""

    queue: Queue
    messages: dict[str, Message]

    def delete(self, message: Message) -> bool:
        """Whether the queue confirms `message` as deleted; if not, it is handed back with the rest."""
        held = self.messages[message.message_id]
        if held.message_id not in self.queue.acknowledge([held]):
            return False
        del self.messages[held.message_id]
        return True


def _ignore(_count: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class DeadLetters:
    """The dead-letter queue. Its methods raise TransientFailure where a service fails."""

    queue: Queue
    send: Callable[[str], None]
    """Sends a body to the main queue."""
    rows: TicketRows
    raw_tickets: RawTickets
    read_event: ReadEvent
    executor: Executor
    max_ticket_bytes: int

    @contextmanager
    def hold(self, received: Callable[[int], None] = _ignore) -> Iterator[Held]:
        """Receives every visible message and in the end, however it comes, hands back what is still held.

        `received` is told how many messages came with each receive.
        """
        held = Held(self.queue, {})
        try:
            while found := self.queue.receive(MAX_RECEIVED, WAIT_S, visibility_timeout_s=HOLD_S):
                new = {each.message_id for each in found} - held.messages.keys()
                held.messages.update({each.message_id: each for each in found})
                if not new:  # the first ones are visible again: we have been round
                    break
                received(len(new))
            yield held
        finally:
            self.queue.release(list(held.messages.values()), delay_s=0)

    def explain(self, messages: Iterable[Message]) -> list[DeadLetter]:
        """What is known of `messages`, in their order."""
        opened = [(message, *self._open(message)) for message in messages]
        uploads = list(dict.fromkeys(upload for _, announced, _ in opened for upload in announced))
        known = self._lookup.find(uploads)
        found = dict(zip(uploads, self.executor.map(self._find, known.items()), strict=True))
        return [
            DeadLetter(message, tuple(found[upload] for upload in announced), problem)
            for message, announced, problem in opened
        ]

    def redrive(
        self, held: Held, letters: Iterable[DeadLetter], done: Callable[[int], None] = _ignore
    ) -> Redriven:
        """Sends each of `letters` to the main queue, body untouched, then deletes it here.

        Sent first: whoever stops in between leaves a duplicate, never a gap. A message that cannot be sent is
        logged, stays, and does not stop the others. `done` is told of each message.
        """
        moved = unsent = undeleted = 0
        for letter in letters:
            try:
                self.send(letter.message.body)
            except TransientFailure as failure:
                log.warning("message %s stays: %s", letter.message.message_id, failure)
                unsent += 1
            else:
                deleted = held.delete(letter.message)
                moved, undeleted = moved + deleted, undeleted + (not deleted)
            done(1)
        return Redriven(moved, unsent, undeleted)

    def _open(self, message: Message) -> tuple[Sequence[Upload], str | None]:
        """What a message announces, or what is wrong with it."""
        try:
            return tuple(dict.fromkeys(self.read_event(message.body))), None
        except ValueError as error:
            return (), str(error)

    @property
    def _lookup(self) -> Lookup:
        return Lookup(self.rows, self.raw_tickets, self.executor, self.max_ticket_bytes)

    def _find(self, looked_up: tuple[Upload, Known | TransientFailure]) -> Finding:
        upload, known = looked_up
        if isinstance(known, TransientFailure):  # an object that is refused is what some are here for
            log.warning("the id in %r is not known: %s", upload.key, known)
            return Finding(upload, id_of_key(upload.key), None, False)
        row = known.row
        return Finding(upload, known.ticket_id, row, row is not None and self._is_settled(row, upload))

    def _is_settled(self, row: TicketRow, upload: Upload) -> bool:
        """Whether the row was enriched from what the key holds now: an older version settles nothing, and
        neither does what the bucket tells nothing of."""
        enriched = row.status in (Status.ENRICHED, Status.PARTIAL) and row.raw.key in keys_of(upload)
        try:
            return enriched and self.raw_tickets.is_current(row.raw)
        except TransientFailure as failure:
            log.warning("whether %r is settled is not known: %s", upload.key, failure)
            return False
