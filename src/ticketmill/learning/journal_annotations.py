"""From the label journal: what each person last said of a task, where it holds for the ticket of now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, islice

from ticketmill.domain.dataset import CurrentTicket, LeftOut, Origin
from ticketmill.domain.label import Correction, CorrectionKind, FoundBy
from ticketmill.domain.ticket import has_text
from ticketmill.learning.annotations import Annotated, Annotation, Gathered, links_of
from ticketmill.learning.ports import CurrentTickets, Journal

TICKETS_AT_ONCE = 100


def gather_journal(task: str, journal: Journal, tickets: CurrentTickets, into: Gathered) -> int:
    """Adds the tickets of which people said something of `task`; how many there were.

    Raises TransientFailure where the journal or the tickets cannot be read.
    """
    spoken = _spoken(task, journal)
    count = 0
    while chunk := dict(islice(spoken, TICKETS_AT_ONCE)):
        count += len(chunk)
        current = tickets.of(list(chunk))
        for ticket_id, corrections in chunk.items():
            found = _annotated(ticket_id, corrections, current.get(ticket_id))
            if isinstance(found, LeftOut):
                into.left_out[found] += 1
            else:
                into.add(found)
    return count


def last_words(corrections: Iterable[Correction]) -> list[Correction]:
    """The last word of each person on one task, from a ticket's corrections in the order of their numbers;
    none of what was taken back."""
    kept: list[Correction] = []
    for each in corrections:
        if each.kind == CorrectionKind.UNDO:
            kept = [other for other in kept if other.number != each.undoes]
        else:
            kept.append(each)
    return list({each.who: each for each in kept}.values())


def _spoken(task: str, journal: Journal) -> Iterator[tuple[str, list[Correction]]]:
    for ticket_id, corrections in groupby(journal.walk(), key=lambda each: each.ticket_id):
        words = last_words(each for each in corrections if each.task == task)
        if words:
            yield ticket_id, words


def _annotated(
    ticket_id: str, corrections: list[Correction], current: CurrentTicket | None
) -> Annotated | LeftOut:
    """A ticket with what holds of it, or why it is left out."""
    if current is None:
        return LeftOut.NO_TICKET
    holding = [each for each in corrections if each.content_hash == current.content_hash]
    if not holding:
        return LeftOut.STALE
    ticket = current.ticket
    if ticket is None or not has_text(ticket.text):
        return LeftOut.NO_TEXT
    return Annotated(
        example_id=ticket_id,
        subject=ticket.subject,
        body=ticket.body,
        origin=Origin.JOURNAL,
        content_hash=current.content_hash,
        annotations=[
            Annotation(
                who=each.who,
                labels=None if each.kind == CorrectionKind.CANNOT_TELL else each.labels,
                at=each.at,
                is_audit=each.found_by == FoundBy.AUDIT,
            )
            for each in holding
        ],
        source=ticket.metadata.source,
        links=links_of(ticket),
    )
