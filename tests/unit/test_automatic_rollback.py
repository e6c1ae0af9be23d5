"""A version that does badly is rolled back without a person, by one worker, and on numbers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from fakes import NOW
from learned_samples import Place

from ticketmill.domain.keys import index_position
from ticketmill.domain.rollout import Arm, Change
from ticketmill.domain.rollout_health import HealthLimits
from ticketmill.pipeline.arm_health import ArmHealths
from ticketmill.pipeline.automatic_rollback import AutomaticRollback
from ticketmill.pipeline.learned import Predicted

LATER = NOW + timedelta(hours=2)


@pytest.fixture
def place() -> Place:
    return Place()


class Tickets:
    """What an index holds: uploads since the decision and before it."""

    def __init__(self, corrected: Iterable[str] = (), count: int = 1000, before: int = 0) -> None:
        self.corrected = set(corrected)
        self.count = count
        self.before = before

    def newest(self, since: datetime, until: datetime | None) -> list[tuple[str, list[str]]]:
        names = [f"T{number}" for number in range(self.count if until is None else self.before)]
        return [
            (
                index_position(since, each),
                ["status=enriched"] + ["corrected=intent"] * (each in self.corrected),
            )
            for each in names
        ]


def judge(
    place: Place, healths: ArmHealths | None = None, tickets: Tickets | None = None
) -> AutomaticRollback:
    return AutomaticRollback(
        place.rollouts.current,
        place.rollouts.replace,
        healths or ArmHealths(),
        (tickets or Tickets(count=0)).newest,
        HealthLimits(),
        now=lambda: LATER,
    )


def predicted(decision: int, version: int | None, failed: int = 0, seconds: float = 0.01) -> Predicted:
    return Predicted("intent", decision, version, tickets=100, failed=failed, seconds=seconds)


def test_a_canary_that_people_override_more_often_than_what_serves_is_ended(place: Place) -> None:
    place.promote(1)
    canary = place.canary(2, 50).tasks["intent"]
    on_canary = [f"T{number}" for number in range(1000) if canary.arm_of(f"T{number}") is Arm.CANARY]
    assert judge(place, tickets=Tickets(on_canary[:60])).check() == ["intent"]
    decision = place.current.tasks["intent"]
    assert (decision.change, decision.who, decision.serving, decision.canary) == (
        Change.ROLLBACK,
        "automatic",
        1,
        None,
    )
    assert "override rate" in decision.reason


def test_a_canary_that_is_overridden_as_often_as_what_serves_goes_on(place: Place) -> None:
    place.promote(1)
    place.canary(2, 50)
    corrected = [f"T{number}" for number in range(0, 1000, 10)]
    assert judge(place, tickets=Tickets(corrected)).check() == []
    assert place.current.tasks["intent"].canary == 2


def test_a_canary_that_fails_is_ended(place: Place) -> None:
    serial = place.canary(1, 50).serial
    healths = ArmHealths()
    healths.predicted(predicted(serial, 1, failed=20))
    healths.predicted(predicted(serial, None))
    assert judge(place, healths).check() == ["intent"]
    assert place.current.tasks["intent"].serving is None


def test_a_canary_that_is_slow_is_ended(place: Place) -> None:
    serial = place.canary(1, 50).serial
    healths = ArmHealths()
    for _ in range(3):
        healths.predicted(predicted(serial, 1, seconds=5.0))
        healths.predicted(predicted(serial, None))
    assert judge(place, healths).check() == ["intent"]


def test_a_promoted_version_is_judged_by_what_served_before(place: Place) -> None:
    healths = ArmHealths()
    healths.predicted(predicted(place.promote(1).serial, 1))
    healths.predicted(predicted(place.promote(2).serial, 2, failed=20))
    assert judge(place, healths).check() == ["intent"]
    assert place.current.tasks["intent"].serving == 1


def test_overrides_since_a_promotion_are_compared_with_those_before_it(place: Place) -> None:
    place.promote(1)
    corrected = {f"T{number}" for number in range(900, 1000)}
    assert judge(place, tickets=Tickets(corrected, count=1000, before=900)).check() == ["intent"]


def test_a_few_tickets_say_nothing(place: Place) -> None:
    serial = place.canary(1, 50).serial
    healths = ArmHealths()
    healths.predicted(Predicted("intent", serial, 1, tickets=10, failed=10, seconds=0.1))
    healths.predicted(Predicted("intent", serial, None, tickets=10, failed=0, seconds=0.1))
    assert judge(place, healths, Tickets(["T1", "T2"], count=20)).check() == []


def test_a_promotion_is_judged_for_a_week(place: Place) -> None:
    place.promote(1)
    late = judge(place, tickets=Tickets({f"T{number}" for number in range(500)}, 1000, before=900))
    late.now = lambda: NOW + timedelta(days=8)
    assert late.check() == []


def test_of_several_workers_one_rolls_back(place: Place) -> None:
    place.promote(1)
    serial = place.promote(2).serial
    healths = ArmHealths()
    healths.predicted(predicted(1, 1))
    healths.predicted(predicted(serial, 2, failed=20))
    first = judge(place, healths)
    second = judge(place, healths)
    seen = place.current
    second.now = lambda: LATER + timedelta(seconds=1)
    second.read = lambda: seen  # it looked before the first one wrote
    assert first.check() == ["intent"]
    assert second.check() == []
    assert (place.current.serial, place.current.tasks["intent"].serving) == (3, 1)


def test_a_decision_that_came_meanwhile_is_left_alone(place: Place) -> None:
    serial = place.canary(1, 50).serial
    healths = ArmHealths()
    healths.predicted(predicted(serial, 1, failed=20))
    healths.predicted(predicted(serial, None))
    judging = judge(place, healths)
    looks = iter([place.current, place.canary(1, 100)])
    judging.read = lambda: next(looks)
    assert judging.check() == []
    assert place.current.tasks["intent"].canary_percent == 100
