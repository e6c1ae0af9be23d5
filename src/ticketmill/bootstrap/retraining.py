"""Builds what trains tasks again: the triggers of a stack, and the trainer that a message sets to work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
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
from ticketmill.bootstrap.jobs import OnProgress, make_job_runner
from ticketmill.bootstrap.learning import learning_store_of
from ticketmill.domain.errors import LearningCode, LearningRefused, TransientFailure
from ticketmill.domain.job import Documents, Job, JobKind, JobRequest, JobStatus
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.domain.dataset import Dataset
    from ticketmill.domain.job_message import TrainingMessage
    from ticketmill.domain.label import Correction
    from ticketmill.learning.drift import DriftReport
    from ticketmill.learning.jobs import JobRunner
    from ticketmill.learning.store import LearningStore
    from ticketmill.learning.triggers import Due, TriggerPolicy

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
    run: JobRunner

    def __call__(self, request: TrainingMessage, message_id: str) -> bool:
        """Trains the task, or each task in turn; one that is refused does not keep the next one from it.

        The message's id names the jobs, so that a message that is delivered twice asks for one training.
        False where one of them has to wait.
        """
        triggers, is_done = self.triggers(), True
        for task in self.tasks if request.task is None else (request.task,):
            try:
                job = self.train_task(
                    task, request.who, triggers, f"train-{task}-{message_id}", by_hand=not request.if_due
                )
                is_done &= job is None or job.status != JobStatus.QUEUED
            except LearningRefused as refused:
                if request.task is not None:
                    raise
                log.warning("%s is not trained: %s", task, refused)
        return is_done

    def train_task(
        self, task: str, who: str, triggers: Triggers, job_id: str, *, by_hand: bool = False
    ) -> Job | None:
        """The job that trains on a new dataset of all labels so far, run; None where the task is not due."""
        if self.store.jobs.get(job_id) is None:
            due = triggers.due(task, by_hand=by_hand)
            if due is None:
                log.info("%s is not due", task)
                return None
            log.info("%s is trained: %s", task, due.reason)
            built = build_dataset(self.settings, WantedDataset(task), self.store, self.sources, log.info)
            documents = Documents(dataset=built.manifest.name)
            asked = JobRequest(kind=JobKind.TRAIN, task=task, documents=documents, who=who)
            self.store.jobs.submit(job_id, asked, _now())
        return self.run(job_id)


@contextmanager
def open_retrainer(
    settings: Settings, adapters: Adapters, on_progress: OnProgress = lambda _: None
) -> Iterator[Retrainer]:
    """What trains the tasks of a stack again. SetupError where the stack has no learning table yet."""

    with open_sources(settings, None, journal=True) as (store, sources):
        yield Retrainer(
            settings,
            store,
            sources,
            tuple(make_corrections(settings, adapters).tasks),
            partial(make_triggers, settings, adapters),
            make_job_runner(settings, store, sources, on_progress),
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
