"""Builds the enricher: the bundle's models, what serves each task, and the fingerprint of it all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ticketmill.bootstrap.entities import entity_settings, make_finder
from ticketmill.domain.model_choice import CHOICES, HubTask
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.domain.taxonomy import Taxonomy
    from ticketmill.encoder.bundle import Bundle
    from ticketmill.models.heads import Head, Heads
    from ticketmill.models.prototypes import Prototypes
    from ticketmill.models.topics import Blend, TopicScorer
    from ticketmill.models.transformers.store import Located
    from ticketmill.pipeline.enricher import Enricher
    from ticketmill.tasks.stage import Served
    from ticketmill.text.language import LanguageDetector

DECISIVE_OF_HUB = (
    "hub_precision",
    "sentiment_labels",
    "intent_labels",
    "nli_candidates",
    "summary_beams",
    "summary_min_tokens",
    "summary_max_tokens",
)
"""Settings that decide what named models say."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the stages of the one pass are made of."""

    heads: Heads
    prototypes: Mapping[str, Prototypes]
    blend: Blend
    scorer: TopicScorer
    detector: LanguageDetector

    @property
    def taxonomies(self) -> dict[str, Taxonomy]:
        """The taxonomies of the bundle, by task."""
        return {task: each.taxonomy for task, each in self.prototypes.items()}

    def head(self, task: str) -> Head:
        """The trained head of a task."""
        return self.heads.tasks[task]


def load_enricher(settings: Settings) -> Enricher:
    """The models of the settings, verified, loaded and run once.

    SetupError where one is missing, truncated, foreign or cannot be loaded.
    """
    # before the bundle: a wrong name is told at once
    located = located_models(settings)

    from ticketmill.text.language import LanguageDetector

    # first of all that loads: it does so beside the rest
    detector = LanguageDetector()

    from threadpoolctl import threadpool_limits

    from ticketmill.encoder.bundle import load_bundle
    from ticketmill.encoder.cache import CachedEncoder
    from ticketmill.encoder.encoder import Encoder
    from ticketmill.pipeline.enricher import Enricher

    # numpy's own threads would wait, spinning, on the cores that the encoder's threads need
    threadpool_limits(limits=1, user_api="blas")
    bundle = load_bundle(settings.bundle_dir)
    parts = load_parts(bundle, detector)
    encoder = bundle.manifest.encoder
    onepass = Enricher(
        encoder=CachedEncoder(Encoder(bundle, settings.threads), settings.encode_cache_bytes),
        encoder_name=f"{encoder.name}/{encoder.precision}",
        heads=parts.heads,
        served=served_by_onepass(settings, parts, encoder.dimensions),
        fingerprint=fingerprint_of(settings, bundle.fingerprint, located),
        finder=make_finder(settings),
    )
    if not located:
        return onepass
    # as above, for torch's threads; it is read when torch is first imported
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from ticketmill.bootstrap.named_models import with_named_models

    return with_named_models(settings, onepass, located, parts.taxonomies, parts.scorer)


def load_parts(bundle: Bundle, detector: LanguageDetector) -> Parts:
    """The heads, prototypes and weights of a bundle."""
    from ticketmill.models.heads import ARRAYS_FILE, MANIFEST_FILE, load_heads
    from ticketmill.models.prototypes import load_prototypes
    from ticketmill.models.topics import TopicScorer, load_blend

    heads = load_heads({name: bundle.path(name).read_bytes() for name in (ARRAYS_FILE, MANIFEST_FILE)})
    prototypes, blend = load_prototypes(bundle), load_blend(bundle)
    scorer = TopicScorer(prototypes["topics"], heads.tasks["topics"], blend)
    return Parts(heads, prototypes, blend, scorer, detector)


def served_by_onepass(settings: Settings, parts: Parts, dimensions: int) -> dict[str, Served[Any]]:
    """What serves each task where no named model does."""
    from ticketmill.models.rules import urgency_rules
    from ticketmill.tasks import embedding, entities, language, sentiment, summary, topics, urgency
    from ticketmill.tasks.stage import Served

    head = parts.head
    by_rules = settings.urgency == "rules"
    return {
        "intent": _served_intent(settings, parts),
        "urgency": Served(
            urgency.by_rules(urgency_rules()) if by_rules else urgency.by_head(head("urgency")),
            settings.urgency,
            head("urgency").spec.review_below,
        ),
        "sentiment": Served(
            sentiment.by_head(head("sentiment")), "onepass", head("sentiment").spec.review_below
        ),
        "topics": Served(topics.by_scorer(parts.scorer), "onepass"),
        "summary": Served(summary.extractive(), "extractive"),
        "language": Served(language.by_detector(parts.detector), "py3langid"),
        "entities": Served(entities.by_patterns, "patterns"),
        "embedding": Served(embedding.by_encoder, f"onepass/{dimensions}"),
    }


def _served_intent(settings: Settings, parts: Parts) -> Served[Any]:
    """What serves the intent.

    The head serves the taxonomy that it was trained on. Prototypes serve any other throughout, because the
    confidences of the two cannot be compared.
    """
    from ticketmill.models.rules import intent_rules
    from ticketmill.models.topics import NearestIntent
    from ticketmill.tasks import intent
    from ticketmill.tasks.stage import Served

    head, prototypes = parts.head("intent"), parts.prototypes["intent"]
    if settings.intent == "rules":
        return Served(intent.by_rules(intent_rules()), "rules", head.spec.review_below)
    if set(prototypes.taxonomy.names) == set(head.spec.labels):
        return Served(intent.by_head(head), "onepass", head.spec.review_below)
    nearest = NearestIntent(prototypes, parts.blend)
    return Served(intent.by_prototypes(nearest), "prototypes", nearest.review_below)


def current_fingerprint(settings: Settings) -> str:
    """The fingerprint that `load_enricher` gives, without loading a model. SetupError where there is none."""
    from ticketmill.encoder.bundle import read_manifest

    return fingerprint_of(settings, read_manifest(settings.bundle_dir).fingerprint, located_models(settings))


def located_models(settings: Settings) -> dict[HubTask, Located]:
    """The files of the named models that the settings choose. SetupError where one is missing."""
    chosen = {task: choice for task in CHOICES if (choice := settings.choice(task)).model}
    if not chosen:
        return {}
    from ticketmill.models.transformers.store import locate, require_hub

    for task in chosen:
        require_hub(f"TICKETMILL_{task.upper()}")
    return {
        task: locate(choice, settings.cache_dir, f"TICKETMILL_{task.upper()}")
        for task, choice in chosen.items()
    }


def fingerprint_of(settings: Settings, bundle: str, located: Mapping[HubTask, Located]) -> str:
    """12 hex digits that stand for all that decides an output; the bundle's own where nothing else does.

    A precision that is left to the processor counts as such: workers on different ones agree.
    """
    decisive: dict[str, object] = {
        task: located[task].name if task in located else settings.choice(task).kind
        for task, (default, *_) in CHOICES.items()
        if settings.choice(task).kind != default
    }
    decisive |= {} if settings.urgency == "onepass" else {"urgency": settings.urgency}
    if settings.priority_numbers is not None:  # it decides what a priority is, and so what contradicts it
        decisive["priority_numbers"] = settings.priority_numbers
    decisive |= entity_settings(settings)
    if not decisive:
        return bundle
    decisive |= {name: getattr(settings, name) for name in DECISIVE_OF_HUB} if located else {}
    canonical = json.dumps({"bundle": bundle, **decisive}, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
