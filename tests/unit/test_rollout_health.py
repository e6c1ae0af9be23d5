"""When a version in service is rolled back by itself."""

from __future__ import annotations

import random

import pytest

from ticketmill.domain.rollout_health import ArmHealth, HealthWindow, should_roll_back

SERVING = ArmHealth(tickets=1000, partial=5, overridden=50, latency_ms=10.0)


def reason(judged: ArmHealth, reference: ArmHealth = SERVING) -> str | None:
    return should_roll_back(HealthWindow(judged, reference))


def test_a_version_that_does_as_well_goes_on() -> None:
    assert reason(ArmHealth(tickets=100, partial=1, overridden=6, latency_ms=11.0)) is None


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        (ArmHealth(100, overridden=20), "override rate 20.0% of 100 tickets, beside 5.0% of 1,000"),
        (ArmHealth(100, partial=10), "share of failed predictions 10.0% of 100 tickets, beside 0.5%"),
        (ArmHealth(100, latency_ms=20.0), "take up to 20 ms, beside 10 ms"),
    ],
)
def test_what_is_worse_is_named_with_its_numbers(judged: ArmHealth, said: str) -> None:
    assert said in (reason(judged) or "")


def test_few_tickets_are_no_reason() -> None:
    assert reason(ArmHealth(49, partial=49, overridden=49, latency_ms=1000.0)) is None
    assert reason(ArmHealth(1000, partial=1000), ArmHealth(49)) is None


def test_a_small_difference_is_no_reason_however_many_tickets_show_it() -> None:
    judged, reference = ArmHealth(1_000_000, overridden=19_000), ArmHealth(1_000_000)
    assert reason(judged, reference) is None


def test_a_version_that_fails_where_nothing_ever_failed_is_rolled_back() -> None:
    assert reason(ArmHealth(50, partial=50), ArmHealth(50)) is not None


def test_times_too_short_to_matter_are_no_reason() -> None:
    assert reason(ArmHealth(100, latency_ms=1.0), ArmHealth(100, latency_ms=0.1)) is None


def test_two_equal_versions_are_rarely_told_apart() -> None:
    generator = random.Random(7)

    def arm(tickets: int) -> ArmHealth:
        return ArmHealth(tickets, overridden=sum(generator.random() < 0.1 for _ in range(tickets)))

    found = sum(reason(arm(200), arm(1000)) is not None for _ in range(500))
    assert found <= 5
