"""A worker follows the decisions as far as it can load them, and never writes under one that it does not."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from learned_samples import Place, load, load_all_but

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.rollout import Rollout
from ticketmill.pipeline.rollout_follower import RolloutFollower
from ticketmill.tasks.learned import LearnedModel


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def follower(
    place: Place, clock: Clock, load_version: Callable[[str, int], LearnedModel] = load
) -> RolloutFollower:
    return RolloutFollower(
        place.rollouts.current, place.rollouts.history, load_version, refresh_s=15, monotonic=clock
    )


def name_for(following: RolloutFollower, ticket_id: str = "T1", task: str = "intent") -> str | None:
    model = following().model_for(task, ticket_id)
    return None if model is None else model.name


def test_without_a_decision_the_bundle_serves_with_serial_0(place: Place, clock: Clock) -> None:
    following = follower(place, clock)
    assert (following().rollout, following.serial, name_for(following)) == (Rollout(), 0, None)


def test_a_decision_is_followed_once_it_is_looked_at_again(place: Place, clock: Clock) -> None:
    following = follower(place, clock)
    following()
    place.promote(1)
    clock.now_s = 14
    assert name_for(following) is None
    clock.now_s = 15
    assert (name_for(following), following.serial) == ("intent/v1", 1)


def test_a_rollback_is_followed_at_the_next_look(place: Place, clock: Clock) -> None:
    place.promote(1)
    place.promote(2)
    following = follower(place, clock)
    assert name_for(following) == "intent/v2"
    place.roll_back()
    clock.now_s = 15
    assert (name_for(following), following.serial) == ("intent/v1", 3)


def test_a_worker_that_missed_decisions_follows_the_latest(place: Place, clock: Clock) -> None:
    following = follower(place, clock)
    following()
    for number in (1, 2, 3):
        place.promote(number)
    clock.now_s = 15
    assert (name_for(following), following.serial) == ("intent/v3", 3)


def test_a_batch_keeps_what_it_began_with(place: Place, clock: Clock) -> None:
    place.promote(1)
    following = follower(place, clock)
    begun = following()
    place.promote(2)
    clock.now_s = 15
    following()
    held = begun.model_for("intent", "T1")
    assert held is not None
    assert (held.name, begun.rollout.serial) == ("intent/v1", 1)


def test_a_version_is_loaded_once(place: Place, clock: Clock) -> None:
    loaded: list[str] = []

    def counted(task: str, number: int) -> LearnedModel:
        loaded.append(f"{task}/v{number}")
        return load(task, number)

    place.promote(1)
    following = follower(place, clock, counted)
    following()
    place.canary(2, 5)
    for clock.now_s in (15, 30, 45):
        following()
    assert loaded == ["intent/v1", "intent/v2"]


def test_where_a_promoted_version_cannot_be_loaded_the_old_one_serves_under_the_old_serial(
    place: Place, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    place.promote(1)
    following = follower(place, clock, load_all_but(("intent", 2)))
    following()
    place.promote(2)
    clock.now_s = 15
    with caplog.at_level(logging.WARNING):
        assert (name_for(following), following.serial) == ("intent/v1", 1)
    assert [each.version for each in following.refused] == ["intent/v2"]
    assert "intent/v2 is damaged" in caplog.text


def test_a_worker_that_starts_anew_follows_the_decision_before_a_broken_one(
    place: Place, clock: Clock
) -> None:
    place.promote(1)
    place.promote(2)
    place.promote(3)
    following = follower(place, clock, load_all_but(("intent", 3)))
    assert (name_for(following), following.serial) == ("intent/v2", 2)


def test_a_refusal_is_told_once_and_tried_again_at_every_look(
    place: Place, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[int] = []

    def damaged(task: str, number: int) -> LearnedModel:
        tried.append(number)
        return load_all_but((task, number))(task, number)

    place.promote(1)
    following = follower(place, clock, damaged)
    for clock.now_s in (0, 15, 30):
        following()
    assert len(tried) == 3
    assert caplog.text.count("is damaged") == 1


def test_a_version_that_can_be_loaded_later_is_followed_then(place: Place, clock: Clock) -> None:
    is_down = True

    def load_when_up(task: str, number: int) -> LearnedModel:
        if is_down:
            raise TransientFailure("S3 is down")
        return load(task, number)

    place.promote(1)
    following = follower(place, clock, load_when_up)
    assert (name_for(following), following.serial) == (None, 0)
    is_down = False
    clock.now_s = 15
    assert (name_for(following), following.serial, following.refused) == ("intent/v1", 1, ())


def test_a_broken_canary_leaves_the_serving_version_also_at_a_start(place: Place, clock: Clock) -> None:
    place.promote(1)
    place.canary(2, 50)
    following = follower(place, clock, load_all_but(("intent", 2)))
    assert {name_for(following, f"T{number}") for number in range(50)} == {"intent/v1"}
    assert following.serial == 1, "not under the decision of the canary"


def test_the_serial_is_the_last_one_under_which_the_followed_decision_held(
    place: Place, clock: Clock
) -> None:
    place.promote(1)
    place.shadow(3)
    place.canary(2, 25)
    place.canary(2, 50)
    following = follower(place, clock, load_all_but(("intent", 2)))
    assert (name_for(following), following.serial) == ("intent/v1", 2)


def test_a_broken_shadow_keeps_nobody_from_following(place: Place, clock: Clock) -> None:
    place.promote(1)
    place.shadow(2)
    following = follower(place, clock, load_all_but(("intent", 2)))
    assert (name_for(following), following.serial) == ("intent/v1", 2)
    assert [each.version for each in following.refused] == ["intent/v2"]


def test_a_broken_version_of_one_task_does_not_hold_up_the_rollback_of_another(
    place: Place, clock: Clock
) -> None:
    place.promote(1)
    place.promote(2)
    following = follower(place, clock, load_all_but(("sentiment", 1)))
    following()
    place.promote(1, task="sentiment")
    place.roll_back()
    clock.now_s = 15
    assert name_for(following) == "intent/v1"
    assert name_for(following, task="sentiment") is None
    assert following.serial == 2, "below the serial of the decision that is not followed"


def test_a_bug_in_loading_is_a_refusal(place: Place, clock: Clock) -> None:
    def broken(task: str, number: int) -> LearnedModel:
        raise IndexError(task, number)

    place.promote(1)
    following = follower(place, clock, broken)
    assert following.serial == 0
    assert name_for(following) is None
    assert [each.code for each in following.refused] == ["fault"]


def test_while_decisions_cannot_be_read_the_last_one_holds(place: Place, clock: Clock) -> None:
    place.promote(1)
    following = follower(place, clock)
    following()

    def down() -> Rollout:
        raise TransientFailure("DynamoDB is down")

    following.read = down
    clock.now_s = 15
    assert (name_for(following), following.serial) == ("intent/v1", 1)


def test_a_batch_fails_where_no_decision_was_ever_read(clock: Clock) -> None:
    def down() -> Rollout:
        raise TransientFailure("DynamoDB is down", dependency="dynamodb")

    with pytest.raises(TransientFailure) as failure:
        RolloutFollower(down, lambda _: (), load, monotonic=clock)()
    assert failure.value.dependency == "dynamodb"


def test_a_role_of_an_older_stack_that_may_not_read_the_rollout_serves_the_bundle_and_says_so(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    def denied() -> Rollout:
        raise TransientFailure("reading the rollout: AccessDeniedException", "AccessDeniedException")

    following = RolloutFollower(denied, lambda _: (), load, monotonic=clock)
    assert (name_for(following), following.serial) == (None, 0)
    assert "ticketmill deploy" in caplog.text


def test_a_rollout_of_an_unreadable_form_is_a_failure_that_says_so(clock: Clock) -> None:
    def unreadable() -> Rollout:
        return Rollout.model_validate_json("{")

    with pytest.raises(TransientFailure, match="install a newer one"):
        RolloutFollower(unreadable, lambda _: (), load, monotonic=clock)()
