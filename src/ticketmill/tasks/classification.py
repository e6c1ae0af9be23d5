"""From scores to labels: what intent, urgency and sentiment have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ticketmill.domain.labels import Source
from ticketmill.tasks.stage import EncodedTicket, features_of

if TYPE_CHECKING:
    from ticketmill.arrays import Floats
    from ticketmill.domain.enrichment import Evidence
    from ticketmill.models.heads import Head
    from ticketmill.models.rules import RuleMatch

DECIMALS = 4
EVIDENCE_DECIMALS = 3


class Scored(NamedTuple):
    """The best label of a ticket, its confidence, and the scores of all labels."""

    label: str
    confidence: float
    scores: dict[str, float]


def by_head(head: Head, tickets: Sequence[EncodedTicket]) -> list[Scored]:
    """What a linear head says of each ticket."""
    return ranked(head.spec.labels, head.probabilities(features_of(tickets)))


def ranked(labels: Sequence[str], probabilities: Floats) -> list[Scored]:
    """The best of `labels` for each row of (tickets, labels) probabilities."""
    rows = probabilities.astype(float).round(DECIMALS)
    return [
        Scored(labels[best], float(row[best]), dict(zip(labels, row.tolist(), strict=True)))
        for best, row in zip(rows.argmax(axis=1), rows, strict=True)
    ]


def rounded(scores: dict[str, float]) -> dict[str, float]:
    """Scores as records keep them."""
    return {label: round(score, DECIMALS) for label, score in scores.items()}


def rows_of(probabilities: Floats) -> list[list[float]]:
    """(tickets, labels) as plain numbers."""
    rows: list[list[float]] = probabilities.astype(float).tolist()
    return rows


def evidence_of_head(head: Head, ticket: EncodedTicket, label: str) -> tuple[Evidence, ...]:
    """The phrases of the text that spoke most for `label`."""
    from ticketmill.domain.enrichment import Evidence

    return tuple(
        Evidence(text=text, weight=round(weight, EVIDENCE_DECIMALS))
        for text, weight in head.evidence(ticket.features, label)
    )


def evidence_of_rules(match: RuleMatch) -> tuple[Evidence, ...]:
    """The keywords that matched."""
    from ticketmill.domain.enrichment import Evidence

    return tuple(Evidence(text=reason, weight=1.0) for reason in match.reasons)


def source_of_rules(match: RuleMatch) -> Source:
    """A label that no keyword speaks for is a fallback."""
    return Source.RULE if match.reasons else Source.FALLBACK
