"""Decisions on versions: gated, one at a time, and told to whoever came second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Barrier

import pytest
from learned_versions import ANN, BOB, held_out, memory_store, registered

from ticketmill.domain.dataset import TaskDefinition
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.keys import model_file
from ticketmill.domain.model_card import ModelVersion
from ticketmill.domain.rollout import Decider, Rollout, TaskRollout
from ticketmill.learning.audits import Audit
from ticketmill.learning.gates import GateResult, GateSettings
from ticketmill.learning.promotion import PromotionGates
from ticketmill.learning.rollout import RolloutDesk
from ticketmill.learning.store import LearningStore, directory_store

PASSED = GateResult("held-out", passed=True, said="accuracy 0.9 beside 0.8")
FAILED = GateResult("audits", passed=False, said="37 audits, 200 are needed")


def passes(_current: TaskRollout | None) -> Sequence[GateResult]:
    return (PASSED,)


def fails(_current: TaskRollout | None) -> Sequence[GateResult]:
    return PASSED, FAILED


@pytest.fixture
def store() -> LearningStore:
    return memory_store()


@pytest.fixture
def desk(store: LearningStore) -> RolloutDesk:
    return RolloutDesk(store, encoder="e1")


@pytest.fixture
def first(store: LearningStore) -> ModelVersion:
    return registered(store, "job-1")


@pytest.fixture
def second(store: LearningStore, first: ModelVersion) -> ModelVersion:
    assert first.number == 1
    return registered(store, "job-2")


def refusal(decide: Callable[[], object]) -> LearningRefused:
    with pytest.raises(LearningRefused) as caught:
        decide()
    return caught.value


def test_a_version_goes_through_shadow_canary_and_its_steps_to_serving(
    desk: RolloutDesk, first: ModelVersion
) -> None:
    assert desk.shadow(first, ANN).shadow == 1
    decided = desk.canary(first, ANN)
    assert (decided.shadow, decided.canary, decided.canary_percent) == (None, 1, 5)
    assert [desk.canary(first, ANN).canary_percent for _ in range(3)] == [25, 50, 100]
    assert refusal(lambda: desk.canary(first, ANN)).code is LearningCode.ALREADY_SERVING
    served = desk.promote(first, ANN, passes).decision
    assert (served.serving, served.previous, served.canary, served.serial) == (1, None, None, 6)
    assert served.reason == PASSED.said
    changes = [str(each.tasks["intent"].change) for each in reversed(desk.store.rollouts.history("intent"))]
    assert changes == ["shadow", "canary", "canary", "canary", "canary", "promote"]


def test_the_share_of_a_canary_can_be_said(desk: RolloutDesk, first: ModelVersion) -> None:
    assert desk.canary(first, ANN, percent=10).canary_percent == 10
    assert desk.canary(first, ANN).canary_percent == 25


def test_a_rollback_ends_a_canary_first_and_then_goes_back(
    desk: RolloutDesk, first: ModelVersion, second: ModelVersion
) -> None:
    desk.promote(first, ANN, passes)
    desk.promote(second, ANN, passes)
    third = registered(desk.store, "job-3")
    desk.canary(third, ANN)
    assert desk.roll_back("intent", BOB).serving == 2
    back = desk.roll_back("intent", BOB)
    assert (back.serving, back.who, back.reason) == (1, "bob", BOB.reason)
    assert desk.roll_back("intent", BOB).serving is None
    assert refusal(lambda: desk.roll_back("intent", BOB)).code is LearningCode.NOTHING_TO_ROLL_BACK


def test_a_rollback_to_what_cannot_be_loaded_is_refused_and_the_bundle_is_offered(
    desk: RolloutDesk, first: ModelVersion, second: ModelVersion
) -> None:
    desk.promote(first, ANN, passes)
    desk.promote(second, ANN, passes)
    desk.store.objects.put(model_file("intent", first.content, "overlay.npz"), b"damaged")
    refused = refusal(lambda: desk.roll_back("intent", BOB))
    assert refused.code is LearningCode.MODEL_MISMATCH
    assert "--to-bundle" in refused.message
    assert desk.roll_back("intent", BOB, to_bundle=True).serving is None


def test_a_failed_gate_refuses_with_its_numbers_and_nothing_is_decided(
    desk: RolloutDesk, first: ModelVersion
) -> None:
    refused = refusal(lambda: desk.promote(first, ANN, fails))
    assert refused.code is LearningCode.GATE_FAILED
    assert FAILED.said in refused.message
    assert desk.store.rollouts.current() == Rollout()


def test_force_needs_a_reason_and_the_history_keeps_it_with_the_numbers(
    desk: RolloutDesk, first: ModelVersion
) -> None:
    assert refusal(lambda: desk.promote(first, ANN, fails, forced=True)).code is LearningCode.GATE_FAILED
    promoted = desk.promote(first, BOB, fails, forced=True)
    assert promoted.decision.reason == f"{BOB.reason}; forced: {FAILED.said}"
    assert promoted.gates == (PASSED, FAILED)


def test_what_serves_is_not_promoted_shadowed_or_tried_again(desk: RolloutDesk, first: ModelVersion) -> None:
    desk.promote(first, ANN, passes)
    for decide in (
        lambda: desk.promote(first, ANN, fails),
        lambda: desk.shadow(first, ANN),
        lambda: desk.canary(first, ANN),
        lambda: desk.canary(first, ANN, percent=50),
    ):
        assert refusal(decide).code is LearningCode.ALREADY_SERVING


@pytest.mark.parametrize("what", ["shadow", "canary", "promote"])
def test_no_version_runs_that_workers_could_not_load(
    desk: RolloutDesk, first: ModelVersion, what: str
) -> None:
    def decide(version: ModelVersion, desk: RolloutDesk = desk) -> object:
        if what == "promote":
            return desk.promote(version, ANN, passes)
        return getattr(desk, what)(version, ANN)

    of_another = RolloutDesk(desk.store, encoder="e2")
    assert refusal(lambda: decide(first, of_another)).code is LearningCode.ENCODER_CHANGED
    retired = desk.retire(first)
    assert refusal(lambda: decide(retired)).code is LearningCode.RETIRED
    kept = desk.retire(retired, retired=False)
    desk.store.objects.delete([model_file("intent", first.content, "overlay.json")])
    assert refusal(lambda: decide(kept)).code is LearningCode.MODEL_MISMATCH
    assert desk.store.rollouts.current() == Rollout()


def test_a_version_is_not_retired_while_it_is_in_use_or_what_a_rollback_goes_to(
    desk: RolloutDesk, first: ModelVersion, second: ModelVersion
) -> None:
    for decide in (desk.shadow, desk.canary):
        decide(first, ANN)
        assert refusal(lambda: desk.retire(first)).code is LearningCode.IN_USE
    desk.promote(first, ANN, passes)
    desk.promote(second, ANN, passes)
    for used in (first, second):
        assert refusal(lambda used=used: desk.retire(used)).code is LearningCode.IN_USE
    desk.roll_back("intent", ANN)
    assert desk.retire(second).retired


def test_a_shadow_and_a_canary_are_stopped(desk: RolloutDesk, first: ModelVersion) -> None:
    desk.shadow(first, ANN)
    assert desk.stop("intent", ANN).versions == ()
    assert refusal(lambda: desk.stop("intent", ANN)).code is LearningCode.NOTHING_TO_ROLL_BACK


@dataclass
class RolloutsThatOthersChange:
    """Rollouts in which another person decides just before each of the first writes."""

    store: LearningStore
    others: list[Callable[[Rollout], Rollout]]

    def current(self) -> Rollout:
        return self.store.rollouts.current()

    def history(self, task: str | None = None) -> list[Rollout]:
        return self.store.rollouts.history(task)

    def replace(self, rollout: Rollout) -> bool:
        if self.others:
            assert self.store.rollouts.replace(self.others.pop(0)(self.store.rollouts.current()))
        return self.store.rollouts.replace(rollout)


def desk_beside(store: LearningStore, *others: Callable[[Rollout], Rollout]) -> RolloutDesk:
    rollouts = RolloutsThatOthersChange(store, list(others))
    return RolloutDesk(replace(store, rollouts=rollouts), encoder="e1")


def test_a_decision_on_another_task_only_makes_the_write_be_tried_again(
    store: LearningStore, first: ModelVersion
) -> None:
    desk = desk_beside(store, lambda rollout: rollout.promoted("team", 9, "multi", BOB))
    assert desk.promote(first, ANN, passes).decision.serial == 2
    assert set(store.rollouts.current().tasks) == {"intent", "team"}


def test_who_decides_second_on_a_task_is_told_who_was_first(
    store: LearningStore, first: ModelVersion, second: ModelVersion
) -> None:
    desk = desk_beside(store, lambda rollout: rollout.promoted("intent", second.number, "single", BOB))
    refused = refusal(lambda: desk.promote(first, ANN, passes))
    assert refused.code is LearningCode.DECISION_CHANGED
    assert "promote by bob, serial 1" in refused.message
    assert store.rollouts.current().tasks["intent"].serving == second.number


def test_of_many_promotions_at_once_one_wins_and_the_others_are_told(tmp_path: Path) -> None:
    place = directory_store(tmp_path)
    versions = [registered(place, f"job-{number}") for number in range(6)]

    def promote(version: ModelVersion) -> LearningCode | int:
        try:
            promotion = RolloutDesk(directory_store(tmp_path)).promote(version, ANN, waiting)
        except LearningRefused as refused:
            return refused.code
        return promotion.decision.serial

    all_have_looked = Barrier(len(versions))

    def waiting(_current: TaskRollout | None) -> Sequence[GateResult]:
        all_have_looked.wait()
        return (PASSED,)

    with ThreadPoolExecutor(len(versions)) as pool:
        results = list(pool.map(promote, versions))
    assert sorted(results, key=str) == [1, *[LearningCode.DECISION_CHANGED] * 5]
    assert len(place.rollouts.history()) == 1


@dataclass
class KnownAudits:
    """Audits of a place, whoever is compared."""

    audits: Sequence[Audit]

    def count(self) -> int:
        return len(self.audits)

    def beside(self, _champion: ModelVersion | None, _challenger: ModelVersion) -> Sequence[Audit]:
        return self.audits


def gates(
    store: LearningStore,
    challenger: ModelVersion,
    audits: Sequence[Audit] = (),
    has_bundle_model: bool = True,
) -> PromotionGates:
    return PromotionGates(store, challenger, has_bundle_model, KnownAudits(audits), GateSettings())


def of(right: int, wrong: int) -> list[Audit]:
    """Audits of which the challenger has `right` right, and the champion those that it has not."""
    return [Audit(("a",), ("b",), ("a",))] * right + [Audit(("a",), ("a",), ("b",))] * wrong


AGREED = [Audit(("a",), ("a",), ("a",))] * 200


@pytest.mark.parametrize(
    ("audits", "passed"),
    [
        (of(100, 99), False),
        ([*AGREED, *of(10, 5)], True),
        ([*AGREED, *of(5, 6)], True),
        ([*AGREED, *of(5, 20)], False),
    ],
)
def test_audits_must_be_many_and_must_not_speak_against_it(
    store: LearningStore, audits: list[Audit], passed: bool
) -> None:
    challenger = registered(store, held_out_file=held_out(90, 10))
    results = gates(store, challenger, audits)(None)
    assert [each.gate for each in results] == ["held-out", "audits"]
    assert results[0].passed
    assert results[1].passed is passed
    assert "audits" in results[1].said


def test_held_out_examples_must_not_speak_against_it(store: LearningStore) -> None:
    champion = registered(store, "job-1", held_out_file=held_out(160, 40))
    worse = registered(store, "job-2", held_out_file=held_out(150, 50))
    better = registered(store, "job-3", held_out_file=held_out(170, 30))
    desk = RolloutDesk(store)
    desk.promote(champion, ANN, passes)
    current = store.rollouts.current().tasks["intent"]
    assert not gates(store, worse, AGREED)(current)[0].passed
    assert "0.750 beside 0.800" in gates(store, worse, AGREED)(current)[0].said
    assert all(each.passed for each in gates(store, better, AGREED)(current))
    assert desk.promote(better, ANN, gates(store, better, AGREED)).decision.previous == 1


@pytest.mark.parametrize("file", [None, held_out(40, 9), held_out(100, 100, baseline=None)])
def test_without_enough_held_out_examples_of_both_nothing_is_promoted(
    store: LearningStore, file: bytes | None
) -> None:
    results = gates(store, registered(store, held_out_file=file), AGREED)(None)
    assert not results[0].passed
    assert "50 are needed" in results[0].said


@pytest.mark.parametrize(
    ("group_of", "told"),
    [
        (lambda _number: 0, "in 1 group,"),
        (lambda number: number % 19, "in 19 groups,"),
        (lambda number: max(0, number - 149), "in 51 groups, which tell as much as 1.8 of equal size"),
    ],
)
def test_held_out_examples_of_few_groups_promote_nothing_however_good(
    store: LearningStore, group_of: Callable[[int], int], told: str
) -> None:
    challenger = registered(store, held_out_file=held_out(200, 0, group_of=group_of))
    held_out_result = gates(store, challenger, AGREED)(None)[0]
    assert not held_out_result.passed
    assert told in held_out_result.said
    assert "20 are needed" in held_out_result.said


def test_twenty_groups_suffice(store: LearningStore) -> None:
    challenger = registered(store, held_out_file=held_out(200, 0, group_of=lambda number: number % 20))
    assert gates(store, challenger, AGREED)(None)[0].passed


def test_the_first_version_of_a_task_of_your_own_has_nothing_to_be_worse_than(store: LearningStore) -> None:
    challenger = registered(store, task="team")
    assert all(each.passed for each in gates(store, challenger, has_bundle_model=False)(None))


def test_an_automatic_decision_says_so() -> None:
    by = Decider(who="automatic", at=ANN.at, reason="override rate 20.0%")
    promoted = Rollout().promoted("intent", 1, "single", ANN).promoted("intent", 2, "single", ANN)
    assert promoted.rolled_back("intent", by).tasks["intent"].who == "automatic"


def test_a_version_of_your_own_task_decides_only_once_the_task_is_defined(desk: RolloutDesk) -> None:
    version = registered(desk.store, task="product_line")
    refused = refusal(lambda: desk.canary(version, ANN))
    assert refused.code is LearningCode.UNKNOWN_TASK
    assert "ticketmill tasks add product_line --labels refund,bug" in refused.message
    assert desk.store.rollouts.current().serial == 0
    desk.store.datasets.define_task(
        TaskDefinition(name="product_line", kind="multi", labels=("refund", "bug"))
    )
    assert refusal(lambda: desk.shadow(version, ANN)).code is LearningCode.MODEL_MISMATCH
    desk.store.datasets.define_task(TaskDefinition(name="product_line", labels=("refund", "bug")))
    assert desk.canary(version, ANN).canary == 1
