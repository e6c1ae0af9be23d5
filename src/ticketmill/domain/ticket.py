"""The raw ticket: what people drop into the bucket, and the rules it must meet."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema

from ticketmill.domain.labels import Urgency
from ticketmill.domain.ticket_id import ID_EXPECTED, is_usable_id
from ticketmill.domain.warning import TicketWarning


def _usable_id(value: str) -> str:
    if not is_usable_id(value):
        raise ValueError(ID_EXPECTED)
    return value


def _input(*types: str, **more: JsonValue) -> WithJsonSchema:
    """What a raw ticket may say in a field and be read without a warning."""
    return WithJsonSchema({"type": list(types), **more}, mode="validation")


_TEXT_INPUT = _input("string", "number", "null")  # a number is taken as its digits
Name = Annotated[str | None, _input("string", "number", "object", "null")]


class TicketMetadata(BaseModel):
    """What the helpdesk says about the ticket. Unknown fields are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    source: Name = None
    """The channel, as in `email` or `chat`."""
    language: Name = None
    """The language, as the sender states it. The detected one is `enrichment.language`."""
    tags: Annotated[
        tuple[str, ...],
        _input("array", "string", "null", items={"type": ["string", "number", "object", "null"]}),
    ] = ()
    """The helpdesk's own tags. Commas and semicolons part those in one text."""


class Ticket(BaseModel):
    """A valid raw ticket. Unknown fields are kept in `extra`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ticket_id: Annotated[str, AfterValidator(_usable_id), _input("string", "integer")]
    """Names the ticket: 1 to 128 characters of `A-Z a-z 0-9 . _ : @ + = -`, the first a letter or a digit.
    Another id is mapped to such a one."""
    subject: Annotated[str, _TEXT_INPUT] = ""
    """The subject line. `subject` or `body` must have text."""
    body: Annotated[str, _TEXT_INPUT] = ""
    """What the customer wrote."""
    priority: Annotated[Urgency | None, _input("string", "object", "null")] = None
    """The submitter's priority. Helpdesks' words (urgent, P1, 2 - High, Hoch) become our levels."""
    created_at: Annotated[datetime | None, _input("string", "number", "object", "null")] = None
    """When the ticket was opened: Unix time, ISO 8601 or RFC 2822. A time without a zone is UTC."""
    customer_id: Name = None
    """The customer, by the helpdesk's own id."""
    metadata: TicketMetadata = TicketMetadata()
    """What the helpdesk says about the ticket."""
    extra: dict[str, JsonValue] = Field(default_factory=dict)
    """Every other field of the raw ticket, unchanged, and the values of unknown form."""
    warnings: tuple[TicketWarning, ...] = ()
    """What was unusual about the raw ticket, see docs/intake.md."""

    @property
    def text(self) -> str:
        """Subject and body as one text, what the encoder reads."""
        return "\n".join(part for part in (self.subject, self.body) if part)


def has_text(text: str) -> bool:
    """Whether anything in `text` can be seen: control, format and space characters alone do not count."""
    return any(char.isprintable() and not char.isspace() for char in text)
