"""One dead letter: what is known of it, why it is there, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ticketmill.domain.delivery import Delivery, DeliveryFailure
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import BackfillRequest, Message, Upload
from ticketmill.domain.row import Failure, Rejection, TicketRow
from ticketmill.domain.ticket_id import known_as
from ticketmill.operations.lookup import keys_of


class Reason(StrEnum):
    """Why a message is here, where no failure, rejection or answer of S3 says it with a code of its own."""

    UNREADABLE_MESSAGE = "unreadable_message"
    """Says nothing that we know."""
    BACKFILL_REQUEST = "backfill_request"
    """Asks for a part of a backfill that failed each time."""
    SETTLED = "settled"
    """Enriched in the meantime from what the key holds now, or nothing was announced: safe to delete."""
    UNDELIVERED = "undelivered"
    """A delivery that nobody noted a failure of."""
    UNKNOWN = "unknown"
    """No row says anything of this upload."""


_NEXT_STEPS: Mapping[str, str] = {
    Reason.UNREADABLE_MESSAGE: "fix what sent it, then delete it",
    Reason.BACKFILL_REQUEST: "redrive it: the backfill goes on there; a worker's log says why it failed",
    Reason.SETTLED: "delete it",
    Reason.UNDELIVERED: "redrive it; the log of `ticketmill route` says why it fails",
    Reason.UNKNOWN: "redrive it; a worker's log says why it fails",
    # what S3 answers to whoever asks for the object
    "InvalidObjectState": "the object is archived (Glacier): restore it, then redrive this; "
    "or upload the ticket again and delete this",
    "InvalidRequest": "S3 cannot read the object as it is, as one under a customer's own key (SSE-C): "
    "upload the ticket again without that key and delete this",
    "AccessDenied": "allow workers to read the object (s3:GetObject, and kms:Decrypt where a key of yours "
    "encrypts it), then redrive this",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One announced upload, and what is known of it; `row` is its ticket's, made from whichever upload.

    `refusal` is why the object, which had to be asked for the ticket's id, or the row could not be read now.
    """

    upload: Upload
    ticket_id: str
    row: TicketRow | None
    settled: bool
    refusal: TransientFailure | None = None

    @property
    def reason(self) -> str:
        """A Reason, or the code of what is known."""
        if self.settled:
            return Reason.SETTLED
        known = self.failure or self.rejection or self.refusal
        return known.code if known else Reason.UNKNOWN

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
    """One message of the dead-letter queue.

    `problem` says what is wrong with a body that cannot be read, `skipped` the same for single records.
    """

    message: Message
    findings: tuple[Finding, ...] = ()
    problem: str | None = None
    request: BackfillRequest | None = None
    skipped: tuple[str, ...] = ()
    delivery: Delivery | None = None
    delivery_failure: DeliveryFailure | None = None

    @property
    def reason(self) -> str:
        """A Reason, or the code of the first upload that is not settled."""
        if self.problem is not None:
            return Reason.UNREADABLE_MESSAGE
        if self.request is not None:
            return Reason.BACKFILL_REQUEST
        if self.delivery is not None:
            return self.delivery_failure.code if self.delivery_failure else Reason.UNDELIVERED
        return self._unsettled.reason if self._unsettled else Reason.SETTLED

    @property
    def next_step(self) -> str:
        """What a person should do."""
        if self.reason in _NEXT_STEPS:
            return _NEXT_STEPS[self.reason]
        if self.delivery is not None:
            return "fix the cause and redrive it; or delete it"
        if self._unsettled and self._unsettled.rejection and not self._unsettled.failure:
            return "fix the ticket, upload it again and delete this"
        return "fix the cause and redrive it; or upload the ticket again and delete this"

    def is_called(self, name: str) -> bool:
        """Whether `name` is the id of the message, or of a ticket that it announces, also its helpdesk's."""
        tickets = {each.ticket_id for each in self.findings}
        if self.delivery is not None:
            tickets.add(self.delivery.event.ticket_id)
        return name == self.message.message_id or name in tickets or not tickets.isdisjoint(known_as(name))

    @property
    def _unsettled(self) -> Finding | None:
        return next((each for each in self.findings if not each.settled), None)
