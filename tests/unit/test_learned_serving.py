"""What goes on beside the batches: in threads of a worker, and within an invocation of Lambda."""

from __future__ import annotations

from threading import Event

import pytest
from learned_samples import Place, load

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.rollout import Rollout
from ticketmill.periodic import Periodic
from ticketmill.pipeline.arm_health import ArmHealths
from ticketmill.pipeline.automatic_rollback import AutomaticRollback
from ticketmill.pipeline.learned import Compared
from ticketmill.pipeline.learned_serving import LearnedServing
from ticketmill.pipeline.rollout_follower import RolloutFollower
from ticketmill.pipeline.shadows import Shadows

WAIT_S = 30


class Recorded:
    """A store that tells when something is put."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def put(self, key: str, _body: bytes) -> None:
        self.keys.append(key)


def serving(place: Place, store: Recorded, refresh_s: float = 0.01, now_s: float = 0.0) -> LearnedServing:
    return LearnedServing(
        RolloutFollower(place.rollouts.current, place.rollouts.history, load, refresh_s),
        Shadows(store.put),
        AutomaticRollback(place.rollouts.current, place.rollouts.replace, ArmHealths(), lambda *_: ()),
        monotonic=lambda: now_s,
    )


def disagree(learned: LearnedServing) -> None:
    learned.shadows.compared(load("intent", 1), [Compared("T1", "onepass", ("a",), 0.8, ("b",), 0.6)])


def test_a_workers_threads_follow_the_rollout_while_no_batch_asks() -> None:
    place = Place()
    followed = Event()
    learned = serving(place, Recorded())
    load_version = learned.follower.load

    def tell(task: str, number: int):  # type: ignore[no-untyped-def]
        followed.set()
        return load_version(task, number)

    learned.follower.load = tell
    with learned:
        place.promote(1)
        assert followed.wait(WAIT_S)


def test_a_worker_that_ends_stores_the_disagreements_that_wait() -> None:
    store = Recorded()
    learned = serving(Place(), store)
    with learned:
        learned.shadows.flush()
        disagree(learned)
    assert len(store.keys) == 1


def test_in_lambda_a_call_looks_at_the_decisions_when_it_is_due() -> None:
    place, now_s = Place(), [0.0]
    learned = serving(place, Recorded(), refresh_s=15)
    learned.follower.monotonic = lambda: now_s[0]
    learned()
    place.promote(1)
    assert learned().rollout.serial == 0
    now_s[0] = 15.0
    assert learned().rollout.serial == 1


def test_disagreements_are_stored_when_it_is_due() -> None:
    store, now_s = Recorded(), [0.0]
    learned = serving(Place(), store)
    learned.monotonic = lambda: now_s[0]
    learned.tend()
    disagree(learned)
    learned.tend()
    assert store.keys == []
    now_s[0] = 15.0
    learned.tend()
    assert len(store.keys) == 1


def test_a_judgement_that_cannot_be_made_is_told_and_nothing_more(caplog: pytest.LogCaptureFixture) -> None:
    def down() -> Rollout:
        raise TransientFailure("DynamoDB is down")

    learned = serving(Place(), Recorded())
    learned.rollback.read = down
    learned.tend()
    assert "could not be judged: DynamoDB is down" in caplog.text


def test_a_bug_in_periodic_work_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    called_again = Event()
    calls = 0

    def work() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ValueError("quoting a ticket")
        called_again.set()

    periodic = Periodic("test", 0.001, work)
    assert called_again.wait(WAIT_S)
    periodic.close(WAIT_S)
    assert not periodic.is_alive
    assert "test failed: ValueError" in caplog.text
    assert "quoting" not in caplog.text
