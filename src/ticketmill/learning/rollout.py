"""Decisions on learned versions: shadow, canary, promote, roll back, stop and retire.

A decision is one conditional write. Where another decision on the same task came first, whoever decided on
what held before is told so; decisions on other tasks only make the write be tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ticketmill.domain.errors import LearningCode, LearningRefused, TransientFailure
from ticketmill.domain.model_card import CARD_FILE, ModelCard, ModelVersion, version_name
from ticketmill.domain.rollout import CANARY_STEPS, Decider, Rollout, TaskRollout
from ticketmill.learning.exported_model import check_encoder
from ticketmill.learning.gates import GateResult
from ticketmill.learning.registry import card_of, find_version, load_files
from ticketmill.learning.store import LearningStore

MAX_WRITE_ATTEMPTS = 8

Gates = Callable[[TaskRollout | None], Sequence[GateResult]]
"""What a version must pass, given the decision that holds for its task."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """A version that serves now, and the gates that it was held against."""

    decision: TaskRollout
    gates: tuple[GateResult, ...]


@dataclass(frozen=True, slots=True)
class RolloutDesk:
    """Decides for one place.

    `encoder` is the fingerprint of the bundle that the place serves with; None is not compared.
    """

    store: LearningStore
    encoder: str | None = None
    steps: tuple[int, ...] = CANARY_STEPS

    def shadow(self, version: ModelVersion, by: Decider) -> TaskRollout:
        """`version` scores every ticket, and decides nothing."""
        seen = self.store.rollouts.current()
        current = seen.tasks.get(version.task)
        if current is not None and version.number in (current.serving, current.canary):
            raise _already(version, "predicts already, so it cannot be a shadow")
        kind = self._usable(version).kind
        return self._decide(
            version.task, seen, lambda rollout: rollout.with_shadow(version.task, version.number, kind, by)
        )

    def canary(self, version: ModelVersion, by: Decider, percent: int | None = None) -> TaskRollout:
        """`version` predicts for `percent` of the tickets; without that for the share of the next step."""
        seen = self.store.rollouts.current()
        current = seen.tasks.get(version.task)
        if current is not None and current.serving == version.number:
            raise _already(version, "serves already")
        share = percent or self._next_step(version, current)
        kind = self._usable(version).kind
        return self._decide(
            version.task,
            seen,
            lambda rollout: rollout.with_canary(version.task, version.number, share, kind, by),
        )

    def promote(self, version: ModelVersion, by: Decider, gates: Gates, forced: bool = False) -> Promotion:
        """`version` serves. Refused where a gate fails, with the numbers, unless forced with a reason."""
        seen = self.store.rollouts.current()
        current = seen.tasks.get(version.task)
        kind = self._usable(version).kind
        seen.promoted(version.task, version.number, kind, by)  # refuses what serves already, before the gates
        results = tuple(gates(current))
        failed = "; ".join(each.said for each in results if not each.passed)
        if failed and not (forced and by.reason):
            raise LearningRefused(
                LearningCode.GATE_FAILED,
                f"{version.name} is not promoted: {failed}. To promote it all the same, give --force and "
                "--reason",
            )
        told = [f"forced: {failed}"] if failed else [each.said for each in results]
        decider = by.model_copy(update={"reason": "; ".join(filter(None, [by.reason, *told]))})
        decision = self._decide(
            version.task,
            seen,
            lambda rollout: rollout.promoted(version.task, version.number, kind, decider),
        )
        return Promotion(decision, results)

    def roll_back(self, task: str, by: Decider, to_bundle: bool = False) -> TaskRollout:
        """A canary ends; without one, what served before serves again."""
        seen = self.store.rollouts.current()
        decided = seen.rolled_back(task, by, to_bundle).tasks[task]
        before = seen.tasks[task]
        if decided.serving is not None and decided.serving != before.serving:
            self._check_target(find_version(self.store, version_name(task, decided.serving)))
        return self._decide(task, seen, lambda rollout: rollout.rolled_back(task, by, to_bundle))

    def stop(self, task: str, by: Decider) -> TaskRollout:
        """Shadow and canary of a task end."""
        seen = self.store.rollouts.current()
        current = seen.tasks.get(task)
        if current is None or (current.shadow is None and current.canary is None):
            raise LearningRefused(
                LearningCode.NOTHING_TO_ROLL_BACK, f"{task} has neither a shadow nor a canary"
            )
        return self._decide(task, seen, lambda rollout: rollout.stopped(task, by))

    def retire(self, version: ModelVersion, retired: bool = True) -> ModelVersion:
        """`version` may not serve any more. Refused while it is in use, or what a rollback goes to."""
        if not retired:
            return self.store.versions.set_retired(version, retired=False)
        self._check_unused(version)
        changed = self.store.versions.set_retired(version, retired=True)
        try:
            self._check_unused(version)  # a decision may have come in between
        except LearningRefused:
            self.store.versions.set_retired(version, retired=False)
            raise
        return changed

    def _check_unused(self, version: ModelVersion) -> None:
        current = self.store.rollouts.current().tasks.get(version.task)
        if current is None:
            return
        uses = {
            current.serving: "serves; promote another one, or roll back",
            current.canary: f"is the canary; `ticketmill models stop {version.task}` ends it",
            current.shadow: f"is the shadow; `ticketmill models stop {version.task}` ends it",
            current.previous: "is what a rollback goes to; promote another one first",
        }
        if version.number in uses:
            raise LearningRefused(
                LearningCode.IN_USE, f"{version.name} cannot be retired: it {uses[version.number]}"
            )

    def _usable(self, version: ModelVersion) -> ModelCard:
        """The card of a version that workers can load: every file is verified."""
        if version.retired:
            raise LearningRefused(
                LearningCode.RETIRED,
                f"{version.name} is retired: `ticketmill models retire {version.name} --undo` takes it back",
            )
        check_encoder(version, self.encoder)
        return card_of(load_files(self.store, version)[CARD_FILE], version.name)

    def _check_target(self, version: ModelVersion) -> None:
        try:
            self._usable(version)
        except LearningRefused as refused:
            raise LearningRefused(
                refused.code,
                f"{refused.message}; `ticketmill models rollback {version.task} --to-bundle` goes to the "
                "model of the bundle",
            ) from refused

    def _next_step(self, version: ModelVersion, current: TaskRollout | None) -> int:
        running = current is not None and current.canary == version.number
        percent = current.canary_percent if current is not None and running else 0
        following = [step for step in self.steps if step > percent]
        if not following:
            raise _already(
                version,
                f"predicts for {percent}% of the tickets already: `ticketmill models promote {version.name}`",
            )
        return min(following)

    def _decide(self, task: str, seen: Rollout, change: Callable[[Rollout], Rollout]) -> TaskRollout:
        for _ in range(MAX_WRITE_ATTEMPTS):
            decided = change(seen)
            if self.store.rollouts.replace(decided):
                return decided.tasks[task]
            current = self.store.rollouts.current()
            if current.tasks.get(task) != seen.tasks.get(task):
                raise _came_first(current.tasks[task])
            seen = current
        raise TransientFailure(f"decisions on other tasks came first {MAX_WRITE_ATTEMPTS} times; try again")


def _already(version: ModelVersion, what: str) -> LearningRefused:
    return LearningRefused(LearningCode.ALREADY_SERVING, f"{version.name} {what}")


def _came_first(decision: TaskRollout) -> LearningRefused:
    return LearningRefused(
        LearningCode.DECISION_CHANGED,
        f"nothing was decided, because another decision on {decision.task} came first: {decision.change} by "
        f"{decision.who}, serial {decision.serial}; look at `ticketmill models list {decision.task}`",
    )
