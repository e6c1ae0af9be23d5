"""`ticketmill label next`: what is worth a label most, one ticket after the other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from ticketmill.domain.effective_row import EffectiveRow, shown_of
from ticketmill.domain.errors import CorrectionRefused
from ticketmill.domain.label import FoundBy, Shown
from ticketmill.entrypoints.cli.asking import HELP, Ask, Command, ask_by_key, ask_by_line, read_key, read_line
from ticketmill.entrypoints.cli.output import counted, say, table
from ticketmill.entrypoints.cli.person import told_shown
from ticketmill.entrypoints.cli.since import parse_since

if TYPE_CHECKING:
    from ticketmill.bootstrap import Adapters
    from ticketmill.domain.labels import LabelOrder
    from ticketmill.domain.ticket import Ticket
    from ticketmill.learning.sampling import Candidate
    from ticketmill.operations.corrections import Corrections, Speaker, Word
    from ticketmill.queries.tickets import TicketQueries
    from ticketmill.settings import Settings

NEWEST_TICKETS = 2000
"""The order is made of so many of the newest tickets."""
MAX_BODY_CHARS = 3000
NOT_SHOWN = Shown(labels=())
"""What a person sees of the predictions of an audit."""


def label_next(
    settings: Settings,
    adapters: Adapters,
    corrections: Corrections,
    speaker: Speaker,
    since: str,
    how: LabelOrder,
) -> None:
    """Goes through the tickets that are worth a label until their end, or until the person quits."""
    from ticketmill import bootstrap
    from ticketmill.learning.doubted import suspects_of
    from ticketmill.learning.sampling import next_to_label

    is_terminal = sys.stdin.isatty()
    queries = replace(adapters.queries, repair=corrections.repair)
    review = Review(
        queries=queries,
        corrections=corrections,
        text_of=bootstrap.make_ticket_texts(settings, adapters).of,
        speaker=speaker,
        ask=partial(ask_by_key, read_key=read_key, read_line=read_line)
        if is_terminal
        else partial(ask_by_line, read_line=read_line),
        audit_share=settings.audit_share,
    )
    say(HELP)
    newest, tasks = queries.newest(parse_since(since), NEWEST_TICKETS), tuple(corrections.tasks)
    suspects = suspects_of(adapters.learning, tasks) if adapters.learning else ()
    review.run(next_to_label(newest, tuple(corrections.tasks), settings.audit_share, how, tuple(suspects)))
    say(f"labelled {counted(len(review.done), 'ticket')}")


@dataclass
class Review:
    """A person who labels one ticket after the other."""

    queries: TicketQueries
    corrections: Corrections
    text_of: Callable[[EffectiveRow], Ticket | None]
    speaker: Speaker
    ask: Ask
    audit_share: float = 0.0
    done: list[Candidate] = field(default_factory=list)
    """The tickets that they spoke of, as they were then; the latest can be undone."""
    postponed: list[Candidate] = field(default_factory=list)
    """What was shown before the person went back."""

    def run(self, candidates: Iterable[Candidate]) -> None:
        """Asks for the labels of each candidate in turn."""
        waiting = self._as_they_are_now(candidates)
        current = next(waiting, None)
        while current is not None:
            said = self._ask(current)
            if said is Command.QUIT:
                return
            if said is Command.BACK:
                current = self._previous(current)
            elif said is Command.SKIP or self._record(current, said):
                current = self.postponed.pop() if self.postponed else next(waiting, None)
            else:
                current = self._as_it_is_now(current)

    def _as_they_are_now(self, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
        """The candidates, each as it is when its turn comes; not those that somebody finished meanwhile."""
        for each in candidates:
            current = self._as_it_is_now(each)
            if current is not None:
                yield current

    def _as_it_is_now(self, candidate: Candidate) -> Candidate | None:
        from ticketmill.learning.sampling import candidate_of

        row = self.queries.get(candidate.row.ticket_id)
        if row is None or candidate.found_by is FoundBy.SUSPECT:
            return None if row is None else replace(candidate, row=row)
        offered = candidate_of(row, tuple(self.corrections.tasks), self.audit_share)
        if offered is None or offered.is_blind == candidate.is_blind:
            return offered and replace(offered, found_by=candidate.found_by)
        return offered

    def _ask(self, candidate: Candidate) -> dict[str, Word] | Command:
        """What the person says of each task that is asked for."""
        tasks = [self.corrections.tasks[name] for name in candidate.tasks]
        self._show(candidate)
        words: dict[str, Word] = {}
        while len(words) < len(tasks):
            task = tasks[len(words)]
            answer = self.ask(task, NOT_SHOWN if candidate.is_blind else shown_of(candidate.row, task.name))
            if not isinstance(answer, Command):
                words[task.name] = answer
            elif answer is Command.BACK and words:
                words.popitem()
            else:
                return answer
        return words

    def _show(self, candidate: Candidate) -> None:
        row = candidate.row
        ticket = self.text_of(row)
        body = "(the raw object is gone, or has changed)" if ticket is None else ticket.body
        if len(body) > MAX_BODY_CHARS:
            body = f"{body[:MAX_BODY_CHARS]}\n…"
            if not candidate.is_blind:
                body += f" `ticketmill show {row.ticket_id}` has all of it"
        lines = [("subject", row.subject), ("body", body.strip())]
        if not candidate.is_blind:
            lines += [(name, told_shown(shown_of(row, name))) for name in self.corrections.tasks]
            lines += [("review", ", ".join(row.review_reasons))]
        lines += [("chosen as", TOLD[candidate.found_by])]
        table(row.ticket_id, ("field", "value"), lines)

    def _record(self, candidate: Candidate, words: dict[str, Word]) -> bool:
        """Whether it was recorded: somebody else may have changed the ticket meanwhile."""
        if not words:
            return True
        row, speaker = candidate.row, replace(self.speaker, found_by=candidate.found_by)
        try:
            written = self.corrections.correct(row.ticket_id, words, speaker, revision=row.revision)
        except CorrectionRefused as refused:
            say(str(refused))
            return False
        self.done.append(replace(candidate, row=written))
        return True

    def _previous(self, current: Candidate) -> Candidate:
        """Takes back what was said of the ticket before, and shows it again; `current` comes after it."""
        if not self.done:
            say("nothing to take back yet")
            return current
        last = self.done.pop()
        speaker = replace(self.speaker, found_by=last.found_by)
        try:
            undone = self.corrections.undo(last.row.ticket_id, speaker, revision=last.row.revision)
        except CorrectionRefused as refused:
            say(str(refused))
            return current
        self.postponed.append(current)
        return replace(last, row=undone)


TOLD = {
    FoundBy.AUDIT: "a random audit: the predictions are not shown",
    FoundBy.MARGIN: "the models are unsure",
    FoundBy.SUSPECT: "a second look: the label that it has is doubted",
    FoundBy.REVIEW_QUEUE: "it needs review",
}
"""Why a ticket is asked about."""
