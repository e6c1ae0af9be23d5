"""From tickets to enrichments: one encoder pass a batch, and everything read off it. No I/O."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketmill.batching import grouped
from ticketmill.bisection import bisect
from ticketmill.domain.enrichment import Enrichment, LatencyMs
from ticketmill.domain.labels import Status
from ticketmill.domain.ticket import Ticket
from ticketmill.encoder.cache import CachedEncoder
from ticketmill.encoder.encoder import Encoded
from ticketmill.models.heads import Heads
from ticketmill.models.transformers.runner import ModelRunner
from ticketmill.tasks.stages import Fallback, Prediction, Read, Stage, Stages
from ticketmill.text.markup import plain_text

log = logging.getLogger(__name__)

EMBEDDING_DECIMALS = 7

# all-MiniLM-L6-v2 was trained on English
ENCODER_LANGUAGE = "en"
# where the detector is less sure, it is more often wrong than the text foreign
FOREIGN_FROM = 0.8
# Tickets are enriched by parts of a batch whose texts have at most so many characters, those that no text is
# read beyond left out: a token has at least one and takes 1.5 kB until its ticket is done, 25 MB a part.
PART_CHARACTERS = 16_384


@dataclass(frozen=True)
class Enricher:
    """Enriches batches of tickets. Holds the models, keeps nothing of a ticket.

    `review_below` has the confidence, by task, under which a person should look; `models` says what serves
    each task; `fingerprint` names the bundle and whatever else decides an output. `runners` are those of the
    named models among the stages.
    """

    encoder: CachedEncoder
    heads: Heads
    stages: Stages
    review_below: Mapping[str, float]
    models: Mapping[str, str]
    fingerprint: str
    runners: tuple[ModelRunner[Read, Any], ...] = field(default=())

    def enrich(self, tickets: Sequence[Ticket]) -> list[Enrichment]:
        """The enrichments of `tickets`, in order.

        A stage that fails for a ticket is named in its `failed_stages` and leaves the rest of it standing;
        an encoder that fails raises.
        """
        return [
            enrichment
            for part in _parts(tickets, self.encoder.most_tokens)
            for enrichment in self._enrich(part)
        ]

    def _enrich(self, tickets: Sequence[Ticket]) -> list[Enrichment]:
        started = time.perf_counter()
        texts = [ticket.text for ticket in tickets]
        # blanked, not cut out: what the encoder says about places holds for the text as it is
        encoded = self.encoder.encode([plain_text(text) for text in texts])
        encode_ms = _ms_each(started, len(tickets))
        started = time.perf_counter()
        reads = self._read(tickets, encoded)
        predictions: dict[str, Sequence[object]] = {
            "embedding": _run("embedding", self.stages.embedding, reads),
            "intent": _run("intent", self.stages.intent, reads),
            "urgency": _run("urgency", self.stages.urgency, reads),
            "sentiment": _run("sentiment", self.stages.sentiment, reads),
            "topics": _run("topics", self.stages.topics, reads),
            "summary": _run("summary", self.stages.summary, reads),
            "language": _run("language", self.stages.language, reads),
        }
        latency = LatencyMs(encode=encode_ms, heads=_ms_each(started, len(tickets)))
        return [
            self._assemble(read, {task: predicted[place] for task, predicted in predictions.items()}, latency)
            for place, read in enumerate(reads)
        ]

    def read(self, tickets: Sequence[Ticket]) -> list[Read]:
        """`tickets` as the stages get them."""
        return self._read(tickets, self.encoder.encode([plain_text(ticket.text) for ticket in tickets]))

    def _read(self, tickets: Sequence[Ticket], encoded: Sequence[Encoded]) -> list[Read]:
        features = self.heads.read(
            [ticket.text for ticket in tickets], np.stack([each.layers for each in encoded])
        )
        return [Read(*each) for each in zip(tickets, encoded, features, strict=True)]

    def _assemble(self, read: Read, stage_results: Mapping[str, Any], latency: LatencyMs) -> Enrichment:
        fallen_back = {task: each for task, each in stage_results.items() if isinstance(each, Fallback)}
        predictions = {**stage_results, **{task: each.prediction for task, each in fallen_back.items()}}
        failed = tuple(task for task, prediction in predictions.items() if prediction is None)
        reasons = self._review_reasons(predictions)
        embedding = predictions.pop("embedding")
        return Enrichment(
            **predictions,
            embedding=() if embedding is None else _as_floats(embedding),
            tokens=read.encoded.tokens,
            truncated=read.encoded.truncated,
            windows=read.encoded.windows,
            needs_review=bool(reasons),
            review_reasons=reasons,
            status=Status.PARTIAL if failed or fallen_back else Status.ENRICHED,
            failed_stages=failed,
            fallbacks={task: each.reason for task, each in fallen_back.items()},
            fingerprint=self.fingerprint,
            models=dict(self.models),
            processed_at=datetime.now(UTC),
            latency_ms=latency,
        )

    def _review_reasons(self, predictions: Mapping[str, Any]) -> tuple[str, ...]:
        """Why a person should look at the ticket."""
        reasons = [
            f"{task}_confidence"
            for task, threshold in self.review_below.items()
            if predictions[task] is not None and predictions[task].confidence < threshold
        ]
        language = predictions["language"]
        if language and language.label != ENCODER_LANGUAGE and language.confidence >= FOREIGN_FROM:
            reasons.append("language")
        if any(prediction is None for prediction in predictions.values()):
            reasons.append("failed_stage")
        return tuple(reasons)


def _parts(tickets: Sequence[Ticket], most_tokens: int) -> Iterator[list[Ticket]]:
    return grouped(
        tickets, lambda ticket: min(len(ticket.subject) + len(ticket.body), most_tokens), PART_CHARACTERS
    )


def _run(
    task: str, stage: Stage[Prediction], reads: Sequence[Read]
) -> list[Prediction | Fallback[Prediction] | None]:
    """A stage over a batch; None for a ticket that it fails on."""
    predictions: list[Prediction | Fallback[Prediction] | None] = []
    for read, prediction in zip(reads, bisect(reads, stage), strict=True):
        if isinstance(prediction, Exception):
            log.error("stage %s failed for %s: %s", task, read.ticket.ticket_id, type(prediction).__name__)
            predictions.append(None)
        else:
            predictions.append(prediction)
    return predictions


def _as_floats(vector: NDArray[np.float32]) -> tuple[float, ...]:
    """As JSON numbers: seven decimals lose nothing that a unit vector of float32 holds."""
    return tuple(vector.astype(float).round(EMBEDDING_DECIMALS).tolist())


def _ms_each(started: float, count: int) -> float:
    return round((time.perf_counter() - started) * 1000 / max(count, 1), 3)
