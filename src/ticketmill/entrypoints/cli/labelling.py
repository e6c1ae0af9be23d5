"""`ticketmill label next`: the review queue, one ticket after the other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from ticketmill.domain.effective_row import EffectiveRow, shown_of
from ticketmill.domain.errors import CorrectionRefused
from ticketmill.domain.label import FoundBy
from ticketmill.entrypoints.cli.asking import HELP, Ask, Command, ask_by_key, ask_by_line, read_key, read_line
from ticketmill.entrypoints.cli.output import counted, say, table
from ticketmill.entrypoints.cli.person import told_shown
from ticketmill.entrypoints.cli.since import parse_since

if TYPE_CHECKING:
    from datetime import datetime

    from ticketmill.bootstrap import Adapters
    from ticketmill.domain.ticket import Ticket
    from ticketmill.operations.corrections import Corrections, Speaker, Word
    from ticketmill.queries.tickets import TicketQueries
    from ticketmill.settings import Settings

PAGE_ROWS = 20
MAX_BODY_CHARS = 3000


def label_next(
    settings: Settings, adapters: Adapters, corrections: Corrections, speaker: Speaker, since: str
) -> None:
    """Goes through the review queue until its end, or until the person quits."""
    from ticketmill import bootstrap

    is_terminal = sys.stdin.isatty()
    review = Review(
        queries=replace(adapters.queries, repair=corrections.repair),
        corrections=corrections,
        text_of=bootstrap.make_ticket_texts(settings, adapters).of,
        speaker=replace(speaker, found_by=FoundBy.REVIEW_QUEUE),
        ask=partial(ask_by_key, read_key=read_key, read_line=read_line)
        if is_terminal
        else partial(ask_by_line, read_line=read_line),
    )
    say(HELP)
    review.run(parse_since(since))
    say(f"labelled {counted(len(review.done), 'ticket')}")


@dataclass
class Review:
    """A person at the review queue."""

    queries: TicketQueries
    corrections: Corrections
    text_of: Callable[[EffectiveRow], Ticket | None]
    speaker: Speaker
    ask: Ask
    done: list[EffectiveRow] = field(default_factory=list)
    """The tickets that they spoke of, as they were then; the latest can be undone."""
    postponed: list[EffectiveRow] = field(default_factory=list)
    """What was shown before the person went back."""

    def run(self, since: datetime) -> None:
        """Asks for the labels of each ticket that needs review, the newest first."""
        waiting = self._waiting(since)
        row = next(waiting, None)
        while row is not None:
            said = self._ask(row)
            if said is Command.QUIT:
                return
            if said is Command.BACK:
                row = self._previous(row)
            elif said is Command.SKIP or self._record(row, said):
                row = self.postponed.pop() if self.postponed else next(waiting, None)
            else:
                row = self.queries.get(row.ticket_id)

    def _waiting(self, since: datetime) -> Iterator[EffectiveRow]:
        """The tickets that need review, as they are when their turn comes."""
        from ticketmill.queries.filters import Filters

        filters = Filters({"needs_review": ("yes",)})
        cursor: str | None = None
        while True:
            page = self.queries.list(filters, since, cursor=cursor, limit=PAGE_ROWS)
            for listed in page.rows:
                row = self.queries.get(listed.ticket_id)
                if row is not None and row.needs_review:
                    yield row
            cursor = page.cursor
            if cursor is None:
                return

    def _ask(self, row: EffectiveRow) -> dict[str, Word] | Command:
        """What the person says of each task that nobody spoke of."""
        tasks = [task for name, task in self.corrections.tasks.items() if name not in row.predicted]
        self._show(row)
        words: dict[str, Word] = {}
        while len(words) < len(tasks):
            task = tasks[len(words)]
            answer = self.ask(task, shown_of(row, task.name))
            if not isinstance(answer, Command):
                words[task.name] = answer
            elif answer is Command.BACK and words:
                words.popitem()
            else:
                return answer
        return words

    def _show(self, row: EffectiveRow) -> None:
        ticket = self.text_of(row)
        body = "(the raw object is gone, or has changed)" if ticket is None else ticket.body
        if len(body) > MAX_BODY_CHARS:
            body = f"{body[:MAX_BODY_CHARS]}\n… `ticketmill show {row.ticket_id}` has all of it"
        said = [(name, told_shown(shown_of(row, name))) for name in self.corrections.tasks]
        lines = [("subject", row.subject), ("body", body.strip()), *said]
        table(row.ticket_id, ("field", "value"), [*lines, ("review", ", ".join(row.review_reasons))])

    def _record(self, row: EffectiveRow, words: dict[str, Word]) -> bool:
        """Whether it was recorded: somebody else may have changed the ticket meanwhile."""
        if not words:
            return True
        try:
            written = self.corrections.correct(row.ticket_id, words, self.speaker, revision=row.revision)
        except CorrectionRefused as refused:
            say(str(refused))
            return False
        self.done.append(written)
        return True

    def _previous(self, row: EffectiveRow) -> EffectiveRow | None:
        """Takes back what was said of the ticket before, and shows it again; `row` comes after it."""
        if not self.done:
            say("nothing to take back yet")
            return row
        last = self.done.pop()
        try:
            undone = self.corrections.undo(last.ticket_id, self.speaker, revision=last.revision)
        except CorrectionRefused as refused:
            say(str(refused))
            return row
        self.postponed.append(row)
        return undone
