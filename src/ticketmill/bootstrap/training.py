"""Builds what trains models: the bundle's encoder behind its cache, and its heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from ticketmill.bootstrap.features import make_feature_cache
from ticketmill.bootstrap.fine_tuning import FineTuners, make_fine_tuner
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.domain.dataset import Example
    from ticketmill.domain.job import JobRequest
    from ticketmill.domain.model_card import CurvePoint, Interval, ModelVersion, TaskKind
    from ticketmill.learning.families import Encode
    from ticketmill.learning.feature_cache import CachedFeatures
    from ticketmill.learning.fit import FittedTask
    from ticketmill.learning.job_records import JobRecords
    from ticketmill.learning.judge import Judged
    from ticketmill.learning.ports import LearningObjects
    from ticketmill.learning.snapshots import Snapshot
    from ticketmill.learning.store import LearningStore
    from ticketmill.models.heads import Heads

Report = Callable[[str], None]
Progress = Callable[[str, int], AbstractContextManager[Any]]
"""Shows how many items of a kind are done."""


@dataclass(frozen=True, slots=True)
class Trainer:
    """Fits models on the bundle of this machine. What it has encoded is kept in `objects`."""

    encode: Encode
    heads: Heads
    encoder: str
    """The bundle's fingerprint."""
    report: Report
    fine_tuning: FineTuners
    tiers: Mapping[str, int]
    """The tiers of recipes, and from how many labels each begins."""

    def fit(self, examples: Sequence[Example], task: str, kind: TaskKind) -> FittedTask:
        """A model of `task`."""
        from ticketmill.learning.fit import fit_task

        tune = self.fine_tuning.tune
        return fit_task(examples, self.encode, self.heads, task, kind, self.report, self.tiers, tune)

    def judge(self, fitted: FittedTask, examples: Sequence[Example]) -> Judged:
        """What the model says of examples that it was not trained on."""
        from ticketmill.learning.judge import judge
        from ticketmill.learning.model_files import load_model

        return judge(load_model(fitted.files), examples, self.encode, self.heads)

    def accuracy(
        self, trained: Sequence[Example], held_out: Sequence[Example], task: str, kind: TaskKind
    ) -> Interval:
        """How a model of `trained` does on the hold-out; without one, in its cross-validation."""
        from ticketmill.learning.judge import Judged, measure

        fitted = self.fit(trained, task, kind)
        if held_out:
            judged = self.judge(fitted, held_out)
        else:
            judged = Judged([trained[at] for at in fitted.held_out.rows], fitted.held_out.probabilities)
        return measure(judged, fitted.spec).accuracy

    def curve(self, snapshot: Snapshot, of_all: Interval) -> tuple[CurvePoint, ...]:
        """The learning curve of a dataset; `of_all` is the accuracy of a model of all its examples."""
        from ticketmill.learning.curve import curve_of

        task, kind, held_out = snapshot.manifest.task, snapshot.manifest.kind, snapshot.held_out
        return curve_of(snapshot.trained, lambda some: self.accuracy(some, held_out, task, kind), of_all)


def make_trainer(
    settings: Settings,
    objects: LearningObjects,
    report: Report,
    progress: Progress,
    fine_tune: bool = False,
    features: CachedFeatures | None = None,
) -> Trainer:
    """With `fine_tune` encoders are fine-tuned without a GPU, too. `features` is a cache that has the encoder
    already. SetupError where there is no bundle."""
    from ticketmill.encoder.bundle import load_bundle
    from ticketmill.learning.packed_features import Pooled
    from ticketmill.learning.recipes import tiers_from
    from ticketmill.models.heads import ARRAYS_FILE, MANIFEST_FILE, load_heads

    bundle = load_bundle(settings.bundle_dir)
    cache = features or make_feature_cache(settings, objects)

    def encode(texts: Sequence[str]) -> Pooled:
        with progress("texts", len(texts)) as advance:
            return cache.transform(texts, advance)

    heads = load_heads({name: bundle.path(name).read_bytes() for name in (ARRAYS_FILE, MANIFEST_FILE)})
    tuners = make_fine_tuner(settings, bundle, fine_tune, report)
    tiers = tiers_from(settings.learning_tiers)
    return Trainer(encode, heads, bundle.fingerprint, report, tuners, tiers)


def train_dataset(
    settings: Settings,
    trainer: Trainer,
    store: LearningStore,
    snapshot: Snapshot,
    who: str,
    job: str,
    with_curve: bool = False,
) -> ModelVersion:
    """Trains on a dataset and registers the version of `job`."""
    from ticketmill.learning.card import with_card
    from ticketmill.learning.doubted import doubted_labels
    from ticketmill.learning.training import Fitted, Training, TrainingRequest

    manifest, tuning = snapshot.manifest, trainer.fine_tuning

    def fit() -> Fitted:
        fitted = trainer.fit(snapshot.trained, manifest.task, manifest.kind)
        judged = trainer.judge(fitted, snapshot.held_out) if snapshot.held_out else None
        seen = [snapshot.trained[at] for at in fitted.held_out.rows]
        doubted = doubted_labels(seen, fitted.spec, fitted.held_out.probabilities)
        made = with_card(fitted, snapshot.trained, judged, manifest.name, trainer.encoder, tuning.missing)
        made = replace(made, doubted=doubted)
        if with_curve:
            curve = trainer.curve(snapshot, made.card.accuracy)
            made = replace(made, card=made.card.model_copy(update={"curve": curve}))
        return made

    request = TrainingRequest(manifest.task, job, who)
    return Training(store, limit=timedelta(seconds=settings.training_limit_s)).run(request, fit)


def training_job_id(settings: Settings, jobs: JobRecords, request: JobRequest) -> str:
    """The id of a training that a person asks for: the same dataset on the same bundle is one job.

    With a learning curve, with a fine-tuned encoder or with other tiers it is another one, and so it is after
    one that failed.

    SetupError where there is no bundle, or where a package is missing.
    """
    from ticketmill.domain.job import JobStatus
    from ticketmill.encoder.bundle import load_bundle
    from ticketmill.learning.recipes import TIERS, tiers_from

    bundle = load_bundle(settings.bundle_dir)
    tunes = make_fine_tuner(settings, bundle, request.fine_tune, lambda _: None).tune is not None
    name = f"{str(request.documents.dataset)[:16]}-{bundle.fingerprint[:16]}"
    name += "-curve" * request.curve + "-fine-tuned" * tunes
    if tiers_from(settings.learning_tiers) != TIERS:
        name += "-tiers-" + settings.learning_tiers.replace(",", "-")

    def gave_nothing(job_id: str) -> bool:
        job = jobs.get(job_id)
        return job is not None and job.status in (JobStatus.FAILED, JobStatus.CANCELLED)

    again = (f"{name}-again-{attempt}" for attempt in count(2))
    return next(each for each in chain([name], again) if not gave_nothing(each))
