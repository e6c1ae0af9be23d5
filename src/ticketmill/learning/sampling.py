"""What to label next: an order over tickets, and how each came to its place in it.

Only audits are a random sample: they judge, and the person who gives them has not seen the prediction. All
other tickets are chosen because they teach much, so that they say nothing of how often the models are right.

A ticket teaches much where the margin between its two most probable labels is small (Scheffer et al., Active
Hidden Markov Models for Information Extraction, 2001). Of a task with several labels the margin is how far
the nearest probability is from its threshold. Nothing is added for variety: a preference for labels with
few examples did not help. `tests/benchmarks/sampling.py` compares margins with random tickets.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ticketmill.domain.effective_row import CONFIDENCE_SUFFIX, EffectiveRow, shown_of
from ticketmill.domain.label import FoundBy
from ticketmill.domain.labels import LabelOrder, Status

BUCKETS = 1 << 32
AUDIT_EVERY = 5
SUSPECT_EVERY = 10
"""Of a mixed order every fifth ticket is an audit and every tenth a suspect, as long as there are some."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label of a person that is probably wrong."""

    ticket_id: str
    task: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ticket to label, and the tasks to ask for."""

    row: EffectiveRow
    found_by: FoundBy
    tasks: tuple[str, ...]

    @property
    def is_blind(self) -> bool:
        """Whether the person must not see what the models say."""
        return self.found_by is FoundBy.AUDIT


def is_audit(ticket_id: str, share: float) -> bool:
    """Whether a ticket is among the random share that audits are drawn from: the same for ever, and of a
    larger share all that a smaller one has."""
    digest = hashlib.blake2b(f"audit\n{ticket_id}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) < share * BUCKETS


def may_audit(row: EffectiveRow, share: float) -> bool:
    """Whether a person's labels of a ticket are audits.

    Once a person has spoken of a ticket otherwise it is no audit: they may have seen what the models say of
    the rest.
    """
    return is_audit(row.ticket_id, share) and all(
        each.found_by == FoundBy.AUDIT for each in row.person.values()
    )


def candidate_of(row: EffectiveRow, tasks: Sequence[str], audit_share: float) -> Candidate | None:
    """How a ticket that nobody has finished is offered; None where it has nothing left to say."""
    left = tuple(task for task in tasks if task not in row.predicted)
    if not left or row.status not in (Status.ENRICHED, Status.PARTIAL):
        return None
    found_by = FoundBy.AUDIT if may_audit(row, audit_share) else FoundBy.MARGIN
    return Candidate(row, found_by, left)


def is_doubted(row: EffectiveRow, task: str) -> bool:
    """Whether a label that is suspected to be wrong waits for its second look."""
    spoken = row.person.get(task)
    return spoken is not None and spoken.found_by != FoundBy.SUSPECT


def blinded(row: EffectiveRow, tasks: Sequence[str]) -> EffectiveRow:
    """The row without what the models say of tasks that nobody has spoken of: what an audit may show."""
    hidden = [task for task in tasks if task not in row.predicted]
    changes: dict[str, object] = {"review_reasons": (), "needs_review": None, "priority_conflict": None}
    for task in hidden:
        for name in (task, f"{task}{CONFIDENCE_SUFFIX}", f"{task}_source"):
            if name in type(row).model_fields:
                changes[name] = () if isinstance(getattr(row, name), tuple) else None
    changes["custom"] = {task: made for task, made in row.custom.items() if task not in hidden}
    return row.model_copy(update=changes)


def next_to_label(
    rows: Iterable[EffectiveRow],
    tasks: Sequence[str],
    audit_share: float,
    how: LabelOrder = LabelOrder.MIXED,
    suspects: Sequence[Suspect] = (),
) -> list[Candidate]:
    """The tickets to label, the one that is worth most first. `rows` are the newest tickets."""
    known = {row.ticket_id: row for row in rows}
    offered = [
        found for row in known.values() if (found := candidate_of(row, tasks, audit_share)) is not None
    ]
    audits = [each for each in offered if each.is_blind]
    margins = sorted((each for each in offered if not each.is_blind), key=_uncertainty)
    doubted = [
        Candidate(known[each.ticket_id], FoundBy.SUSPECT, (each.task,))
        for each in suspects
        if each.ticket_id in known and is_doubted(known[each.ticket_id], each.task)
    ]
    match how:
        case LabelOrder.MARGIN:
            return margins
        case LabelOrder.AUDIT:
            return audits
        case LabelOrder.SUSPECTS:
            return doubted
        case LabelOrder.MIXED:
            return mixed(margins, audits, doubted)
        case LabelOrder.REVIEW:
            waiting = [each for each in offered if each.row.needs_review]
            return [
                each if each.is_blind else replace(each, found_by=FoundBy.REVIEW_QUEUE) for each in waiting
            ]


def margin_of(row: EffectiveRow, tasks: Sequence[str]) -> float | None:
    """The smallest margin of a task; None where no model gave probabilities.

    A row of an older version has no margins, or none of tasks with several labels. Of a confidence c at
    least 2c - 1 lies between the two best labels.
    """
    margins = [margin for task in tasks if (margin := _margin(row, task)) is not None]
    return min(margins, default=None)


def mixed(
    margins: Sequence[Candidate], audits: Sequence[Candidate], suspects: Sequence[Candidate]
) -> list[Candidate]:
    """One order of all three."""
    by_margin, by_chance, doubted = deque(margins), deque(audits), deque(suspects)
    order: list[Candidate] = []
    while by_margin or by_chance or doubted:
        position = len(order) + 1
        if doubted and position % SUSPECT_EVERY == 0:
            order.append(doubted.popleft())
        elif by_chance and (position % AUDIT_EVERY == 0 or not by_margin):
            order.append(by_chance.popleft())
        else:
            order.append((by_margin or doubted).popleft())
    return order


def _uncertainty(candidate: Candidate) -> tuple[float, float]:
    """What sorts candidates: the margin, then the confidence; what has neither comes last."""
    margin = margin_of(candidate.row, candidate.tasks)
    confidences = [
        shown.confidence
        for task in candidate.tasks
        if (shown := shown_of(candidate.row, task)).confidence is not None
    ]
    return (2.0 if margin is None else margin, min(confidences, default=2.0))


def _margin(row: EffectiveRow, task: str) -> float | None:
    if task in row.margins:
        return row.margins[task]
    confidence = shown_of(row, task).confidence
    return None if confidence is None else max(2 * confidence - 1, 0.0)
