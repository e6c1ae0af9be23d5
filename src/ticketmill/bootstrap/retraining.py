"""Builds what trains tasks again: the triggers of a stack, and the trainer that a message sets to work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from ticketmill.bootstrap.adapters import Adapters
from ticketmill.bootstrap.corrections import make_corrections
from ticketmill.bootstrap.datasets import (
    LabelSources,
    WantedDataset,
    build_dataset,
    open_sources,
)
from ticketmill.bootstrap.drift import make_drift_watch
from ticketmill.bootstrap.learning import learning_store_of
from ticketmill.bootstrap.training import Progress, Trainer, make_trainer, train_dataset
from ticketmill.domain.errors import LearningCode, LearningRefused, TransientFailure
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.domain.dataset import Dataset
    from ticketmill.domain.label import Correction
    from ticketmill.domain.model_card import ModelVersion
    from ticketmill.domain.training_request import TrainingMessage
    from ticketmill.learning.drift import DriftReport
    from ticketmill.learning.snapshots import Snapshot
    from ticketmill.learning.store import LearningStore
    from ticketmill.learning.triggers import Due, TriggerPolicy

TrainSnapshot = Callable[["Snapshot", str], "ModelVersion"]
"""Trains on a dataset, and registers the version under the name of who asked for it."""

DRIFT_SINCE = timedelta(days=30)

log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Triggers:
    """Whether tasks are due, by one look at the journal and one at the drift."""

    store: LearningStore
    journal: Callable[[], Sequence[Correction]]
    report: Callable[[], DriftReport | None]
    policy: TriggerPolicy
    now: Callable[[], datetime] = field(default=_now, repr=False)

    def due(self, task: str, *, by_hand: bool = False) -> Due | None:
        """Why a task should be trained now; None where it should not."""
        from ticketmill.learning.triggers import due, state_of

        drift = None if by_hand else self._drift
        state = state_of(
            task,
            self._corrections,
            self._trained_on(task),
            drifted=drift is not None and drift.inputs_drifted,
            audits_fell_short=drift is not None and drift.audits_fell_short(task),
            by_hand=by_hand,
            last_end=self.store.runs.last_end(task),
        )
        return due(state, self.now(), self.policy)

    def _trained_on(self, task: str) -> Dataset | None:
        """The dataset of the newest version: one that was built and never trained on starts no count."""
        versions = self.store.versions.versions(task)
        names = [version.dataset for version in versions[:1]]
        return next((each for each in self.store.datasets.datasets(task) if each.name in names), None)

    @cached_property
    def _corrections(self) -> Sequence[Correction]:
        return self.journal()

    @cached_property
    def _drift(self) -> DriftReport | None:
        return self.report()


@dataclass(frozen=True)
class Retrainer:
    """Trains what a message asks for. It never promotes."""

    settings: Settings
    store: LearningStore
    sources: LabelSources
    tasks: Sequence[str]
    """The tasks that people label, for a message that names none."""
    triggers: Callable[[], Triggers]
    train: TrainSnapshot

    def __call__(self, request: TrainingMessage) -> None:
        """Trains the task, or each task in turn; one that is refused does not keep the next one from it."""
        triggers = self.triggers()
        tasks = self.tasks if request.task is None else (request.task,)
        for task in tasks:
            try:
                self.train_task(task, request.who, triggers, by_hand=not request.if_due)
            except LearningRefused as refused:
                if request.task is not None:
                    raise
                log.warning("%s is not trained: %s", task, refused)

    def train_task(
        self, task: str, who: str, triggers: Triggers, *, by_hand: bool = False
    ) -> ModelVersion | None:
        """A version of a new dataset of all labels so far; None where the task is not due."""
        due = triggers.due(task, by_hand=by_hand)
        if due is None:
            log.info("%s is not due", task)
            return None
        log.info("%s is trained: %s", task, due.reason)
        built = build_dataset(self.settings, WantedDataset(task), self.store, self.sources, log.info)
        version = self.train(built, who)
        log.info("%s is registered, and serves nothing yet", version.name)
        return version


@contextmanager
def open_retrainer(settings: Settings, adapters: Adapters, progress: Progress) -> Iterator[Retrainer]:
    """What trains the tasks of a stack again. SetupError where the stack has no learning table yet."""

    @cache
    def trainer() -> Trainer:
        return make_trainer(settings, learning_store_of(settings, adapters).objects, log.info, progress)

    with open_sources(settings, None, journal=True) as (store, sources):
        yield Retrainer(
            settings,
            store,
            sources,
            tuple(make_corrections(settings, adapters).tasks),
            partial(make_triggers, settings, adapters),
            lambda snapshot, who: train_dataset(settings, trainer(), store, snapshot, who),
        )


def make_triggers(settings: Settings, adapters: Adapters) -> Triggers:
    """The triggers of a stack. SetupError where the stack has no learning table yet."""
    from ticketmill.learning.drift import ALPHA, NEWEST_TICKETS
    from ticketmill.learning.triggers import TriggerPolicy
    from ticketmill.telemetry.drift import write_emf

    watch = make_drift_watch(settings, adapters)

    def report() -> DriftReport | None:
        try:
            found = watch.report(_now() - DRIFT_SINCE, NEWEST_TICKETS, ALPHA)
        except LearningRefused as refused:
            if refused.code is not LearningCode.TOO_FEW_TICKETS:
                raise
            log.info("drift is not judged: %s", refused)
            return None
        try:
            watch.keep(found, _now())
        except TransientFailure as failure:
            log.warning("the report of drift is not kept: %s", failure)
        if settings.emf:
            write_emf({check.name: check.drifted for check in found.checks}, settings.stack)
        return found

    return Triggers(
        learning_store_of(settings, adapters),
        journal=lambda: list(watch.journal.walk()),
        report=report,
        policy=TriggerPolicy(cool_down=timedelta(seconds=settings.training_pause_s)),
    )
