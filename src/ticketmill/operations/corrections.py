"""What people say of predictions: appended to the journal, and at once the effective label of the row."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import groupby, islice

from ticketmill.domain.effective_row import EffectiveRow, effective, shown_of
from ticketmill.domain.errors import CorrectionCode, CorrectionRefused, TransientFailure
from ticketmill.domain.label import Correction, CorrectionKind, FoundBy, PersonLabel, replay
from ticketmill.domain.row import TicketRow
from ticketmill.operations.ports import CurrentRows, LabelJournal

MAX_WRITE_ATTEMPTS = 8
MAX_ROWS_AT_ONCE = 100  # what one BatchGetItem takes
MAX_NOTE_CHARS = 1000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Word:
    """What a person says of one task: `labels` for a label, none for the other kinds."""

    kind: CorrectionKind
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who corrects, how the ticket came before them, and their remark."""

    who: str
    found_by: FoundBy = FoundBy.FOUND
    note: str | None = None


@dataclass(frozen=True, slots=True)
class CorrectableTask:
    """A task that a person may correct, with all its labels; `is_many` where several may be right."""

    name: str
    labels: Sequence[str]
    is_many: bool = False


Said = Mapping[str, PersonLabel]
"""What people say of each task, by the journal."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Corrections:
    """The journal and the rows, kept in step by one transaction a change."""

    rows: CurrentRows
    journal: LabelJournal
    tasks: Mapping[str, CorrectableTask]
    now: Callable[[], datetime] = field(default=_now, repr=False)

    def correct(
        self,
        ticket_id: str,
        words: Mapping[str, Word],
        speaker: Speaker,
        *,
        revision: int | None = None,
        content_hash: str | None = None,
    ) -> EffectiveRow:
        """Records what a person says of some tasks; the row as it is then.

        With `revision` or `content_hash` only where the row still has these: the person saw no other. An
        `undo` takes back the task's last word. Raises CorrectionRefused, and TransientFailure where the
        row keeps changing under the write.
        """
        return self._say(ticket_id, lambda _row, _said: words, speaker, revision, content_hash)

    def confirm(
        self,
        ticket_id: str,
        speaker: Speaker,
        but: Mapping[str, Word] | None = None,
        *,
        revision: int | None = None,
    ) -> EffectiveRow:
        """Records `but`, and confirms every other prediction that no person has spoken of yet."""

        def words_of(row: TicketRow, _said: Said) -> Mapping[str, Word]:
            shown = effective(row)
            unspoken = [
                name for name in self.tasks if name not in shown.predicted and shown_of(row, name).labels
            ]
            return {**{name: Word(CorrectionKind.CONFIRM) for name in unspoken}, **(but or {})}

        return self._say(ticket_id, words_of, speaker, revision)

    def undo(
        self, ticket_id: str, speaker: Speaker, tasks: Sequence[str] = (), *, revision: int | None = None
    ) -> EffectiveRow:
        """Takes back the last word on `tasks`; without any, on all that were spoken of last, and together."""

        def words_of(_row: TicketRow, said: Said) -> Mapping[str, Word]:
            if not said:
                raise CorrectionRefused(
                    CorrectionCode.NOTHING_TO_UNDO, f"nobody has said anything of {ticket_id} that stands"
                )
            latest = max(each.at for each in said.values())
            last_together = [task for task, each in said.items() if each.at == latest]
            return {task: Word(CorrectionKind.UNDO) for task in tasks or last_together}

        return self._say(ticket_id, words_of, speaker, revision)

    def _say(
        self,
        ticket_id: str,
        words_of: Callable[[TicketRow, Said], Mapping[str, Word]],
        speaker: Speaker,
        revision: int | None,
        content_hash: str | None = None,
    ) -> EffectiveRow:
        """Records the words that `words_of` finds for the row and what people said before, if there are any.

        Where another writer comes first, it looks again and finds the words anew.
        """
        for _ in range(MAX_WRITE_ATTEMPTS):
            row = self._row(ticket_id, revision, content_hash)
            earlier = self.journal.of_ticket(ticket_id)
            said, at, last = replay(earlier), self.now(), len(earlier) and earlier[-1].number
            words = words_of(row, said)
            if not words:
                return effective(row)
            for task, word in words.items():
                if word.kind is not CorrectionKind.UNDO or task not in said:  # of a removed task, too
                    self._check(task, word)
            new = [
                self._correction(row, task, word, speaker, said.get(task), at, number)
                for number, (task, word) in enumerate(words.items(), last + 1)
            ]
            person = replay([*earlier, *new])
            next_row = row.model_copy(update={"person": person, "revision": row.revision + 1})
            if self.journal.append(new, next_row, row):
                return effective(next_row)
        raise TransientFailure(f"the row of {ticket_id} changed {MAX_WRITE_ATTEMPTS} times under this write")

    def _check(self, task: str, word: Word) -> None:
        if task not in self.tasks:
            raise CorrectionRefused(
                CorrectionCode.UNKNOWN_TASK,
                f'there is no task "{task}" to correct; there are: {", ".join(self.tasks)}',
            )
        known = self.tasks[task]
        if word.kind is CorrectionKind.LABEL and len(set(word.labels)) != 1 and not known.is_many:
            raise CorrectionRefused(CorrectionCode.UNKNOWN_LABEL, f"{task} takes one label")
        if word.labels and not known.labels:
            raise CorrectionRefused(
                CorrectionCode.UNKNOWN_LABEL,
                f"{task} has the labels of the bundle, and none is here: run `ticketmill models build`, "
                "or set TICKETMILL_BUNDLE",
            )
        for label in word.labels:
            if label not in known.labels:
                near = get_close_matches(label, list(known.labels), n=1)
                hint = f' (did you mean "{near[0]}"?)' if near else ""
                raise CorrectionRefused(
                    CorrectionCode.UNKNOWN_LABEL,
                    f'{task} has no label "{label}"{hint}; there are: {", ".join(known.labels)}',
                )

    def _row(self, ticket_id: str, revision: int | None, content_hash: str | None) -> TicketRow:
        row = self.rows.get(ticket_id)
        if row is None:
            raise CorrectionRefused(
                CorrectionCode.UNKNOWN_TICKET, f"no ticket {ticket_id}; `ticketmill list` shows the newest"
            )
        if revision is not None and row.revision != revision:
            raise CorrectionRefused(
                CorrectionCode.STALE_REVISION,
                f"{ticket_id} has changed since it was shown (revision {row.revision}): look at it again",
            )
        if content_hash is not None and row.content_hash != content_hash:
            raise CorrectionRefused(
                CorrectionCode.STALE_CONTENT,
                f"the content of {ticket_id} has changed since it was shown: look at it again",
            )
        return row

    def _correction(
        self,
        row: TicketRow,
        task: str,
        word: Word,
        speaker: Speaker,
        earlier: PersonLabel | None,
        at: datetime,
        number: int,
    ) -> Correction:
        shown = shown_of(effective(row), task)
        labels, undoes = tuple(dict.fromkeys(word.labels)), None
        if word.kind is CorrectionKind.CONFIRM:
            labels = shown.labels
            if not labels:
                raise CorrectionRefused(
                    CorrectionCode.NOTHING_SHOWN, f"{row.ticket_id} has no {task} to confirm: give it a label"
                )
        if word.kind is CorrectionKind.UNDO:
            if earlier is None:
                raise CorrectionRefused(
                    CorrectionCode.NOTHING_TO_UNDO, f"nobody has said anything of {task} of {row.ticket_id}"
                )
            undoes = earlier.number
        return Correction(
            ticket_id=row.ticket_id,
            number=number,
            task=task,
            kind=word.kind,
            labels=labels,
            undoes=undoes,
            who=speaker.who,
            at=at,
            shown=shown,
            content_hash=row.content_hash,
            found_by=speaker.found_by,
            note=speaker.note and speaker.note[:MAX_NOTE_CHARS],
        )

    def reapply(self, ticket_id: str) -> bool:
        """Makes row and index say what the journal says; whether they had to be changed. False without a row.

        Raises TransientFailure where the row cannot be read, or keeps changing under the write.
        """
        for _ in range(MAX_WRITE_ATTEMPTS):
            found = self.rows.get_many([ticket_id])
            row = found.row_of(ticket_id)
            if row is None:
                return False
            person = replay(self.journal.of_ticket(ticket_id))
            if row.person == person and ticket_id not in found.misindexed:
                return False
            next_row = row.model_copy(update={"person": person, "revision": row.revision + 1})
            if self.journal.append((), next_row, row):
                return True
        raise TransientFailure(f"the row of {ticket_id} changed {MAX_WRITE_ATTEMPTS} times under this write")

    def repair(self, ticket_ids: Iterable[str]) -> None:
        """Reapplies where a reader noticed that the index is wrong. What fails is left to the next reader."""
        for ticket_id in ticket_ids:
            try:
                self.reapply(ticket_id)
            except TransientFailure as failure:
                logger.warning("the index entry of %s stays wrong for now: %s", ticket_id, failure)

    def reapply_all(self) -> Iterator[tuple[str, bool]]:
        """Compares every ticket that the journal names; of each its id, and whether it had to be changed."""
        by_ticket = groupby(self.journal.walk(), key=lambda each: each.ticket_id)
        spoken = ((ticket_id, replay(corrections)) for ticket_id, corrections in by_ticket)
        while chunk := dict(islice(spoken, MAX_ROWS_AT_ONCE)):
            found = self.rows.get_many(chunk)
            for ticket_id, person in chunk.items():
                row = found.get(ticket_id)
                is_right = row is not None and row.person == person and ticket_id not in found.misindexed
                yield ticket_id, not is_right and self.reapply(ticket_id)
