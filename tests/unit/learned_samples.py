"""Learned versions and rollouts for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from fakes import NOW

from ticketmill.aws.learning_memory import MemoryLearningItems
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.rollout import Decider, Rollout
from ticketmill.learning.records import RolloutRecords
from ticketmill.tasks.learned import LearnedModel
from ticketmill.tasks.stage import EncodedTicket

if TYPE_CHECKING:
    from ticketmill.arrays import Floats

INTENTS = ("login_issue", "payment_issue")


@dataclass(frozen=True)
class FakeSpec:
    task: str = "intent"
    labels: tuple[str, ...] = INTENTS
    kind: str = "softmax"
    review_below: float = 0.5
    threshold: float = 0.5


@dataclass(frozen=True)
class FakeOverlay:
    """Says of each ticket what `row` gives; it fails on a batch with a ticket whose body says `poison`."""

    spec: FakeSpec
    row: Sequence[float]

    def probabilities(self, tickets: Sequence[EncodedTicket], /) -> Floats:
        if any("poison" in each.ticket.body for each in tickets):
            raise ArithmeticError("poison")
        return np.tile(np.asarray(self.row, np.float32), (len(tickets), 1))


def model(
    task: str = "intent",
    number: int = 1,
    row: Sequence[float] = (0.9, 0.1),
    labels: tuple[str, ...] = INTENTS,
    kind: str = "softmax",
    review_below: float = 0.5,
) -> LearnedModel:
    return LearnedModel(task, number, FakeOverlay(FakeSpec(task, labels, kind, review_below), row))


def load(task: str, number: int) -> LearnedModel:
    """Loads any version."""
    return model(task, number)


def load_all_but(*refused: tuple[str, int]) -> Callable[[str, int], LearnedModel]:
    """Refuses these versions."""

    def load_if(task: str, number: int) -> LearnedModel:
        if (task, number) in refused:
            raise LearningRefused(LearningCode.MODEL_MISMATCH, f"{task}/v{number} is damaged")
        return model(task, number)

    return load_if


def by(who: str = "ann") -> Decider:
    return Decider(who=who, at=NOW)


class Place:
    """A place of decisions, which tests make in one line each."""

    def __init__(self) -> None:
        self.rollouts = RolloutRecords(MemoryLearningItems())

    @property
    def current(self) -> Rollout:
        return self.rollouts.current()

    def shadow(self, number: int, task: str = "intent") -> Rollout:
        return self._made(self.current.with_shadow(task, number, "single", by()))

    def canary(self, number: int, percent: int, task: str = "intent") -> Rollout:
        return self._made(self.current.with_canary(task, number, percent, "single", by()))

    def promote(self, number: int, task: str = "intent") -> Rollout:
        return self._made(self.current.promoted(task, number, "single", by()))

    def roll_back(self, task: str = "intent") -> Rollout:
        return self._made(self.current.rolled_back(task, by()))

    def _made(self, rollout: Rollout) -> Rollout:
        assert self.rollouts.replace(rollout)
        return rollout
