"""SIGKILL anywhere in a training or a promotion: one version a job, never two serving.

And nothing serves that the registry does not name. Only what dies has a process of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from killed_learner import Death, mortal, promote, train

from ticketmill import bootstrap
from ticketmill.deploy.stack import Stack
from ticketmill.domain.errors import LearningRefused
from ticketmill.learning.registry import find_version, load_card, load_files
from ticketmill.learning.store import LearningStore, directory_store
from ticketmill.settings import load_settings

HERE = Path(__file__).parent
LEARNER = HERE / "killed_learner.py"
WRITES_OF_A_TRAINING = 7
"""The claim, three files, the task, the version and the release."""
DEATHS = [*((at, "before") for at in range(1, WRITES_OF_A_TRAINING + 1)), (WRITES_OF_A_TRAINING, "after")]
"""Between two writes nothing changes: after one is before the next."""
DEATHS_IN_A_STACK = [(3, "before"), (6, "before"), (7, "before")]


class Learner:
    """Runs `killed_learner.py` in a process of its own, on a folder or on the stack of the environment."""

    def __init__(self, folder: Path | None, environment: Mapping[str, str]) -> None:
        self._store = [] if folder is None else ["--store", str(folder)]
        self._environment = {**os.environ, **environment, "PYTHONPATH": str(HERE.parent / "unit")}

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(LEARNER), *map(str, arguments), *self._store],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: object, code: int = 0) -> str:
        process = self.start(*arguments)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == code, out
        return out


def check(store: LearningStore) -> None:
    """What holds whatever died: every version can be loaded, one serves, and decisions are in order."""
    for version in store.versions.versions("intent"):
        load_files(store, version)
        assert load_card(store, version).task == "intent"
    history = store.rollouts.history()
    assert [each.serial for each in history] == list(range(len(history), 0, -1))
    for rollout in history:
        for decision in rollout.tasks.values():
            for number in decision.versions:
                find_version(store, f"intent/v{number}")


def jobs_of(store: LearningStore) -> list[str]:
    return [each.job for each in reversed(store.versions.versions("intent"))]


def killed_while_training(learner: Learner, store: LearningStore, job: str, at: int, when: str) -> None:
    earlier = jobs_of(store)
    learner.run("train", job, "--at", at, "--when", when, code=-signal.SIGKILL)
    check(store)
    assert jobs_of(store) in (earlier, [*earlier, job])
    assert train(store, job).job == job
    assert jobs_of(store) == [*earlier, job]
    assert train(store, f"{job}, the next").number == len(earlier) + 2
    check(store)
    assert store.rollouts.current().serial == 0, "a training promotes nothing"


@pytest.fixture
def store(tmp_path: Path) -> LearningStore:
    return directory_store(tmp_path / "store")


@pytest.fixture
def learner(tmp_path: Path) -> Learner:
    return Learner(tmp_path / "store", {})


def test_a_training_writes_as_often_as_this_file_believes(store: LearningStore) -> None:
    death = Death(at=0, when="before")
    train(mortal(store, death), "job-1")
    assert death.writes == WRITES_OF_A_TRAINING


@pytest.mark.parametrize(("at", "when"), DEATHS)
def test_a_job_that_is_killed_while_it_trains_has_one_version_when_it_comes_again(
    learner: Learner, store: LearningStore, at: int, when: str
) -> None:
    killed_while_training(learner, store, "job-1", at, when)


@pytest.mark.parametrize(("when", "serving"), [("before", None), ("after", 1)])
def test_a_promotion_that_is_killed_was_made_or_was_not(
    learner: Learner, store: LearningStore, when: str, serving: int | None
) -> None:
    train(store, "job-1")
    learner.run("promote", "intent/v1", "--at", 1, "--when", when, code=-signal.SIGKILL)
    check(store)
    decision = store.rollouts.current().tasks.get("intent")
    assert (decision and decision.serving) == serving
    if serving is None:
        promote(store, "intent/v1")
    else:
        with pytest.raises(LearningRefused, match="serves already"):
            promote(store, "intent/v1")
    assert store.rollouts.current().tasks["intent"].serving == 1


def two_promotions_at_once(learner: Learner, store: LearningStore) -> None:
    for job in ("job-1", "job-2"):
        train(store, job)
    names = ("intent/v1", "intent/v2")
    promoting = [learner.start("promote", name, "--waits") for name in names]
    for process in promoting:
        assert process.stdout is not None
        assert process.stdout.readline() == "looked\n"
    ended = [process.communicate("go\n", timeout=60)[0] for process in promoting]
    assert sorted(process.returncode for process in promoting) == [0, 6]
    assert ["decision_changed" in out for out in ended].count(True) == 1
    winner = next(name for name, process in zip(names, promoting, strict=True) if process.returncode == 0)
    assert f"intent/v{store.rollouts.current().tasks['intent'].serving}" == winner
    assert len(store.rollouts.history()) == 1
    check(store)


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(
    learner: Learner, store: LearningStore
) -> None:
    two_promotions_at_once(learner, store)


def test_the_same_holds_in_a_stack(
    stack: Stack, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stack.learning_table is not None
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    learner, place = Learner(None, environment), bootstrap.open_learning_store(load_settings())
    for at, when in DEATHS_IN_A_STACK:
        killed_while_training(learner, place, f"job-{at}", at, when)
    two_promotions_at_once(learner, place)
