"""One training of one task: claimed, fitted, registered. It never promotes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.held_out import HELD_OUT_FILE, HeldOutPredictions, held_out_bytes
from ticketmill.domain.model_card import ModelCard, ModelVersion
from ticketmill.learning.registry import register
from ticketmill.learning.store import LearningStore


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a fit gives: the files of the overlay, its card, and what it says of held-out examples."""

    files: Mapping[str, bytes]
    card: ModelCard
    held_out: HeldOutPredictions | None = None
    """Without it the version cannot be compared, and so not be promoted but by force."""


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """Who trains what, as which job."""

    task: str
    job: str
    who: str


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Training:
    """Trains in one place.

    A job has its task for `limit`; one that was killed loses it then, or goes on when it is sent again.
    """

    store: LearningStore
    limit: timedelta = timedelta(hours=1)
    pause: timedelta = timedelta(0)
    """From the end of a training to the next one of the same task. Nothing for what a person asks for."""
    now: Callable[[], datetime] = _now

    def run(self, request: TrainingRequest, fit: Callable[[], Fitted]) -> ModelVersion:
        """The version of the job, fitted and registered; a job that has one already gets that one.

        Refused while another job trains the task, or shortly after one did.
        """
        for version in self.store.versions.versions(request.task):
            if version.job == request.job:
                self.store.runs.release(request.task, request.job, self.now())
                return version
        self._claim(request)
        try:
            fitted = fit()
            return register(self.store, _files(fitted), fitted.card, request.job, request.who, self.now())
        finally:
            self.store.runs.release(request.task, request.job, self.now())

    def _claim(self, request: TrainingRequest) -> None:
        now, task = self.now(), request.task
        ended = self.store.runs.last_end(task)
        if ended is not None and now < ended + self.pause:
            raise LearningRefused(
                LearningCode.COOLING_DOWN,
                f"{task} was trained until {ended:%Y-%m-%d %H:%M} UTC: a trigger may begin the next training "
                f"from {ended + self.pause:%Y-%m-%d %H:%M} UTC on (TICKETMILL_TRAINING_PAUSE_S)",
            )
        if not self.store.runs.claim(task, request.job, now + self.limit, now):
            other = self.store.runs.current(task, now) or "another job"
            raise LearningRefused(
                LearningCode.JOB_RUNNING,
                f"{other} trains {task} already: wait until it has ended; where it was killed, another one "
                f"may begin {self.limit} after its start (TICKETMILL_TRAINING_LIMIT_S)",
            )


def _files(fitted: Fitted) -> dict[str, bytes]:
    if fitted.held_out is None:
        return dict(fitted.files)
    return {**fitted.files, HELD_OUT_FILE: held_out_bytes(fitted.held_out)}
