"""One training of a task at a time, and one version a job, whatever dies."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from learned_versions import NOON, card, held_out, memory_store

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.held_out import HeldOutPredictions
from ticketmill.learning.promotion import held_out_of
from ticketmill.learning.store import LearningStore
from ticketmill.learning.training import Fitted, Training, TrainingRequest

REQUEST = TrainingRequest("intent", "job-1", "ann")


@dataclass
class Clock:
    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment


@dataclass
class Fit:
    """A fit that counts how often it runs."""

    body: bytes = b"{}"
    runs: int = 0
    held_out: HeldOutPredictions | None = field(default=None)

    def __call__(self) -> Fitted:
        self.runs += 1
        return Fitted({"overlay.json": self.body}, card(), self.held_out)


@pytest.fixture
def store() -> LearningStore:
    return memory_store()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def training(store: LearningStore, clock: Clock) -> Training:
    return Training(store, limit=timedelta(hours=1), pause=timedelta(hours=2), now=clock)


def test_a_training_registers_a_version_that_serves_nothing(training: Training, store: LearningStore) -> None:
    predictions = HeldOutPredictions.model_validate_json(held_out(3, 1))
    version = training.run(REQUEST, Fit(held_out=predictions))
    assert (version.name, version.job, version.who) == ("intent/v1", "job-1", "ann")
    assert held_out_of(store, version) == predictions
    assert store.rollouts.current().serial == 0
    assert store.runs.current("intent", NOON) is None


def test_a_job_that_comes_again_is_not_fitted_again(training: Training) -> None:
    fit = Fit()
    assert training.run(REQUEST, fit) == training.run(REQUEST, fit)
    assert fit.runs == 1


def test_a_second_training_of_a_task_is_refused_while_the_first_runs(training: Training) -> None:
    def fit_while_another_asks() -> Fitted:
        with pytest.raises(LearningRefused, match="job-1 trains intent already") as caught:
            training.run(TrainingRequest("intent", "job-2", "bob"), Fit())
        assert caught.value.code is LearningCode.JOB_RUNNING
        assert training.run(TrainingRequest("team", "job-3", "bob"), Fit()).number == 1
        return Fit(b"first")()

    assert training.run(REQUEST, fit_while_another_asks).job == "job-1"


def test_a_trigger_waits_for_the_pause_and_a_person_does_not(
    training: Training, store: LearningStore, clock: Clock
) -> None:
    training.run(REQUEST, Fit())
    clock.moment += timedelta(minutes=119)
    another = TrainingRequest("intent", "job-2", "trigger")
    with pytest.raises(LearningRefused, match="from 2026-11-21 14:00 UTC on") as caught:
        training.run(another, Fit(b"two"))
    assert caught.value.code is LearningCode.COOLING_DOWN
    assert Training(store, now=clock).run(TrainingRequest("intent", "job-3", "ann"), Fit(b"3")).number == 2
    clock.moment += timedelta(hours=2)
    assert training.run(another, Fit(b"two")).number == 3


def test_a_fit_that_fails_leaves_no_version_and_the_task_free(
    training: Training, store: LearningStore
) -> None:
    def fails() -> Fitted:
        raise LearningRefused(LearningCode.ONE_CLASS, "every example is a refund")

    with pytest.raises(LearningRefused, match="every example"):
        training.run(REQUEST, fails)
    assert store.versions.versions("intent") == []
    assert store.runs.current("intent", NOON) is None


def test_a_job_that_was_killed_goes_on_when_it_is_sent_again_and_others_wait_for_the_limit(
    training: Training, store: LearningStore, clock: Clock
) -> None:
    store.runs.claim("intent", "job-1", NOON + training.limit, NOON)
    clock.moment += timedelta(minutes=59)
    with pytest.raises(LearningRefused, match="job-1 trains intent already"):
        training.run(TrainingRequest("intent", "job-2", "bob"), Fit())
    assert training.run(REQUEST, Fit()).job == "job-1"


def test_another_job_takes_the_task_of_a_killed_one_after_the_limit(
    training: Training, store: LearningStore, clock: Clock
) -> None:
    store.runs.claim("intent", "killed", NOON + training.limit, NOON)
    clock.moment += timedelta(hours=1)
    assert training.run(TrainingRequest("intent", "job-2", "bob"), Fit()).number == 1


def test_a_job_that_was_killed_after_it_registered_frees_its_task(
    training: Training, store: LearningStore
) -> None:
    training.run(REQUEST, Fit())
    store.runs.claim("intent", "job-1", NOON + training.limit, NOON)
    training.run(REQUEST, Fit())
    assert store.runs.current("intent", NOON) is None
