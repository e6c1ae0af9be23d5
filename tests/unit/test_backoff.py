"""When a message that failed is received again."""

from __future__ import annotations

import pytest
from fakes import announce

from ticketmill.worker.backoff import Backoff


@pytest.mark.parametrize(
    ("receive_count", "delay_s"), [(0, 20), (1, 20), (2, 40), (5, 320), (7, 900), (9999, 900)]
)
def test_the_delay_doubles_up_to_fifteen_minutes(receive_count: int, delay_s: int) -> None:
    assert Backoff(jitter=lambda: 1.0).delay_s(receive_count) == delay_s


def test_the_first_retry_comes_after_15_to_30_seconds_by_chance() -> None:
    delays = {Backoff().delay_s(1) for _ in range(1000)}
    assert delays <= set(range(15, 31))
    assert len(delays) > 5


def test_no_delay_is_longer_than_fifteen_minutes_whatever_the_jitter() -> None:
    assert Backoff(jitter=lambda: 1.5).delay_s(7) == 900


def test_messages_received_equally_often_are_released_together() -> None:
    jitter = iter([1.0, 1.25])
    once, twice = announce("a", message_id="m1"), announce("b", message_id="m2", receive_count=2)
    again = announce("c", message_id="m3")
    assert Backoff(jitter=lambda: next(jitter)).groups([once, twice, again]) == {
        20: [once, again],
        50: [twice],
    }
