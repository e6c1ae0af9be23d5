"""What a form says of a ticket, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ticketmill.domain.effective_row import EffectiveRow, shown_of
from ticketmill.domain.errors import CorrectionCode, CorrectionRefused
from ticketmill.domain.label import CorrectionKind
from ticketmill.operations.corrections import CorrectableTask, Corrections, Speaker, Word

if TYPE_CHECKING:
    from starlette.datastructures import FormData

CONFIRM, CANNOT_TELL, UNDO = "confirm", "cannot_tell", "undo"


@dataclass(frozen=True, slots=True)
class Speech:
    """What a person says of a ticket's tasks, and the revision that they saw."""

    ticket_id: str
    revision: int | None
    words: Mapping[str, Word]
    is_confirmation: bool = False
    """Whether it confirms every prediction that nobody has spoken of."""

    @classmethod
    def of(cls, ticket_id: str, form: FormData, tasks: Mapping[str, CorrectableTask]) -> Speech:
        """What a form says: `<task>=<label>`, `cannot_tell=<task>`, `undo=<task>` or `confirm=all`."""
        given = [(name, str(value)) for name, value in form.multi_items()]
        said: dict[str, Word] = {
            name: Word(CorrectionKind.LABEL, (value,)) for name, value in given if name in tasks
        }
        said |= {value: Word(CorrectionKind.CANNOT_TELL) for name, value in given if name == CANNOT_TELL}
        said |= {value: Word(CorrectionKind.UNDO) for name, value in given if name == UNDO}
        revision = str(form.get("revision", ""))
        known = int(revision) if revision.isascii() and revision.isdigit() else None
        return cls(ticket_id, known, said, is_confirmation=CONFIRM in form)

    @property
    def is_undo(self) -> bool:
        return any(word.kind is CorrectionKind.UNDO for word in self.words.values())

    def told(self) -> str:
        """In words, as in `urgency is high`."""
        if self.is_confirmation:
            return "everything is right"
        told = {
            CorrectionKind.LABEL: "{task} is {labels}",
            CorrectionKind.CANNOT_TELL: "{task} cannot be told",
            CorrectionKind.UNDO: "{task}: taken back",
        }
        return ", ".join(
            told[word.kind].format(task=task, labels=", ".join(word.labels).replace("_", " "))
            for task, word in self.words.items()
        )


def speak(corrections: Corrections, shown: EffectiveRow, speech: Speech, speaker: Speaker) -> EffectiveRow:
    """Records what a person says. CorrectionRefused where the row has changed since it was shown."""
    revision = shown.revision if speech.revision is None else speech.revision
    if speech.is_confirmation:
        return corrections.confirm(speech.ticket_id, speaker, revision=revision)
    if shown.revision != revision:  # before topics are toggled on a row that the person did not see
        raise CorrectionRefused(
            CorrectionCode.STALE_REVISION, f"{speech.ticket_id} has changed since it was shown"
        )
    words = {
        task: _toggled(corrections.tasks[task], shown, word) if task in corrections.tasks else word
        for task, word in speech.words.items()
    }
    return corrections.correct(speech.ticket_id, words, speaker, revision=revision)


def _toggled(task: CorrectableTask, shown: EffectiveRow, word: Word) -> Word:
    """Of a task with several labels the one that is said is added, or taken away where it is there."""
    if not task.is_many or word.kind is not CorrectionKind.LABEL:
        return word
    kept: Sequence[str] = [label for label in shown_of(shown, task.name).labels if label in task.labels]
    (label,) = word.labels
    labels = [each for each in kept if each != label] if label in kept else [*kept, label]
    return Word(CorrectionKind.LABEL, tuple(labels))
