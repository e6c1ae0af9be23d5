"""Stages that are served by named models: each loads one behind a runner, with what takes its place.

A model says what it sees in labels and numbers of its own; here they become the project's predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from ticketmill.domain.enrichment import IntentPrediction, SentimentPrediction, Summary, TopicPrediction
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.labels import Sentiment, Source
from ticketmill.models.extractive_summary import MIN_BODY_WORDS, display
from ticketmill.models.heads import squash
from ticketmill.models.transformers.labels import decide_sentiment, merged
from ticketmill.models.transformers.runner import ModelRunner
from ticketmill.tasks.stages import Fallback, Prediction, Read, Stage, topics_of_tags
from ticketmill.text.markup import plain_text

if TYPE_CHECKING:
    from ticketmill.models.transformers.classifier import Classifier
    from ticketmill.models.transformers.embedder import Embedder
    from ticketmill.models.transformers.summarizer import Generated, Summarizer
    from ticketmill.models.transformers.zero_shot import ZeroShot

# A label counts where it follows from the text rather than not.
ENTAILED_FROM = 0.5
DECIMALS = 4

Floats = NDArray[np.float32]
Rank = Callable[[Sequence[Read]], Floats]
"""How near each label of a task is to each ticket: (tickets, labels)."""
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Loaded(Generic[Out]):
    """A model of a task, ready to run."""

    resident_mb: float
    predict: Callable[[Sequence[Read]], Sequence[Out]]

    def __call__(self, items: Sequence[Read]) -> Sequence[Out]:
        return self.predict(items)


def guarded(runner: ModelRunner[Read, Prediction], fallback: Stage[Prediction]) -> Stage[Prediction]:
    """What the model says; where it fails, what `fallback` says, and why."""

    def predict(reads: Sequence[Read]) -> list[Prediction | Fallback[Prediction]]:
        results = runner.run(reads)
        failed = list(compress(reads, (isinstance(each, TransientFailure) for each in results)))
        substitutes = iter(fallback(failed) if failed else ())
        return [
            _instead(next(substitutes), each.code) if isinstance(each, TransientFailure) else each
            for each in results
        ]

    return predict


def no_embedding(reads: Sequence[Read]) -> list[Floats | None]:
    """Nothing in the place of an embedding: a vector of another model would mislead whoever compares them."""
    return [None for _ in reads]


def tags_as_topics(reads: Sequence[Read]) -> list[tuple[TopicPrediction, ...]]:
    """The tickets' own tags in the place of topics."""
    return [topics_of_tags(read.ticket) for read in reads]


def sentiment_by_classifier(
    classifier: Classifier, own: Sequence[str], labels: Sequence[Sentiment]
) -> Loaded[SentimentPrediction]:
    """`labels` are ours for each of the model's `own`."""

    def predict(reads: Sequence[Read]) -> list[SentimentPrediction]:
        return [
            _sentiment(merged(row, labels), dict(zip(own, row, strict=True)))
            for row in _rows(classifier.probabilities(_texts(reads)))
        ]

    return Loaded(classifier.resident_mb, predict)


def intent_by_classifier(
    classifier: Classifier, own: Sequence[str], labels: Sequence[str]
) -> Loaded[IntentPrediction]:
    """`labels` are ours for each of the model's `own`."""

    def predict(reads: Sequence[Read]) -> list[IntentPrediction]:
        return [
            _intent(merged(row, labels), dict(zip(own, row, strict=True)))
            for row in _rows(classifier.probabilities(_texts(reads)))
        ]

    return Loaded(classifier.resident_mb, predict)


def intent_by_entailment(
    model: ZeroShot, labels: Sequence[str], rank: Rank, candidates: int
) -> Loaded[IntentPrediction]:
    """The label of `labels` that follows best from the text, among the `candidates` that rank first."""

    def predict(reads: Sequence[Read]) -> list[IntentPrediction]:
        return [
            _intent(dict(zip(asked, _shares(logits), strict=True)), dict(zip(asked, alone, strict=True)))
            for asked, logits, alone in _ask(model, reads, labels, rank, candidates)
        ]

    return Loaded(model.resident_mb, predict)


def topics_by_entailment(
    model: ZeroShot, labels: Sequence[str], rank: Rank, candidates: int, top_k: int
) -> Loaded[tuple[TopicPrediction, ...]]:
    """The `top_k` labels that follow best from the text, without any the ticket's own tags."""

    def predict(reads: Sequence[Read]) -> list[tuple[TopicPrediction, ...]]:
        return [
            _topics(dict(zip(asked, alone, strict=True)), top_k) or topics_of_tags(read.ticket)
            for read, (asked, _, alone) in zip(
                reads, _ask(model, reads, labels, rank, candidates), strict=True
            )
        ]

    return Loaded(model.resident_mb, predict)


def summary_by_model(summarizer: Summarizer, short: Stage[Summary]) -> Loaded[Summary | Fallback[Summary]]:
    """What the model writes; `short` serves tickets of so few words that there is nothing to sum up."""

    def predict(reads: Sequence[Read]) -> list[Summary | Fallback[Summary]]:
        is_long = [len(read.ticket.body.split()) >= MIN_BODY_WORDS for read in reads]
        long = list(compress(reads, is_long))
        others = [read for read, each in zip(reads, is_long, strict=True) if not each]
        written = map(_summary, long, summarizer.summarize(_texts(long)) if long else ())
        shown = iter(short(others) if others else ())
        return [next(written) if each else next(shown) for each in is_long]

    return Loaded(summarizer.resident_mb, predict)


def embedding_by_model(embedder: Embedder) -> Loaded[Floats]:
    """Vectors of length 1."""
    return Loaded(embedder.resident_mb, lambda reads: list(embedder.embed(_texts(reads))))


def _instead(substitute: object, reason: str) -> Fallback[Prediction]:
    prediction = substitute.prediction if isinstance(substitute, Fallback) else substitute
    if isinstance(prediction, BaseModel):
        prediction = prediction.model_copy(update={"source": Source.FALLBACK})
    return Fallback(prediction, reason)  # type: ignore[arg-type]


def _summary(read: Read, generated: Generated) -> Summary:
    return Summary(
        text=generated.text,
        display=display(generated.text),
        source=Source.HUB,
        confidence=generated.grounded,
        compression=round(len(read.ticket.body) / len(generated.text), 2),
        truncated=generated.truncated,
    )


def _sentiment(scores: dict[str, float], raw: dict[str, float]) -> SentimentPrediction:
    label, confidence = decide_sentiment(scores)
    return SentimentPrediction(
        label=label,
        confidence=confidence,
        source=Source.HUB,
        scores=_rounded(scores),
        raw_scores=_rounded(raw),
    )


def _intent(scores: dict[str, float], raw: dict[str, float]) -> IntentPrediction:
    label = max(scores, key=lambda name: scores[name])
    confidence = min(round(scores[label], DECIMALS), 1.0)
    return IntentPrediction(
        label=label,
        confidence=confidence,
        source=Source.HUB,
        scores=_rounded(scores),
        raw_scores=_rounded(raw),
    )


def _topics(alone: dict[str, float], top_k: int) -> tuple[TopicPrediction, ...]:
    ranked = sorted(alone.items(), key=lambda item: -item[1])[:top_k]
    return tuple(
        TopicPrediction(label=label, confidence=min(round(score, DECIMALS), 1.0), source=Source.HUB)
        for label, score in ranked
        if score >= ENTAILED_FROM
    )


def _ask(
    model: ZeroShot, reads: Sequence[Read], labels: Sequence[str], rank: Rank, candidates: int
) -> list[tuple[list[str], Floats, list[float]]]:
    """Of each ticket: the labels asked, the logits of entailment, and how likely each is by itself."""
    most = candidates or len(labels)
    nearest = np.argsort(-rank(reads), axis=1, kind="stable")[:, :most]
    asked = [[labels[place] for place in sorted(row)] for row in nearest.tolist()]
    texts = _texts(reads)
    questions = [(text, label) for text, each in zip(texts, asked, strict=True) for label in each]
    verdicts = model.ask(questions).reshape(len(reads), -1, 2)
    return [
        (each, rows[:, 0], squash(rows, "softmax")[:, 0].astype(float).tolist())
        for each, rows in zip(asked, verdicts, strict=True)
    ]


def _shares(logits: Floats) -> list[float]:
    shares: list[float] = squash(logits[None], "softmax")[0].astype(float).tolist()
    return shares


def _rows(probabilities: Floats) -> list[list[float]]:
    rows: list[list[float]] = probabilities.astype(float).tolist()
    return rows


def _texts(reads: Sequence[Read]) -> list[str]:
    """What named models read: as the encoder, without links and handles, which drown a short message."""
    return [plain_text(read.ticket.text) for read in reads]


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {label: round(score, DECIMALS) for label, score in scores.items()}
