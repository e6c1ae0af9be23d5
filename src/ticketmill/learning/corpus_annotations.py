"""The shipped corpus as labelled examples, for the tasks that ticketmill comes with."""

from __future__ import annotations

from pathlib import Path

from ticketmill.domain.dataset import Origin
from ticketmill.learning.annotations import Annotated, Annotation, Gathered, hash_of
from ticketmill.learning.corpus import LABELS, SHIPPED_CORPUS, read_corpus
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
        value = getattr(each, task)
        labels = tuple(value) if isinstance(value, tuple) else (str(value),)
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
