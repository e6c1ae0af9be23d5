"""What other systems are told of a ticket. `ticketmill schema event` prints its JSON Schema."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, PositiveInt

from ticketmill.domain.change import ChangeType
from ticketmill.domain.labels import Source, Status, Urgency
from ticketmill.domain.records import Open, Record

EVENT_SCHEMA_VERSION = 1
"""Grows when a field changes its meaning or goes. New fields leave it as it is."""

EVENT_SOURCE = "ticketmill"
"""The source of the events on an EventBridge bus."""


class EventLabel(Record):
    """The effective label of one task, or several where the task gives several."""

    labels: tuple[str, ...]
    """The labels."""
    confidence: float | None = None
    """The probability of the label; null for several, and for a person's label."""
    source: Open[Source] | None = None
    """What chose it; null for several."""


class TicketEvent(Record):
    """A change of a ticket, as one rule sends it."""

    schema_version: int = EVENT_SCHEMA_VERSION
    """The version of the event's fields."""
    type: Open[ChangeType]
    """What happened."""
    idempotency_key: str
    """The same for every attempt to send this event: ticket, revision and rule."""
    rule: str
    """The rule that sends it."""
    ticket_id: str
    """The ticket."""
    revision: PositiveInt
    """The revision of the ticket's row. A higher one is newer."""
    status: Open[Status]
    """What became of the ticket."""
    changed_at: datetime
    """When the row's enrichment, rejection or failure, or the person's correction, was made."""
    subject: str = ""
    """The subject, at most 500 characters, masked."""
    summary: str | None = None
    """The summary, masked."""
    body: str | None = None
    """The body, masked; only where the rule includes it."""
    customer_id: str | None = None
    """The customer, masked."""
    channel: str | None = None
    """Where the ticket came in."""
    tags: tuple[str, ...] = ()
    """The helpdesk's tags, masked."""
    stated_priority: Open[Urgency] | None = None
    """The priority that the submitter set."""
    labels: dict[str, EventLabel] = Field(default_factory=dict)
    """The effective labels by task."""
    was: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """The labels before the change, of each task whose labels changed; empty for a new ticket."""
    priority_conflict: bool | None = None
    """Whether urgency and stated priority are at least two levels apart."""
    needs_review: bool | None = None
    """Whether a person should look."""
    review_reasons: tuple[str, ...] = ()
    """Why a person should look."""
    corrected: tuple[str, ...] = ()
    """The tasks whose label a person changed."""
