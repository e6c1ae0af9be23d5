"""The writer's own words: found once for each ticket, used by everything that reads its text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ticketmill.domain.spans import AutomaticKind, Span, TextKind
from ticketmill.domain.ticket import Ticket
from ticketmill.text.markup import plain_text


@dataclass(frozen=True, slots=True)
class Reading:
    """What a ticket's text is made of."""

    text: str
    """Subject, line break, body, as long as `Ticket.text`: what is not the writer's is blanked. Line breaks
    stay, so that an offset into it is one into the ticket's text."""
    subject_end: int
    """Where the subject ends: 0 for none."""
    spans: tuple[Span, ...]
    """In order, without overlaps. What lies between them is blank."""
    automatic: AutomaticKind | None = None
    """The kind of machine that wrote it; None for a person."""
    says_something: bool = True
    """Whether there is anything to read."""

    @property
    def subject(self) -> str:
        """The writer's own words of the subject, blanked like `text`."""
        return self.text[: self.subject_end]

    @property
    def body(self) -> str:
        """The writer's own words of the body, blanked like `text`."""
        return self.text[self.body_start :]

    @property
    def body_start(self) -> int:
        """Where the body begins in `text`."""
        return self.subject_end + 1 if self.subject_end else 0

    @property
    def own_text(self) -> tuple[tuple[int, int], ...]:
        """Where the writer's own words stand."""
        return tuple((start, end) for start, end, kind in self.spans if kind is TextKind.OWN)

    def characters(self) -> dict[TextKind, int]:
        """How many characters were taken for what."""
        counts: dict[TextKind, int] = {}
        for start, end, kind in self.spans:
            counts[kind] = counts.get(kind, 0) + end - start
        return counts


def read_ticket(ticket: Ticket) -> Reading:
    """What the writer of `ticket` wrote now, and what the rest of its text is."""
    text = plain_text(ticket.text)
    return Reading(text, len(ticket.subject), tuple(_visible(text)))


def read_text(text: str) -> Reading:
    """The same for a text alone, without a subject."""
    return read_ticket(Ticket(ticket_id="text", body=text))


def _visible(text: str) -> Iterable[Span]:
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    return [Span(start, end, TextKind.OWN)] if end > start else []
