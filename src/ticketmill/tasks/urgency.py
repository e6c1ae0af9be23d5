"""Urgency: how soon a ticket must be dealt with, by what its text says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ticketmill.domain.labels import Source, Urgency, contradicts
from ticketmill.tasks import classification
from ticketmill.tasks.stage import EncodedTicket, Stage
from ticketmill.tasks.task import Column, Lines, Task, evidence_line, label_line, labelled, low_confidence

if TYPE_CHECKING:
    from ticketmill.domain.enrichment import UrgencyPrediction
    from ticketmill.domain.row import TicketRow
    from ticketmill.models.heads import Head
    from ticketmill.models.rules import KeywordClassifier
    from ticketmill.tasks.learned import Chosen

NAME = "urgency"


def by_head(head: Head) -> Stage[UrgencyPrediction]:
    """Urgency by a linear head, from the text alone, with the phrases that spoke most for it."""
    from ticketmill.domain.enrichment import UrgencyPrediction

    def predict(tickets: Sequence[EncodedTicket]) -> list[UrgencyPrediction]:
        return [
            UrgencyPrediction(
                label=Urgency(label),
                confidence=confidence,
                source=Source.HEAD,
                stated=each.ticket.priority,
                scores=scores,
                evidence=classification.evidence_of_head(head, each, label),
                priority_conflict=contradicts(each.ticket.priority, Urgency(label)),
            )
            for each, (label, confidence, scores) in zip(
                tickets, classification.by_head(head, tickets), strict=True
            )
        ]

    return predict


def by_rules(rules: KeywordClassifier) -> Stage[UrgencyPrediction]:
    """Urgency by keywords, with those that matched as evidence."""
    from ticketmill.domain.enrichment import UrgencyPrediction

    def predict(tickets: Sequence[EncodedTicket]) -> list[UrgencyPrediction]:
        matches = [rules.classify(each.text) for each in tickets]
        return [
            UrgencyPrediction(
                label=Urgency(match.label),
                confidence=match.confidence,
                source=classification.source_of_rules(match),
                stated=each.ticket.priority,
                evidence=classification.evidence_of_rules(match),
                priority_conflict=contradicts(each.ticket.priority, Urgency(match.label)),
            )
            for each, match in zip(tickets, matches, strict=True)
        ]

    return predict


def of_learned(ticket: EncodedTicket, chosen: Chosen) -> UrgencyPrediction:
    """Urgency by a learned version."""
    from ticketmill.domain.enrichment import UrgencyPrediction

    label, confidence = chosen.best
    return UrgencyPrediction(
        label=Urgency(label),
        confidence=confidence,
        source=Source.LEARNED,
        stated=ticket.ticket.priority,
        scores=chosen.scores,
        priority_conflict=contradicts(ticket.ticket.priority, Urgency(label)),
    )


def _review_reason(prediction: UrgencyPrediction, review_below: float) -> str | None:
    """The contradiction goes before a low confidence, which the row has as a number too."""
    if prediction.priority_conflict:
        return "priority_conflict"
    return low_confidence(NAME)(prediction, review_below)


def of_machine(ticket: EncodedTicket) -> UrgencyPrediction:
    """Machine mail can wait."""
    from ticketmill.domain.enrichment import UrgencyPrediction

    return UrgencyPrediction(
        label=Urgency.LOW,
        confidence=1.0,
        source=Source.RULE,
        stated=ticket.ticket.priority,
        priority_conflict=contradicts(ticket.ticket.priority, Urgency.LOW),
    )


def _row_lines(row: TicketRow) -> Lines:
    return [
        *label_line(NAME)(row),
        ("stated priority", row.stated_priority),
        ("priority conflict", row.priority_conflict),
    ]


TASK: Task[UrgencyPrediction] = Task(
    name=NAME,
    columns=labelled(NAME, Column("priority_conflict", lambda prediction: prediction.priority_conflict)),
    label=NAME,
    confidence=f"{NAME}_confidence",
    is_listed=True,
    is_correctable=True,
    of_machine=of_machine,
    of_learned=of_learned,
    vocabulary=tuple(Urgency),
    measured="class",
    review_reason=_review_reason,
    row_lines=_row_lines,
    detail_lines=evidence_line(NAME),
)
