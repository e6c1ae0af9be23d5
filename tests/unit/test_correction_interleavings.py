"""2,000 random interleavings of people, uploads, workers of two versions and serving decisions.

A step may begin while another one is under way: workers record what they began steps ago, somebody else
writes between a person's look at a row and their write, and the answer to a write is lost. What must be true
is told by a record of its own, which knows neither journal nor row.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from correction_desk import CANNOT_TELL, CONFIRM, ID, TASKS, UNDO, Desk, label

from ticketmill.domain.errors import CorrectionRefused, TransientFailure
from ticketmill.domain.facets import facets_of
from ticketmill.domain.label import Correction, CorrectionKind, replay
from ticketmill.domain.labels import Sentiment, Urgency
from ticketmill.domain.message import RawObject
from ticketmill.domain.row import TicketRow
from ticketmill.domain.serving import Provenance
from ticketmill.operations.corrections import Corrections, Speaker, Word

INTERLEAVINGS = 2000
PARTS = 4
STEPS = 12
CONTENTS = ("The printer is on fire.", "It works again.", "Please send the invoice.")


@dataclass
class Interleaving:
    """One ticket. `said` is what people were told was recorded, in its order."""

    dice: random.Random
    desk: Desk = field(default_factory=Desk)
    said: list[Correction] = field(default_factory=list)
    begun: list[tuple[RawObject, TicketRow | None, Provenance]] = field(default_factory=list)
    depth: int = 0

    def run(self) -> None:
        self.desk.upload()
        self.desk.enrich()
        for _ in range(STEPS):
            self.step()
            self.check()
        self.check_index()

    def step(self) -> None:
        steps: Sequence[Callable[[], object]] = (
            self.correct,
            self.correct,
            self.undo,
            lambda: self.desk.upload(self.dice.choice(CONTENTS)),
            lambda: self.desk.serve(self.dice.choice(("f1", "f2"))),
            self.enrich,
            self.begin,
            self.end,
            lambda: self.desk.corrections.reapply(ID),
        )
        self.dice.choice(steps)()

    def correct(self) -> None:
        task = self.dice.choice(list(TASKS))
        labels = TASKS[task].labels
        word = self.dice.choice((label(self.dice.choice(labels)), CONFIRM, CANNOT_TELL))
        self.speak({task: word})

    def undo(self) -> None:
        self.speak({self.dice.choice(list(TASKS)): UNDO})

    def speak(self, words: dict[str, Word]) -> None:
        seen = self.desk.rows.get(ID)
        assert seen is not None
        revision = seen.revision if self.dice.random() < 0.5 else None
        corrections = Corrections(self.desk.rows, Interrupted(self), TASKS, self.desk.now)
        try:
            corrections.correct(ID, words, Speaker(self.dice.choice(("ann", "bob"))), revision=revision)
        except (CorrectionRefused, TransientFailure):
            return  # nothing was promised

    def enrich(self) -> None:
        self.desk.enrich(older=self.dice.random() < 0.4, force=True, **self.predictions())

    def begin(self) -> None:
        self.begun.append((self.desk.fetched(), self.desk.rows.get(ID), self.desk.serving))

    def end(self) -> None:
        if self.begun:
            raw, current, serving = self.begun.pop(self.dice.randrange(len(self.begun)))
            older = self.dice.random() < 0.4
            self.desk.record(raw, current, serving, older=older, force=True, **self.predictions())

    def predictions(self) -> dict[str, object]:
        return {
            "urgency": self.dice.choice(list(Urgency)),
            "sentiment": self.dice.choice(list(Sentiment)),
            "intent": self.dice.choice(TASKS["intent"].labels),
        }

    def check(self) -> None:
        journal, row = self.desk.journal.of_ticket(ID), self.desk.row
        assert journal == self.said
        assert [each.number for each in journal] == list(range(1, len(journal) + 1))
        assert row.person == replay(journal)
        for task, spoken in last_words(self.said).items():
            holds = spoken.content_hash == row.content_hash
            assert (task in row.stale_labels) is not holds
            if holds and spoken.kind != CorrectionKind.CANNOT_TELL:
                assert labels_of(row, task) == spoken.labels

    def check_index(self) -> None:
        self.desk.corrections.reapply(ID)
        assert self.desk.rows.facets[ID] == facets_of(self.desk.row)


@dataclass
class Interrupted:
    """The journal, where others write in between and answers get lost."""

    around: Interleaving

    def of_ticket(self, ticket_id: str) -> list[Correction]:
        found = self.around.desk.journal.of_ticket(ticket_id)
        if self.around.depth == 0 and self.around.dice.random() < 0.3:
            self.around.depth = 1
            self.around.step()
            self.around.depth = 0
        return found

    def walk(self) -> Iterator[Correction]:
        return self.around.desk.journal.walk()

    def append(self, corrections: Sequence[Correction], row: TicketRow, replaces: TicketRow) -> bool:
        if self.around.dice.random() < 0.05:
            raise TransientFailure("the request was lost")
        written = self.around.desk.journal.append(corrections, row, replaces)
        if written:
            self.around.said += corrections
        if self.around.dice.random() < 0.05:
            raise TransientFailure("the answer was lost")
        return written


def last_words(said: Sequence[Correction]) -> dict[str, Correction]:
    """Of each task what stands, told without `replay`: an undo takes the latest word that stands."""
    standing: dict[str, list[Correction]] = {}
    for each in said:
        words = standing.setdefault(each.task, [])
        if each.kind == CorrectionKind.UNDO:
            words.pop()
        else:
            words.append(each)
    return {task: words[-1] for task, words in standing.items() if words}


def labels_of(row: TicketRow, task: str) -> tuple[str, ...]:
    value = getattr(row, task)
    return tuple(each.label for each in value) if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize("part", range(PARTS))
def test_journal_and_rows_agree_and_nothing_is_lost_however_writes_interleave(part: int) -> None:
    for seed in range(part, INTERLEAVINGS, PARTS):
        Interleaving(random.Random(seed)).run()
