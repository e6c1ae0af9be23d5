"""From tickets to enrichments: one encoder pass a batch, and every task read off it. No I/O."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ticketmill.arrays import Floats
from ticketmill.batching import grouped
from ticketmill.bisection import bisect
from ticketmill.domain.enrichment import CustomPrediction, Enrichment, LatencyMs
from ticketmill.domain.labels import Status
from ticketmill.domain.ticket import Ticket
from ticketmill.encoder.cache import CachedEncoder
from ticketmill.encoder.encoder import Encoded, branches_of
from ticketmill.models.heads import Heads
from ticketmill.models.transformers.runner import ModelRunner
from ticketmill.pipeline.learned import NOTHING_LEARNED, Learned
from ticketmill.tasks import custom
from ticketmill.tasks.margin import margins_of
from ticketmill.tasks.stage import EncodedTicket, Fallback, Prediction, Served, Stage
from ticketmill.tasks.table import TASKS
from ticketmill.tasks.task import Task
from ticketmill.text.entities.finder import EntityFinder
from ticketmill.text.reading import Reading, read_ticket

log = logging.getLogger(__name__)

EMBEDDING_DECIMALS = 7
NO_MODEL = "none"

PART_CHARACTERS = 16_384
"""Tickets are enriched in parts of a batch of at most so many characters, those beyond what is read of a text
left out. A token has at least one character and takes 1.5 kB until its ticket is done: 25 MB a part."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Enricher:
    """Enriches batches of tickets. Holds the models, keeps nothing of a ticket.

    `served` has what serves each task of the table. `fingerprint` names the bundle and whatever else decides
    an output, `finder` finds the entities. `runners` are those of the named models among the stages.
    """

    encoder: CachedEncoder
    encoder_name: str
    heads: Heads
    served: Mapping[str, Served[Any]]
    fingerprint: str
    finder: EntityFinder
    runners: tuple[ModelRunner[EncodedTicket, Any], ...] = ()
    clock: Callable[[], datetime] = _now

    @property
    def models(self) -> dict[str, str]:
        """What serves each task, as every record says it."""
        return {"encoder": self.encoder_name, **{name: each.model for name, each in self.served.items()}}

    def enrich(self, tickets: Sequence[Ticket], learned: Learned = NOTHING_LEARNED) -> list[Enrichment]:
        """The enrichments of `tickets`, in order; what `learned` predicts takes the place of the bundle's.

        A task that fails for a ticket is named in its `failed_stages` and leaves the rest of it intact. An
        encoder that fails raises.
        """
        return [
            enrichment
            for part in _parts(tickets, self.encoder.most_tokens)
            for enrichment in self._enrich(part, learned)
        ]

    def encode(self, tickets: Sequence[Ticket]) -> list[EncodedTicket]:
        """`tickets` as the stages get them."""
        readings = [read_ticket(ticket) for ticket in tickets]
        return self._with_features(tickets, readings, self._encode(readings))

    def _enrich(self, tickets: Sequence[Ticket], learned: Learned) -> list[Enrichment]:
        started = time.perf_counter()
        readings = [read_ticket(ticket) for ticket in tickets]
        encoded = self._encode(readings)
        encode_ms = _ms_each(started, len(tickets))
        started = time.perf_counter()
        batch = self._with_features(tickets, readings, encoded)
        predictions = {task.name: self._predict(task, batch, learned) for task in TASKS}
        own = {name: _predict_custom(name, batch, learned) for name in learned.own_tasks}
        latency = LatencyMs(encode=encode_ms, heads=_ms_each(started, len(tickets)))
        return [
            self._assemble(each, _at(index, predictions), _at(index, own), latency, learned)
            for index, each in enumerate(batch)
        ]

    def _encode(self, readings: Sequence[Reading]) -> list[Encoded]:
        # blanked, not cut out: what the encoder says about positions holds for the text as it is
        return self.encoder.encode([reading.text for reading in readings])

    def _with_features(
        self, tickets: Sequence[Ticket], readings: Sequence[Reading], encoded: Sequence[Encoded]
    ) -> list[EncodedTicket]:
        layers = np.stack([each.layers for each in encoded])
        texts = [reading.text for reading in readings]
        with_forms = [reading.with_forms(each.text) for each, reading in zip(tickets, readings, strict=True)]
        features = self.heads.read(texts, layers, branches_of(encoded), with_forms)
        return [
            EncodedTicket(*each, self.finder)
            for each in zip(tickets, readings, encoded, features, strict=True)
        ]

    def _predict(self, task: Task[Any], batch: Sequence[EncodedTicket], learned: Learned) -> list[Any]:
        """The predictions of one task, by whatever serves it; a shadow is compared with them."""
        stage = self.served[task.name].stage
        if task.of_learned is None:
            return _run(task, stage, batch)
        predictions = _run(task, learned.stage(task.name, task.of_learned, stage), batch)
        told = [number for number, each in enumerate(batch) if not _is_known(task, each)]
        learned.compare(
            task.name,
            [batch[number] for number in told],
            [predictions[number] for number in told],
            lambda ticket_id: self._model_of(task.name, ticket_id, learned),
        )
        return predictions

    def _model_of(self, task: str, ticket_id: str, learned: Learned) -> str:
        model = learned.model_for(task, ticket_id)
        return self.served[task].model if model is None else model.name

    def _assemble(
        self,
        ticket: EncodedTicket,
        results: Mapping[str, Any],
        custom_results: Mapping[str, Any],
        latency: LatencyMs,
        learned: Learned,
    ) -> Enrichment:
        fallbacks = {task: each.reason for task, each in results.items() if isinstance(each, Fallback)}
        predictions = {
            task: each.prediction if isinstance(each, Fallback) else each for task, each in results.items()
        }
        failed = tuple(
            [task for task, prediction in predictions.items() if prediction is None]
            + [task for task, each in custom_results.items() if isinstance(each, Fallback)]
        )
        made = {task: each for task, each in custom_results.items() if isinstance(each, CustomPrediction)}
        reading, ticket_id = ticket.reading, ticket.ticket.ticket_id
        reasons = self._review_reasons(ticket, predictions, made, has_failed=bool(failed), learned=learned)
        embedding = predictions.pop("embedding")
        return Enrichment(
            **predictions,
            embedding=() if embedding is None else _as_floats(embedding),
            custom=made,
            margins=margins_of({**predictions, **made}),
            automatic=reading.automatic is not None,
            automatic_kind=reading.automatic,
            own_text=reading.own_text,
            text_characters={str(kind): count for kind, count in reading.characters().items()},
            tokens=ticket.encoded.tokens,
            truncated=ticket.encoded.truncated,
            windows=ticket.encoded.windows,
            needs_review=bool(reasons),
            review_reasons=reasons,
            status=Status.PARTIAL if failed or fallbacks else Status.ENRICHED,
            failed_stages=failed,
            fallbacks=fallbacks,
            fingerprint=learned.rollout.fingerprint_for(self.fingerprint, ticket_id),
            rollout_serial=learned.rollout.serial,
            models={**self.models, **learned.names_for(ticket_id)},
            arms=learned.arms_for(ticket_id),
            processed_at=self.clock(),
            latency_ms=latency,
        )

    def _review_reasons(
        self,
        ticket: EncodedTicket,
        predictions: Mapping[str, Any],
        made: Mapping[str, CustomPrediction],
        *,
        has_failed: bool,
        learned: Learned,
    ) -> tuple[str, ...]:
        """Why a person should look at the ticket."""
        reading = ticket.reading
        reasons = [
            task.review_reason(
                predictions[task.name], self._review_below(task.name, ticket.ticket.ticket_id, learned)
            )
            for task in TASKS
            if predictions[task.name] is not None
        ]
        models = {task: learned.model_for(task, ticket.ticket.ticket_id) for task in made}
        limits = {task: model.review_below for task, model in models.items() if model is not None}
        reasons += custom.review_reasons(made, limits)
        if has_failed:
            reasons.append("failed_stage")
        if reading.automatic is None and not reading.says_something:
            reasons.append("no_text")
        return tuple(filter(None, reasons))

    def _review_below(self, task: str, ticket_id: str, learned: Learned) -> float:
        model = learned.model_for(task, ticket_id)
        return self.served[task].review_below if model is None else model.review_below


def _parts(tickets: Sequence[Ticket], most_tokens: int) -> Iterator[list[Ticket]]:
    return grouped(
        tickets, lambda ticket: min(len(ticket.subject) + len(ticket.body), most_tokens), PART_CHARACTERS
    )


def _run(
    task: Task[Prediction], stage: Stage[Prediction], batch: Sequence[EncodedTicket]
) -> list[Prediction | Fallback[Prediction] | None]:
    """A stage over a batch; None for a ticket that it fails on. Machine mail needs no model where the task
    knows what it is."""
    read = [each for each in batch if not _is_known(task, each)]
    results = dict(zip(map(id, read), bisect(read, stage) if read else (), strict=True))
    predictions: list[Prediction | Fallback[Prediction] | None] = []
    for each in batch:
        if task.of_machine is not None and id(each) not in results:
            predictions.append(task.of_machine(each))
        elif isinstance(prediction := results[id(each)], Exception):
            name, error = task.name, type(prediction).__name__
            log.error("stage %s failed for %s: %s", name, each.ticket.ticket_id, error)
            predictions.append(None)
        else:
            predictions.append(prediction)
    return predictions


def _predict_custom(task: str, batch: Sequence[EncodedTicket], learned: Learned) -> Sequence[Any]:
    """The predictions of a task of your own. None where no version predicts it for a ticket, and a Fallback
    where that one failed."""
    predictions = learned.stage(task, custom.of_learned, custom.without_model)(batch)
    learned.compare(
        task, batch, predictions, lambda ticket_id: learned.names_for(ticket_id).get(task, NO_MODEL)
    )
    return predictions


def _at(index: int, columns: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """What each task says of one ticket."""
    return {task: column[index] for task, column in columns.items()}


def _is_known(task: Task[Any], ticket: EncodedTicket) -> bool:
    """Whether the task knows what a ticket is, as a machine wrote it."""
    return task.of_machine is not None and ticket.reading.automatic is not None


def _as_floats(vector: Floats) -> tuple[float, ...]:
    """As JSON numbers: seven decimals lose nothing that a unit vector of float32 holds."""
    return tuple(vector.astype(float).round(EMBEDDING_DECIMALS).tolist())


def _ms_each(started: float, count: int) -> float:
    return round((time.perf_counter() - started) * 1000 / max(count, 1), 3)
