"""What the pipeline asks of the world, in its own verbs. The adapters in `aws` answer; so do short fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from ticketmill.domain.message import (
    Announcement,
    BackfillRequest,
    Extension,
    Message,
    RawObject,
    Upload,
)
from ticketmill.domain.row import Failure, FoundRows, RawVersion, TicketRow
from ticketmill.domain.serving import ServingDecision, ServingHistory
from ticketmill.domain.ticket import Ticket

Decode = Callable[[str], Announcement]
"""What a message body says. ValueError where it says nothing that we know."""

ParseTicket = Callable[[bytes, int], Ticket]
"""The ticket in a dropped document of at most so many bytes. TicketRejected where it holds none."""


class Commands(Protocol):
    """What messages ask for that announce no upload."""

    def backfill(self, request: BackfillRequest, message: Message) -> None:
        """Does the part of a backfill that `message` asks for, and asks for the next part."""
        ...


class RawTickets(Protocol):
    """The bucket that people drop tickets into."""

    def fetch(self, upload: Upload, max_bytes: int) -> RawObject | None:
        """The object as it stands now, None where there is none; over `max_bytes` without its body."""
        ...

    def is_current(self, version: RawVersion) -> bool:
        """Whether `version` is what its key holds now."""
        ...


class EnrichedTickets(Protocol):
    """The bucket of the full enrichments. Every attempt has a key of its own: nothing is overwritten."""

    def put(self, key: str, body: bytes) -> None: ...


class TicketRows(Protocol):
    """The table of the rows. It writes only what the pipeline owns of a row, and keeps all else."""

    def get_many(self, ticket_ids: Iterable[str]) -> FoundRows:
        """The rows that exist, read consistently."""
        ...

    def put(self, row: TicketRow, replaces: TicketRow | None) -> bool:
        """Writes `row` in the place of `replaces` (None: where no row was).

        False, and nothing written, where another writer came first: the row is not what `replaces` says.
        """
        ...

    def note_failure(self, ticket_id: str, failure: Failure, made_from: str | None = None) -> bool:
        """Sets the failure of an existing row, and nothing else. With `made_from` only of a row that was made
        from the object of that key. False where there is no such row."""
        ...


class ServingDecisions(Protocol):
    """Which bundle serves, as every worker of a place sees it."""

    def history(self) -> ServingHistory:
        """All decisions so far, read consistently."""
        ...

    def add(self, decision: ServingDecision) -> bool:
        """Adds the decision that follows the current one. False, and nothing written, where another did."""
        ...


class Queue(Protocol):
    """The queue of the upload events."""

    def receive(
        self, max_messages: int, wait_s: float, visibility_timeout_s: int | None = None
    ) -> list[Message]:
        """Up to `max_messages`, at most SQS_MAX_BATCH; waits up to `wait_s` for the first. Others do not see
        them for `visibility_timeout_s`; None leaves that to the queue."""
        ...

    def extend(self, messages: Sequence[Message], timeout_s: int) -> Extension:
        """Keeps up to SQS_MAX_BATCH `messages` from others for `timeout_s` from now."""
        ...

    def acknowledge(self, messages: Sequence[Message]) -> set[str]:
        """Deletes `messages`; the message ids that the queue confirms as deleted."""
        ...

    def release(self, messages: Sequence[Message], delay_s: int) -> set[str]:
        """Makes `messages` visible again after `delay_s`; the message ids that the queue confirms.

        Never raises for the queue: what it does not confirm is visible again after its visibility timeout.
        """
        ...

    def is_empty(self) -> bool:
        """Whether nothing waits, is in flight or is delayed."""
        ...
