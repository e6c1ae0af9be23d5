"""What counts as growth in a soak."""

from __future__ import annotations

import pytest
from soak import verdict
from worker_process import Footprint


def minutes(*rss_mb: float, threads: int = 10, sockets: int = 5) -> list[Footprint]:
    return [Footprint(rss, rss, threads, sockets) for rss in rss_mb for _ in range(60)]


def test_what_is_filled_in_the_first_two_minutes_is_no_growth() -> None:
    found = verdict(minutes(100, 200, 300, 300, 301, 302), 7)
    assert (found["grew"], found["rss_growth"]) == ([], pytest.approx(0.0067))


def test_slow_growth_adds_up() -> None:
    assert verdict(minutes(100, 200, 300, 306, 312, 318), 7)["grew"] == ["memory"]


def test_a_thread_more_or_a_socket_more_than_the_pools_keep_is_growth() -> None:
    samples = [*minutes(300, 300, 300, 300, 300), *minutes(300, threads=11, sockets=8)]
    assert verdict(samples, 7)["grew"] == ["threads", "sockets"]
    assert verdict(samples, 8)["grew"] == ["threads"]


def test_a_short_run_is_compared_with_its_own_beginning() -> None:
    short = [Footprint(rss, rss, 1, 1) for rss in (9, 100, 100, 100, 100, 100, 100, 120)]
    assert verdict(short, 7)["grew"] == ["memory"]
