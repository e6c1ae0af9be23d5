"""What all write-backs share: what is to be written, and that a note is written once."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.event import TicketEvent
from ticketmill.domain.event_text import filled, filled_all
from ticketmill.domain.labels import Urgency
from ticketmill.domain.routing_rule import WriteBack

MARK = "ticketmill "
"""Begins the last line of a note, before the idempotency key. By it a note is found again."""


@dataclass(frozen=True, slots=True)
class Writing:
    """What is to be written to one ticket of a helpdesk."""

    number: str
    """The helpdesk's own name of the ticket."""
    tags: Sequence[str]
    priority: Urgency | None
    note: str | None
    key: str
    """The idempotency key."""
    since: datetime
    """When the ticket changed: the note is no older."""

    def __str__(self) -> str:
        """What it is, without the note's text."""
        parts = [
            f"tags {', '.join(self.tags)}" if self.tags else "",
            f"priority {self.priority}" if self.priority else "",
            "a note" if self.note else "",
        ]
        return " and ".join(filter(None, parts)) or "nothing"

    @property
    def mark(self) -> str:
        """The last line of the note."""
        return f"{MARK}{self.key}"

    @property
    def marked_note(self) -> str:
        """The note with its last line."""
        return f"{self.note}\n\n{self.mark}"


class Helpdesk(Protocol):
    """One helpdesk's API. `source` is what ticketmill calls it."""

    source: ClassVar[str]

    @property
    def prefix(self) -> str:
        """What begins the ids of its tickets."""
        ...

    def write(self, writing: Writing) -> None:
        """Writes all of it. Written twice it stands there once."""
        ...


@dataclass(frozen=True, slots=True)
class HelpdeskWriteBack:
    """Writes to the helpdesk that a ticket came from."""

    config: WriteBack
    helpdesk: Helpdesk
    note: str | None

    def send(self, event: TicketEvent) -> str:
        """See operations.delivery.Target. A ticket of another source is left alone."""
        writing = self.writing(event)
        source = self.helpdesk.source
        if writing is None:
            return f"not a ticket of {source}: nothing to write"
        if not self.config.apply:
            return f"dry run: would write {writing} to {source}; `apply: true` in the rule writes it"
        self.helpdesk.write(writing)
        return f"wrote {writing} to {source}"

    def writing(self, event: TicketEvent) -> Writing | None:
        """What an event has written; None for a ticket of another source."""
        prefix = self.helpdesk.prefix
        number = event.ticket_id.removeprefix(prefix)
        if not event.ticket_id.startswith(prefix) or not number:
            return None
        urgency = next(iter(event.labels["urgency"].labels), "") if "urgency" in event.labels else ""
        known = {each.value: each for each in Urgency}
        return Writing(
            number=number,
            tags=filled_all(self.config.tags, event),
            priority=known.get(urgency) if self.config.set_priority else None,
            note=filled(self.note, event) if self.note else None,
            key=event.idempotency_key,
            since=event.changed_at,
        )


def basic(user: str, password: str) -> Mapping[str, str]:
    """The header of HTTP's basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def objects_of(document: object, name: str | None = None) -> list[Mapping[str, object]]:
    """The objects of a list, at `name` in an object. TransientFailure where the answer has another form."""
    found = document.get(name) if name is not None and isinstance(document, Mapping) else document
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise TransientFailure("expected a list as the helpdesk's answer", "unexpected_answer")
    return found
