"""The shipped corpus as labelled examples, for the tasks that ticketmill comes with."""

from __future__ import annotations

from pathlib import Path

from ticketmill.domain.dataset import Example, Origin
from ticketmill.domain.errors import SetupError
from ticketmill.learning.annotations import Annotated, Annotation, Gathered, hash_of
from ticketmill.learning.corpus import LABELS, SHIPPED_CORPUS, LabelledTicket, read_corpus
from ticketmill.learning.hold_out import GIVEN

ID_PREFIX = "corpus/"
"""No ticket id has a slash."""


def gather_corpus(task: str, into: Gathered, path: Path = SHIPPED_CORPUS) -> int:
    """Adds the tickets of the corpus with their labels of `task`; none for other tasks. How many there were.

    Tickets of one business are one group.
    """
    if task not in LABELS:
        return 0
    tickets = read_corpus(path)
    for each in tickets:
        labels = _labels(each, task)
        into.add(
            Annotated(
                example_id=f"{ID_PREFIX}{each.id}",
                subject=each.subject,
                body=each.body,
                origin=Origin.CORPUS,
                content_hash=hash_of(each.subject, each.body),
                annotations=[Annotation("", labels)],
                links=(f"{GIVEN}{each.domain}",),
            )
        )
    return len(tickets)


def corpus_examples(task: str, path: Path = SHIPPED_CORPUS) -> list[Example]:
    """The tickets of the corpus as examples, without a dataset: to measure what a training would give."""
    if task not in LABELS:
        raise SetupError(
            f"the shipped corpus has no labels of {task}: name a file, or one of {', '.join(LABELS)}"
        )
    return [
        Example(
            example_id=f"{ID_PREFIX}{each.id}",
            subject=each.subject,
            body=each.body,
            labels=_labels(each, task),
            group=each.domain,
            origin=Origin.CORPUS,
            content_hash=hash_of(each.subject, each.body),
        )
        for each in read_corpus(path)
    ]


def _labels(ticket: LabelledTicket, task: str) -> tuple[str, ...]:
    value = getattr(ticket, task)
    return tuple(value) if isinstance(value, tuple) else (str(value),)
