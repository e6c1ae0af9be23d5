"""Intent: the one thing that the writer mainly wants dealt with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ticketmill.domain.labels import Intent, Source
from ticketmill.tasks import classification
from ticketmill.tasks.entailment import ask
from ticketmill.tasks.stage import EncodedTicket, Loaded, Rank, Stage, embeddings_of, texts_of
from ticketmill.tasks.task import Task, evidence_line, label_line, labelled, low_confidence

if TYPE_CHECKING:
    from ticketmill.domain.enrichment import IntentPrediction
    from ticketmill.models.heads import Head
    from ticketmill.models.rules import KeywordClassifier
    from ticketmill.models.topics import NearestIntent
    from ticketmill.models.transformers.classifier import Classifier
    from ticketmill.models.transformers.zero_shot import ZeroShot
    from ticketmill.tasks.learned import Chosen

NAME = "intent"


def by_head(head: Head) -> Stage[IntentPrediction]:
    """Intent by a linear head."""
    from ticketmill.domain.enrichment import IntentPrediction

    def predict(tickets: Sequence[EncodedTicket]) -> list[IntentPrediction]:
        return [
            IntentPrediction(label=label, confidence=confidence, source=Source.HEAD, scores=scores)
            for label, confidence, scores in classification.by_head(head, tickets)
        ]

    return predict


def by_prototypes(nearest: NearestIntent) -> Stage[IntentPrediction]:
    """Intent by the labels' descriptions and examples, for labels that the trained head does not know."""
    from ticketmill.domain.enrichment import IntentPrediction

    sources = dict(zip(nearest.labels, nearest.sources, strict=True))

    def predict(tickets: Sequence[EncodedTicket]) -> list[IntentPrediction]:
        rows = nearest.probabilities(embeddings_of(tickets))
        return [
            IntentPrediction(label=label, confidence=confidence, source=sources[label], scores=scores)
            for label, confidence, scores in classification.ranked(nearest.labels, rows)
        ]

    return predict


def by_rules(rules: KeywordClassifier) -> Stage[IntentPrediction]:
    """Intent by keywords, with those that matched as evidence."""
    from ticketmill.domain.enrichment import IntentPrediction

    def predict(tickets: Sequence[EncodedTicket]) -> list[IntentPrediction]:
        return [
            IntentPrediction(
                label=match.label,
                confidence=match.confidence,
                source=classification.source_of_rules(match),
                evidence=classification.evidence_of_rules(match),
            )
            for match in (rules.classify(each.text) for each in tickets)
        ]

    return predict


def by_classifier(
    classifier: Classifier, own: Sequence[str], labels: Sequence[str]
) -> Loaded[IntentPrediction]:
    """Intent by a named classifier; `labels` are ours for each of the model's `own`."""
    from ticketmill.models.transformers.labels import merged

    def predict(tickets: Sequence[EncodedTicket]) -> list[IntentPrediction]:
        return [
            _predicted(merged(row, labels), dict(zip(own, row, strict=True)))
            for row in classification.rows_of(classifier.probabilities(texts_of(tickets)))
        ]

    return Loaded(classifier.resident_mb, predict)


def by_entailment(
    model: ZeroShot, labels: Sequence[str], rank: Rank, candidates: int
) -> Loaded[IntentPrediction]:
    """The label that follows best from the text, among the `candidates` that rank first."""

    def predict(tickets: Sequence[EncodedTicket]) -> list[IntentPrediction]:
        from ticketmill.models.heads import activate

        return [
            _predicted(
                dict(zip(asked, activate(logits[None], "softmax")[0].astype(float).tolist(), strict=True)),
                dict(zip(asked, alone, strict=True)),
            )
            for asked, logits, alone in ask(model, tickets, labels, rank, candidates)
        ]

    return Loaded(model.resident_mb, predict)


def _predicted(scores: dict[str, float], raw: dict[str, float]) -> IntentPrediction:
    from ticketmill.domain.enrichment import IntentPrediction

    label = max(scores, key=lambda name: scores[name])
    return IntentPrediction(
        label=label,
        confidence=min(round(scores[label], classification.DECIMALS), 1.0),
        source=Source.HUB,
        scores=classification.rounded(scores),
        raw_scores=classification.rounded(raw),
    )


def of_learned(_ticket: EncodedTicket, chosen: Chosen) -> IntentPrediction:
    """Intent by a learned version."""
    from ticketmill.domain.enrichment import IntentPrediction

    label, confidence = chosen.best
    return IntentPrediction(label=label, confidence=confidence, source=Source.LEARNED, scores=chosen.scores)


def of_machine(_ticket: EncodedTicket) -> IntentPrediction:
    """Machine mail asks for nothing."""
    from ticketmill.domain.enrichment import IntentPrediction

    return IntentPrediction(label=Intent.GENERAL_INQUIRY, confidence=1.0, source=Source.RULE)


TASK: Task[IntentPrediction] = Task(
    name=NAME,
    columns=labelled(NAME),
    label=NAME,
    confidence=f"{NAME}_confidence",
    is_listed=True,
    is_correctable=True,
    of_machine=of_machine,
    of_learned=of_learned,
    measured="class",
    review_reason=low_confidence(NAME),
    row_lines=label_line(NAME),
    detail_lines=evidence_line(NAME),
)
