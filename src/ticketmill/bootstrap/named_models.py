"""Builds the named models that the settings choose, over the one pass."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from transformers.utils import logging as transformers_logging

from ticketmill.arrays import Floats
from ticketmill.domain.errors import SetupError
from ticketmill.domain.model_choice import HubTask
from ticketmill.domain.taxonomy import Taxonomy
from ticketmill.domain.ticket import Ticket
from ticketmill.models.topics import TopicScorer
from ticketmill.models.transformers.classifier import Classifier, own_labels
from ticketmill.models.transformers.embedder import Embedder
from ticketmill.models.transformers.labels import intent_labels, sentiment_labels
from ticketmill.models.transformers.runner import ModelRunner
from ticketmill.models.transformers.runtime import Precision, resolve_precision
from ticketmill.models.transformers.store import Located
from ticketmill.models.transformers.summarizer import Summarizer, require_summarizer
from ticketmill.models.transformers.zero_shot import ZeroShot, verdict_positions
from ticketmill.pipeline.enricher import Enricher
from ticketmill.settings import Settings
from ticketmill.tasks import embedding, intent, sentiment, summary, topics
from ticketmill.tasks.stage import EncodedTicket, Loaded, Served, Stage, with_fallback

# long enough to be summed up: a run of the model that counts as one
SAMPLE = Ticket(
    ticket_id="warm-up",
    subject="The reset mail does not help",
    body="Since this morning none of us can log in. The reset mail arrives, but the new password is refused "
    "as well. Our front desk is writing everything down on paper and guests are waiting. Please call back.",
)

Load = Callable[[], Loaded[Any]]


@dataclass(frozen=True, slots=True)
class Builder:
    """What the loaders of all tasks need."""

    settings: Settings
    onepass: Mapping[str, Served[Any]]
    taxonomies: Mapping[str, Taxonomy]
    scorer: TopicScorer

    def precision(self, located: Located, task: HubTask) -> Precision:
        """The numbers that the model of `task` is run in."""
        asks_or_writes = located.choice.kind == "nli" or task == "summary"
        return resolve_precision(self.settings.hub_precision, heavy=asks_or_writes)

    def loader(self, task: HubTask, located: Located) -> Load:
        """What loads the model of `task`. SetupError where its configuration says that it cannot serve."""
        makers: dict[HubTask, Callable[[Located], Load]] = {
            "sentiment": self._sentiment,
            "summary": self._summary,
            "topics": self._topics,
            "intent": self._intent_by_entailment if located.choice.kind == "nli" else self._intent,
            "embedding": self._embedding,
        }
        make = makers[task](located)

        def load() -> Loaded[Any]:
            # of the thread that runs the model: other threads have a number of their own
            torch.set_num_threads(self.settings.threads)
            return make()

        return load

    def _sentiment(self, located: Located) -> Load:
        own = own_labels(located, "TICKETMILL_SENTIMENT")
        labels = sentiment_labels(located.choice.model, own, self.settings.sentiment_labels)
        return lambda: sentiment.by_classifier(
            Classifier(located, self.precision(located, "sentiment")), own, labels
        )

    def _intent(self, located: Located) -> Load:
        own = own_labels(located, "TICKETMILL_INTENT")
        ours = self.taxonomies["intent"].names
        labels = intent_labels(located.choice.model, own, ours, self.settings.intent_labels)
        return lambda: intent.by_classifier(
            Classifier(located, self.precision(located, "intent")), own, labels
        )

    def _intent_by_entailment(self, located: Located) -> Load:
        verdict_positions(located, "TICKETMILL_INTENT")
        labels = self.taxonomies["intent"].names

        def rank(tickets: Sequence[EncodedTicket]) -> Floats:
            predictions: Sequence[Any] = self.onepass["intent"].stage(tickets)
            scores = [each.scores for each in predictions]
            return np.array([[each[label] for label in labels] for each in scores], np.float32)

        return lambda: intent.by_entailment(
            ZeroShot(located, self.precision(located, "intent")), labels, rank, self.settings.nli_candidates
        )

    def _topics(self, located: Located) -> Load:
        verdict_positions(located, "TICKETMILL_TOPICS")
        taxonomy = self.taxonomies["topics"]
        return lambda: topics.by_entailment(
            ZeroShot(located, self.precision(located, "topics")),
            taxonomy.names,
            topics.rank_by_scorer(self.scorer),
            self.settings.nli_candidates,
            taxonomy.top_k,
        )

    def _summary(self, located: Located) -> Load:
        require_summarizer(located, "TICKETMILL_SUMMARY")
        settings = self.settings
        lengths = settings.summary_min_tokens, settings.summary_max_tokens
        return lambda: summary.by_summarizer(
            Summarizer(located, self.precision(located, "summary"), settings.summary_beams, lengths),
            self.onepass["summary"].stage,
        )

    def _embedding(self, located: Located) -> Load:
        return lambda: embedding.by_embedder(Embedder(located, self.precision(located, "embedding")))


def with_named_models(
    settings: Settings,
    onepass: Enricher,
    located: Mapping[HubTask, Located],
    taxonomies: Mapping[str, Taxonomy],
    scorer: TopicScorer,
) -> Enricher:
    """`onepass` with the stages of `located` served by named models, each loaded and run once.

    SetupError where one cannot serve its task, cannot be loaded, or holds more memory than there may be.
    """
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    builder = Builder(settings, onepass.served, taxonomies, scorer)
    one_at_a_time = threading.Lock()
    runners: dict[HubTask, ModelRunner[EncodedTicket, Any]] = {
        task: ModelRunner(
            task,
            f"{each.name}/{builder.precision(each, task)}",
            builder.loader(task, each),
            settings.hub_timeout_s,
            one_at_a_time,
        )
        for task, each in located.items()
    }
    names: dict[str, str] = {task: runner.name for task, runner in runners.items()}
    sample = onepass.encode([SAMPLE])
    for task, runner in runners.items():
        results = _warm(task, runner, sample)
        if task == "embedding":
            names[task] += f"/{len(results[0])}"
        _within_memory(list(runners.values()), settings.hub_max_mb)
    fallbacks: dict[str, Stage[Any]] = {
        "sentiment": onepass.served["sentiment"].stage,
        "summary": onepass.served["summary"].stage,
        "topics": topics.by_tags,
        "intent": onepass.served["intent"].stage,
        "embedding": embedding.missing,
    }
    served: dict[str, Served[Any]] = {
        task: replace(onepass.served[task], stage=with_fallback(runner, fallbacks[task]), model=names[task])
        for task, runner in runners.items()
    }
    return replace(onepass, served={**onepass.served, **served}, runners=tuple(runners.values()))


def _warm(
    task: HubTask, runner: ModelRunner[EncodedTicket, Any], sample: Sequence[EncodedTicket]
) -> Sequence[Any]:
    try:
        return runner.warm(sample)
    except SetupError:
        raise
    except Exception as error:  # whatever a broken file makes transformers raise
        what = f"{type(error).__name__}: {str(error).strip()[:300]}"
        raise SetupError(
            f"TICKETMILL_{task.upper()}: {runner.name} cannot be loaded and run: {what}"
        ) from error


def _within_memory(runners: Sequence[ModelRunner[EncodedTicket, Any]], most_mb: int | None) -> None:
    held = {runner.name: runner.health().resident_mb for runner in runners}
    if most_mb is not None and sum(held.values()) > most_mb:
        told = ", ".join(f"{name} {megabytes:,.0f} MB" for name, megabytes in held.items() if megabytes)
        raise SetupError(f"TICKETMILL_HUB_MAX_MB: the named models hold more than {most_mb:,} MB: {told}")
