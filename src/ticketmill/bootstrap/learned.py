"""Builds what serves learned versions in the pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from ticketmill.bootstrap.adapters import Adapters
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.domain.model_card import ModelVersion
    from ticketmill.domain.rollout import Rollout
    from ticketmill.learning.store import LearningStore
    from ticketmill.pipeline.learned import Learned
    from ticketmill.pipeline.learned_serving import LearnedServing
    from ticketmill.pipeline.rollout_follower import RolloutFollower
    from ticketmill.pipeline.version_loader import VersionLoader
    from ticketmill.tasks.learned import Overlay

JUDGED_TICKETS = 5000
"""The newest tickets that an override rate is taken of: as many index entries as two or three reads hold."""


def make_learned_serving(settings: Settings, adapters: Adapters) -> LearnedServing | None:
    """What follows the rollout of a stack; None where the stack has no learning table."""
    if adapters.learning is None:
        return None
    return _learned_serving(settings, adapters, adapters.learning)


def make_rollout_follower(settings: Settings, adapters: Adapters) -> Callable[[], Learned]:
    """What serves now, for a place that only predicts: it compares no shadows and rolls nothing back."""
    from ticketmill.pipeline.learned import Learned

    return Learned if adapters.learning is None else _follower(settings, adapters.learning, Learned())


def current_rollout(adapters: Adapters) -> Rollout:
    """The decisions that hold now; of a stack without a learning table that none was made."""
    from ticketmill.domain.rollout import Rollout

    return Rollout() if adapters.learning is None else adapters.learning.rollouts.current()


def make_version_loader(settings: Settings, store: LearningStore) -> VersionLoader:
    """Loads versions for this machine's bundle."""
    from ticketmill.domain.model_card import version_name
    from ticketmill.encoder.bundle import encoder_fingerprint_of, read_manifest
    from ticketmill.learning.registry import find_version, load_files
    from ticketmill.pipeline.version_loader import VersionLoader

    def version_of(task: str, number: int) -> ModelVersion:
        return find_version(store, version_name(task, number))

    def model_of(files: Mapping[str, bytes]) -> Overlay:
        from ticketmill.learning.model_files import load_model

        return load_model(files)  # imported where a version is loaded: a stack may have none

    manifest = read_manifest(settings.bundle_dir)
    return VersionLoader(
        version_of,
        partial(load_files, store),
        model_of,
        frozenset({manifest.fingerprint, encoder_fingerprint_of(manifest)}),
    )


def _learned_serving(settings: Settings, adapters: Adapters, store: LearningStore) -> LearnedServing:
    from ticketmill.pipeline.arm_health import ArmHealths
    from ticketmill.pipeline.automatic_rollback import AutomaticRollback
    from ticketmill.pipeline.learned import Learned
    from ticketmill.pipeline.learned_serving import LearnedServing
    from ticketmill.pipeline.shadows import Shadows

    def newest(since: datetime, until: datetime | None) -> Iterable[tuple[str, Iterable[str]]]:
        found = adapters.queries.entries(since, until, JUDGED_TICKETS)
        with closing(found):
            return list(islice(found, JUDGED_TICKETS))

    shadows, healths = Shadows(store.objects.put), ArmHealths()
    reports = Learned(on_predicted=healths.predicted, on_compared=shadows.compared)
    follower = _follower(settings, store, reports)
    rollback = AutomaticRollback(store.rollouts.current, store.rollouts.replace, healths, newest)
    return LearnedServing(follower, shadows, rollback)


def _follower(settings: Settings, store: LearningStore, learned: Learned) -> RolloutFollower:
    """`learned` has what the versions report to."""
    from ticketmill.pipeline.rollout_follower import RolloutFollower

    return RolloutFollower(
        store.rollouts.current,
        store.rollouts.history,
        make_version_loader(settings, store),
        settings.rollout_refresh_s,
        learned,
    )
