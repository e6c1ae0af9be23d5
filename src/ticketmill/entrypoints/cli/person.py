"""Who corrects, and how what they said is told."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ticketmill.domain.errors import SetupError

if TYPE_CHECKING:
    from ticketmill.domain.effective_row import EffectiveRow
    from ticketmill.domain.label import Correction, PersonLabel, Shown
    from ticketmill.settings import Settings


def name_of_person(settings: Settings, given: str | None) -> str:
    """The name that corrections are recorded under: `--who`, TICKETMILL_PERSON, or the login name."""
    try:
        return given or settings.person or getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        raise SetupError("nobody is logged in by name here: set TICKETMILL_PERSON, or give --who") from None


def told_labels(labels: tuple[str, ...]) -> str:
    """As in `high`, `invoices, refunds` and `none`."""
    return ", ".join(labels) or "none"


def told_shown(shown: Shown) -> str:
    """As in `low (0.71)`."""
    from ticketmill.tasks.task import with_confidence

    return with_confidence(told_labels(shown.labels), shown.confidence)


def told_word(spoken: PersonLabel | Correction) -> str:
    """As in `high`, `high, confirmed` and `cannot tell`."""
    from ticketmill.domain.label import CorrectionKind

    match spoken.kind:
        case CorrectionKind.LABEL:
            return told_labels(spoken.labels)
        case CorrectionKind.CONFIRM:
            return f"{told_labels(spoken.labels)}, confirmed"
        case CorrectionKind.CANNOT_TELL:
            return "cannot tell"
        case CorrectionKind.UNDO:
            return f"undoes {getattr(spoken, 'undoes', None)}"
        case _:
            return str(spoken.kind)


def person_lines(row: EffectiveRow) -> Iterator[tuple[str, object]]:
    """What people said of a ticket, one task a line: the word, who, when, and what the models say."""
    for task, spoken in sorted(row.person.items()):
        said = f"{told_word(spoken)} ({spoken.who}, {spoken.at:%Y-%m-%d %H:%M} UTC)"
        if task in row.stale_labels:
            yield f"{task} by person", f"{said}; of earlier content, it does not hold any more"
        else:
            yield f"{task} by person", f"{said}; the models say {told_shown(row.predicted[task])}"
