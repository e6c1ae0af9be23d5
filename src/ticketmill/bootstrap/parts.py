"""Builds what models of parts are trained with, and trains them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ticketmill.bootstrap.fine_tuning import fine_tuning_of
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.bootstrap.training import Trainer
    from ticketmill.domain.job import Parts
    from ticketmill.domain.model_card import ModelVersion
    from ticketmill.learning.parts.ports import Resources
    from ticketmill.learning.snapshots import Snapshot
    from ticketmill.learning.store import LearningStore


def make_part_resources(settings: Settings, trainer: Trainer) -> Resources:
    """What parts may use of this machine. SetupError where there is no bundle."""
    from ticketmill.encoder.bundle import TOKENIZER, load_bundle
    from ticketmill.learning.parts.ports import Resources
    from ticketmill.learning.parts.tokenizers import tokenizer_json

    bundle = load_bundle(settings.bundle_dir)

    def tokenizer_of(source: str | None) -> bytes:
        return bundle.path(TOKENIZER).read_bytes() if source is None else tokenizer_json(source)

    return Resources(
        trainer.encode,
        tokenizer_of,
        lambda source: fine_tuning_of(settings, bundle, trainer.report, source),
    )


def train_parts(
    settings: Settings,
    trainer: Trainer,
    store: LearningStore,
    snapshot: Snapshot,
    parts: Parts,
    who: str,
    job: str | None = None,
) -> ModelVersion:
    """Trains a model of `parts` on a dataset and registers the version.

    Without `job` the same dataset, parts and bundle are one job.
    """
    from ticketmill.learning.card import with_card
    from ticketmill.learning.doubted import doubted_labels
    from ticketmill.learning.parts.model import fit_parts
    from ticketmill.learning.training import Fitted, Training, TrainingRequest

    manifest = snapshot.manifest

    def fit() -> Fitted:
        resources = make_part_resources(settings, trainer)
        trained = snapshot.trained
        fitted = fit_parts(trained, manifest.task, manifest.kind, parts, resources, trainer.report)
        judged = trainer.judge(fitted, snapshot.held_out) if snapshot.held_out else None
        seen = [trained[at] for at in fitted.held_out.rows]
        doubted = doubted_labels(seen, fitted.spec, fitted.held_out.probabilities)
        made = with_card(fitted, trained, judged, manifest.name, trainer.encoder)
        return replace(made, doubted=doubted)

    request = TrainingRequest(manifest.task, job or _job_of(manifest.name, trainer.encoder, parts), who)
    return Training(store, limit=timedelta(seconds=settings.training_limit_s)).run(request, fit)


def _job_of(dataset: str, encoder: str, parts: Parts) -> str:
    digest = hashlib.sha256(parts.model_dump_json().encode()).hexdigest()
    return f"{dataset[:16]}-{encoder[:16]}-parts-{digest[:12]}"
