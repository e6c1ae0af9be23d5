"""The stages of an enrichment: each turns tickets, as the encoder read them, into predictions.

A stage is a function over a batch, so that another model for a task is another function here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ticketmill.domain.enrichment import (
    Evidence,
    IntentPrediction,
    Language,
    SentimentPrediction,
    Summary,
    TopicPrediction,
    UrgencyPrediction,
    contradicts,
)
from ticketmill.domain.labels import Sentiment, Source, Urgency
from ticketmill.domain.ticket import Ticket, has_text
from ticketmill.encoder.encoder import Encoded
from ticketmill.models.extractive_summary import display, summarize
from ticketmill.models.features import Features
from ticketmill.models.heads import Head
from ticketmill.models.rules import KeywordClassifier, RuleMatch
from ticketmill.models.topics import NearestIntent, ScoredTopic, TopicScorer
from ticketmill.text.language import LanguageDetector

MAX_TAGS = 3
EVIDENCE_DECIMALS = 3

Floats = NDArray[np.float32]
Prediction = TypeVar("Prediction")


@dataclass(frozen=True, slots=True)
class Read:
    """A ticket as the encoder read it; `features` is what the heads see."""

    ticket: Ticket
    encoded: Encoded
    features: Features


@dataclass(frozen=True, slots=True)
class Fallback(Generic[Prediction]):
    """What took the place of the prediction of a model that failed, and why it did."""

    prediction: Prediction
    reason: str


Stage = Callable[[Sequence[Read]], Sequence[Prediction | Fallback[Prediction]]]


def embedding_by_encoder(reads: Sequence[Read]) -> list[Floats]:
    """The embedding of the one pass."""
    return [read.encoded.embedding for read in reads]


@dataclass(frozen=True, slots=True)
class Stages:
    """One stage a task."""

    intent: Stage[IntentPrediction]
    urgency: Stage[UrgencyPrediction]
    sentiment: Stage[SentimentPrediction]
    topics: Stage[tuple[TopicPrediction, ...]]
    summary: Stage[Summary]
    language: Stage[Language]
    embedding: Stage[Floats] = embedding_by_encoder


def intent_by_head(head: Head) -> Stage[IntentPrediction]:
    """Intent by a linear head."""

    def predict(reads: Sequence[Read]) -> list[IntentPrediction]:
        return [
            IntentPrediction(label=label, confidence=confidence, source=Source.HEAD, scores=scores)
            for label, confidence, scores in _classify(head, reads)
        ]

    return predict


def intent_by_prototypes(nearest: NearestIntent) -> Stage[IntentPrediction]:
    """Intent by the labels' descriptions and examples, for labels that the trained head does not know."""

    sources = dict(zip(nearest.labels, nearest.sources, strict=True))

    def predict(reads: Sequence[Read]) -> list[IntentPrediction]:
        rows = nearest.probabilities(_embeddings(reads))
        return [
            IntentPrediction(label=label, confidence=confidence, source=sources[label], scores=scores)
            for label, confidence, scores in _ranked(nearest.labels, rows)
        ]

    return predict


def intent_by_rules(rules: KeywordClassifier) -> Stage[IntentPrediction]:
    """Intent by keywords, with the words that decided as evidence."""

    def predict(reads: Sequence[Read]) -> list[IntentPrediction]:
        matches = [rules.classify(read.ticket.text) for read in reads]
        return [
            IntentPrediction(
                label=match.label,
                confidence=match.confidence,
                source=_source(match),
                evidence=_evidence(match),
            )
            for match in matches
        ]

    return predict


def urgency_by_head(head: Head) -> Stage[UrgencyPrediction]:
    """Urgency by a linear head, from the text alone, with the words that spoke most for it as evidence."""

    def predict(reads: Sequence[Read]) -> list[UrgencyPrediction]:
        return [
            UrgencyPrediction(
                label=Urgency(label),
                confidence=confidence,
                source=Source.HEAD,
                stated=read.ticket.priority,
                scores=scores,
                evidence=_spoke_for(head, read, label),
                priority_conflict=contradicts(read.ticket.priority, Urgency(label)),
            )
            for read, (label, confidence, scores) in zip(reads, _classify(head, reads), strict=True)
        ]

    return predict


def urgency_by_rules(rules: KeywordClassifier) -> Stage[UrgencyPrediction]:
    """Urgency by keywords, with the words that decided as evidence."""

    def predict(reads: Sequence[Read]) -> list[UrgencyPrediction]:
        matches = [rules.classify(read.ticket.text) for read in reads]
        return [
            UrgencyPrediction(
                label=Urgency(match.label),
                confidence=match.confidence,
                source=_source(match),
                stated=read.ticket.priority,
                evidence=_evidence(match),
                priority_conflict=contradicts(read.ticket.priority, Urgency(match.label)),
            )
            for read, match in zip(reads, matches, strict=True)
        ]

    return predict


def sentiment_by_head(head: Head) -> Stage[SentimentPrediction]:
    """Sentiment by a linear head."""

    def predict(reads: Sequence[Read]) -> list[SentimentPrediction]:
        return [
            SentimentPrediction(
                label=Sentiment(label), confidence=confidence, source=Source.HEAD, scores=scores
            )
            for label, confidence, scores in _classify(head, reads)
        ]

    return predict


def topics_by_scorer(scorer: TopicScorer) -> Stage[tuple[TopicPrediction, ...]]:
    """The topics above the taxonomy's threshold; without any, the ticket's own tags as a fallback."""

    def predict(reads: Sequence[Read]) -> list[tuple[TopicPrediction, ...]]:
        rows = scorer.probabilities(_embeddings(reads), _features(reads))
        return [
            tuple(map(_topic, scorer.best(row))) or topics_of_tags(read.ticket)
            for row, read in zip(rows, reads, strict=True)
        ]

    return predict


def rank_by_scorer(scorer: TopicScorer) -> Callable[[Sequence[Read]], Floats]:
    """How near each topic is to each ticket, (tickets, labels)."""
    return lambda reads: scorer.probabilities(_embeddings(reads), _features(reads))


def extractive_summary(reads: Sequence[Read]) -> list[Summary]:
    """The sentences of the ticket that stand closest to the whole."""
    return [_summary(read.ticket, read.encoded) for read in reads]


def language_by_detector(detector: LanguageDetector) -> Stage[Language]:
    """The language of the text, whatever the ticket states."""

    def predict(reads: Sequence[Read]) -> list[Language]:
        detected = [detector.detect(read.ticket.text) for read in reads]
        return [
            Language(label=label, confidence=round(confidence, 4), source=Source.DETECTOR)
            for label, confidence in detected
        ]

    return predict


def _classify(head: Head, reads: Sequence[Read]) -> list[tuple[str, float, dict[str, float]]]:
    return _ranked(head.spec.labels, head.probabilities(_features(reads)))


def _ranked(labels: Sequence[str], probabilities: Floats) -> list[tuple[str, float, dict[str, float]]]:
    """Best label, its confidence and all scores, for each ticket."""
    rows = probabilities.astype(float).round(4)
    return [
        (labels[best], float(row[best]), dict(zip(labels, row.tolist(), strict=True)))
        for best, row in zip(rows.argmax(axis=1), rows, strict=True)
    ]


def _topic(scored: ScoredTopic) -> TopicPrediction:
    return TopicPrediction(label=scored.label, confidence=round(scored.confidence, 4), source=scored.source)


def topics_of_tags(ticket: Ticket) -> tuple[TopicPrediction, ...]:
    """The ticket's own tags in the place of topics, three at most."""
    tags = [tag for tag in dict.fromkeys(ticket.metadata.tags) if has_text(tag)][:MAX_TAGS]
    return tuple(TopicPrediction(label=tag, confidence=0.0, source=Source.FALLBACK) for tag in tags)


def _summary(ticket: Ticket, encoded: Encoded) -> Summary:
    choice = summarize(ticket.subject, ticket.body, encoded.token_states, encoded.offsets)
    return Summary(
        text=choice.text,
        display=display(choice.text),
        source=choice.source,
        confidence=choice.confidence,
        compression=round(len(ticket.body) / max(len(choice.text), 1), 2),
    )


def _embeddings(reads: Sequence[Read]) -> Floats:
    return np.stack([read.encoded.embedding for read in reads])


def _features(reads: Sequence[Read]) -> list[Features]:
    return [read.features for read in reads]


def _source(match: RuleMatch) -> Source:
    return Source.RULE if match.reasons else Source.FALLBACK


def _spoke_for(head: Head, read: Read, label: str) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(text=text, weight=round(weight, EVIDENCE_DECIMALS))
        for text, weight in head.evidence(read.features, label)
    )


def _evidence(match: RuleMatch) -> tuple[Evidence, ...]:
    return tuple(Evidence(text=reason, weight=1.0) for reason in match.reasons)
