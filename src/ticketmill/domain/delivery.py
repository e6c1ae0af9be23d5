"""One event on its way to one target: a message of the routing queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from ticketmill.domain.event import TicketEvent
from ticketmill.domain.records import Record


class Delivery(Record):
    """A message of the routing queue. It never holds the ticket's body."""

    event: TicketEvent
    """What is sent."""
    enriched_key: str | None = None
    """Where the body can be read, for a rule that includes it."""

    @property
    def rule(self) -> str:
        return self.event.rule

    @property
    def key(self) -> str:
        """The idempotency key."""
        return self.event.idempotency_key


@dataclass(frozen=True, slots=True)
class DeliveryFailure:
    """Why the last attempt at a delivery failed."""

    code: str
    message: str
    attempts: int
    failed_at: datetime


def decode_delivery(body: str) -> Delivery:
    """The delivery in a message. ValueError where it holds none."""
    try:
        return Delivery.model_validate_json(body)
    except ValidationError as error:
        fields = sorted({".".join(map(str, each["loc"])) or "the message" for each in error.errors()})
        raise ValueError(f"expected a delivery; wrong: {', '.join(fields)}") from None
