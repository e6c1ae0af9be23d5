"""Labels by entailment: a model is asked, label by label, what follows from the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ticketmill.tasks.stage import EncodedTicket, Rank, texts_of

if TYPE_CHECKING:
    from ticketmill.arrays import Floats
    from ticketmill.models.transformers.zero_shot import ZeroShot

ENTAILED_FROM = 0.5
"""A label counts where it follows from the text rather than not."""


class Verdict(NamedTuple):
    """What was asked of a ticket: the labels, their logits of entailment, and how likely each is alone."""

    labels: list[str]
    logits: Floats
    alone: list[float]


def ask(
    model: ZeroShot, tickets: Sequence[EncodedTicket], labels: Sequence[str], rank: Rank, candidates: int
) -> list[Verdict]:
    """Asks `model` about the `candidates` labels that rank first for each ticket; 0 asks about all."""
    import numpy as np

    from ticketmill.models.heads import activate

    most = candidates or len(labels)
    nearest = np.argsort(-rank(tickets), axis=1, kind="stable")[:, :most]
    asked = [[labels[position] for position in sorted(row)] for row in nearest.tolist()]
    questions = [(text, label) for text, each in zip(texts_of(tickets), asked, strict=True) for label in each]
    verdicts = model.ask(questions).reshape(len(tickets), -1, 2)
    return [
        Verdict(each, rows[:, 0], activate(rows, "softmax")[:, 0].astype(float).tolist())
        for each, rows in zip(asked, verdicts, strict=True)
    ]
