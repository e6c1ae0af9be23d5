"""A dead-letter queue over ports in memory, and what becomes of its messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from fakes import BUCKET, NOW, FakeRawTickets, FakeRows, announce, decode

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.labels import Status
from ticketmill.domain.message import SQS_MAX_BATCH, Extension, Message
from ticketmill.domain.row import Failure, RawVersion, TicketRow
from ticketmill.operations.dead_letter import DeadLetter
from ticketmill.operations.dead_letters import DeadLetters, Redriven
from ticketmill.pipeline.ports import Decode

UNREADABLE = Message("poison", "{}", "receipt-poison", 6, NOW)


@dataclass
class DeadLetterQueue:
    """Visible and in flight, as SQS has them; `gone` is what was deleted."""

    visible: list[Message] = field(default_factory=list)
    in_flight: dict[str, Message] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    held_for_s: set[int | None] = field(default_factory=set)
    extended: list[tuple[str, int]] = field(default_factory=list)
    expires_at_once: bool = False

    def receive(
        self, max_messages: int, wait_s: float, visibility_timeout_s: int | None = None
    ) -> list[Message]:
        assert wait_s > 0, "a short poll may overlook messages"
        self.held_for_s.add(visibility_timeout_s)
        taken, self.visible = self.visible[:max_messages], self.visible[max_messages:]
        if self.expires_at_once:
            self.visible += taken
        else:
            self.in_flight |= {each.message_id: each for each in taken}
        return taken

    def extend(self, messages: Sequence[Message], timeout_s: int) -> Extension:
        assert 1 <= len(messages) <= SQS_MAX_BATCH
        self.extended += [(each.message_id, timeout_s) for each in messages]
        return Extension(frozenset(each.message_id for each in messages), frozenset())

    def acknowledge(self, messages: Sequence[Message]) -> set[str]:
        for message in messages:
            self.in_flight.pop(message.message_id, None)
            self.visible = [each for each in self.visible if each.message_id != message.message_id]
        self.gone += [each.message_id for each in messages]
        return {each.message_id for each in messages}

    def release(self, messages: Sequence[Message], delay_s: int) -> set[str]:
        assert delay_s == 0
        ours = [self.in_flight.pop(each.message_id) for each in messages if each.message_id in self.in_flight]
        self.visible += ours
        return {each.message_id for each in ours}

    def is_empty(self) -> bool:
        return not self.visible and not self.in_flight


class DeadLetterWorld:
    """A dead-letter queue over fakes; `sent` is what came to the main queue."""

    def __init__(self) -> None:
        self.queue = DeadLetterQueue()
        self.sent: list[str] = []
        self.raw = FakeRawTickets()
        self.rows = FakeRows()
        self.send: Callable[[str], None] = self.sent.append
        self.decode: Decode = decode
        self.batch_messages = 1000
        self.executor = ThreadPoolExecutor(2)

    @property
    def dead_letters(self) -> DeadLetters:
        return DeadLetters(
            queue=self.queue,
            send_many=self.send_many,
            rows=self.rows,
            raw_tickets=self.raw,
            decode=self.decode,
            executor=self.executor,
            max_ticket_bytes=10_000,
            batch_messages=self.batch_messages,
        )

    def send_many(self, bodies: Sequence[str]) -> list[str | None]:
        reasons: list[str | None] = []
        for body in bodies:
            try:
                self.send(body)
                reasons.append(None)
            except TransientFailure as failure:
                reasons.append(str(failure))
        return reasons

    def fill(self, *messages: Message) -> None:
        self.queue.visible += messages

    def look(self) -> list[DeadLetter]:
        with self.dead_letters.hold() as hold:
            return [each for batch in self.dead_letters.batches(hold) for each in batch]

    def reasons(self) -> dict[str, str]:
        return {each.message.message_id: each.reason for each in self.look()}

    def redrive(self, reason: str | None = None) -> Redriven:
        redriven = Redriven()
        with self.dead_letters.hold() as hold:
            for letters in self.dead_letters.batches(hold, sent_until=NOW):
                wanted = [each for each in letters if reason in (None, each.reason)]
                redriven += self.dead_letters.redrive(hold, wanted)
        return redriven

    def write_row(self, ticket_id: str, key: str, status: Status = Status.FAILED, **more: object) -> None:
        found = self.raw.objects.get(key)
        raw = (
            RawVersion.of(found)
            if found
            else RawVersion(bucket=BUCKET, key=key, version_id=None, etag="", last_modified=NOW)
        )
        self.rows.rows[ticket_id] = TicketRow(
            ticket_id=ticket_id,
            status=status,
            raw=raw,
            content_hash="0f",
            processed_at=NOW,
            **more,  # type: ignore[arg-type]
        )

    def visible_ids(self) -> list[str]:
        return [each.message_id for each in self.queue.visible]


def failure(key: str, code: str = "EncoderFailed") -> Failure:
    return Failure(code=code, message="the encoder failed", attempts=5, key=key, failed_at=NOW)


def letters(count: int) -> list[Message]:
    return [announce(f"tickets/T{number}.json", message_id=f"m{number}") for number in range(count)]
