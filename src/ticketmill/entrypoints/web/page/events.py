"""What happened to a ticket, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from ticketmill.domain.label import Correction, CorrectionKind
from ticketmill.entrypoints.web.page.labels import words
from ticketmill.queries.history import HistoryEvent, HistoryKind


@dataclass(frozen=True, slots=True)
class Told:
    """One event: when, what, and for a correction who and their note."""

    at: datetime
    what: str
    who: str | None = None
    note: str | None = None


def told(events: Iterable[HistoryEvent], mask: Callable[[str], str]) -> list[Told]:
    """The events in words. `mask` hides in notes what people may not see."""
    return [_told(event, mask) for event in events]


def _told(event: HistoryEvent, mask: Callable[[str], str]) -> Told:
    if event.correction:
        correction = event.correction
        return Told(event.at, said(correction), correction.who, correction.note and mask(correction.note))
    what = f"{event.kind}: {event.key}"
    if event.kind in (HistoryKind.REJECTED, HistoryKind.FAILED):
        what = f"{event.kind}: {event.code}: {event.message}"
    return Told(event.at, f"{what} (the current one)" if event.is_current else what)


def said(correction: Correction) -> str:
    """What a person said, as in `number 3: urgency is high, not low`."""
    labels = ", ".join(map(words, correction.labels)) or "none"
    shown = ", ".join(map(words, correction.shown.labels)) if correction.shown else ""
    match correction.kind:
        case CorrectionKind.LABEL:
            what = f"{correction.task} is {labels}"
            what += f", not {shown}" if shown and shown != labels else ""
        case CorrectionKind.CONFIRM:
            what = f"{correction.task} is {labels}: confirmed"
        case CorrectionKind.CANNOT_TELL:
            what = f"{correction.task} cannot be told"
        case CorrectionKind.UNDO:
            what = f"{correction.task}: number {correction.undoes} counts no more"
        case _:
            what = f"{correction.task}: {correction.kind} {labels}"
    return f"number {correction.number}: {what}"
