"""Sentiment: the writer's feeling toward the product or the service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ticketmill.domain.labels import Sentiment, Source
from ticketmill.tasks import classification
from ticketmill.tasks.stage import EncodedTicket, Loaded, Stage, texts_of
from ticketmill.tasks.task import Task, label_line, labelled, low_confidence

if TYPE_CHECKING:
    from ticketmill.domain.enrichment import SentimentPrediction
    from ticketmill.models.heads import Head
    from ticketmill.models.transformers.classifier import Classifier
    from ticketmill.tasks.learned import Chosen

NAME = "sentiment"
# Sarcasm passes for praise. With this, one in ten of the sarcastic tickets of irony.jsonl does so without a
# review, by heads that did not see their business; the price is that half of all praise goes to a person.
PRAISE_REVIEW_BELOW = 0.95


def by_head(head: Head) -> Stage[SentimentPrediction]:
    """Sentiment by a linear head."""
    from ticketmill.domain.enrichment import SentimentPrediction

    def predict(tickets: Sequence[EncodedTicket]) -> list[SentimentPrediction]:
        return [
            SentimentPrediction(
                label=Sentiment(label), confidence=confidence, source=Source.HEAD, scores=scores
            )
            for label, confidence, scores in classification.by_head(head, tickets)
        ]

    return predict


def by_classifier(
    classifier: Classifier, own: Sequence[str], labels: Sequence[Sentiment]
) -> Loaded[SentimentPrediction]:
    """Sentiment by a named classifier; `labels` are ours for each of the model's `own`."""
    from ticketmill.domain.enrichment import SentimentPrediction
    from ticketmill.models.transformers.labels import decide_sentiment, merged

    def predict(tickets: Sequence[EncodedTicket]) -> list[SentimentPrediction]:
        predictions = []
        for row in classification.rows_of(classifier.probabilities(texts_of(tickets))):
            scores = merged(row, labels)
            label, confidence = decide_sentiment(scores)
            predictions.append(
                SentimentPrediction(
                    label=label,
                    confidence=confidence,
                    source=Source.HUB,
                    scores=classification.rounded(scores),
                    raw_scores=classification.rounded(dict(zip(own, row, strict=True))),
                )
            )
        return predictions

    return Loaded(classifier.resident_mb, predict)


def of_learned(_ticket: EncodedTicket, chosen: Chosen) -> SentimentPrediction:
    """Sentiment by a learned version."""
    from ticketmill.domain.enrichment import SentimentPrediction

    label, confidence = chosen.best
    return SentimentPrediction(
        label=Sentiment(label), confidence=confidence, source=Source.LEARNED, scores=chosen.scores
    )


def of_machine(_ticket: EncodedTicket) -> SentimentPrediction:
    """A machine feels nothing."""
    from ticketmill.domain.enrichment import SentimentPrediction

    return SentimentPrediction(label=Sentiment.NEUTRAL, confidence=1.0, source=Source.RULE)


def _review_reason(prediction: SentimentPrediction, review_below: float) -> str | None:
    """Praise by the head must be surer than other feelings: it may be sarcasm."""
    if prediction.label is Sentiment.POSITIVE and prediction.source is Source.HEAD:
        review_below = max(review_below, PRAISE_REVIEW_BELOW)
    return low_confidence(NAME)(prediction, review_below)


TASK: Task[SentimentPrediction] = Task(
    name=NAME,
    columns=labelled(NAME),
    label=NAME,
    confidence=f"{NAME}_confidence",
    is_listed=True,
    is_correctable=True,
    of_machine=of_machine,
    of_learned=of_learned,
    vocabulary=tuple(Sentiment),
    measured="class",
    review_reason=_review_reason,
    row_lines=label_line(NAME),
)
