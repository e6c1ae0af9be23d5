from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from ticketmill.domain.message import Message
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.worker.statistics import MAX_LATENCIES, Statistics

DONE = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def outcome(result: Result = Result.ENRICHED, waited_s: float = 1.0) -> Outcome:
    message = Message(
        message_id="m", body="{}", receipt="r", receive_count=1, sent_at=DONE - timedelta(seconds=waited_s)
    )
    return Outcome(message, result)


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def work(statistics: Statistics, clock: Clock, seconds: float, *outcomes: Outcome) -> None:
    with statistics.busy():
        clock.now += seconds
        statistics.count(outcomes, DONE)


def after(*outcomes: Outcome, busy_s: float = 1.0) -> Statistics:
    clock = Clock()
    statistics = Statistics(clock)
    work(statistics, clock, busy_s, *outcomes)
    return statistics


def test_before_the_first_ticket_there_is_nothing_to_tell() -> None:
    assert Statistics().as_dict() == {
        "processed": 0,
        **dict.fromkeys((result.value for result in Result), 0),
        "received": 0,
        "lost_leases": 0,
        "unconfirmed": 0,
        "outages": 0,
        "cache_hits": 0,
        "cache_misses": 0,
        "tickets_per_s": 0.0,
        "latency_ms_p50": None,
        "latency_ms_p95": None,
    }


@pytest.mark.parametrize(
    ("result", "processed"),
    [
        (Result.ENRICHED, 1),
        (Result.PARTIAL, 1),
        (Result.DUPLICATE, 1),
        (Result.SUPERSEDED, 1),
        (Result.REJECTED, 0),
        (Result.IGNORED, 0),
        (Result.FAILED, 0),
    ],
)
def test_processed_are_the_tickets_whose_row_says_what_it_should(result: Result, processed: int) -> None:
    statistics = after(outcome(result))
    assert statistics.processed == processed
    assert statistics.as_dict()[result.value] == 1
    assert (statistics.latency_ms(50) is not None) == bool(processed)


def test_batches_add_up() -> None:
    clock = Clock()
    statistics = Statistics(clock)
    work(statistics, clock, 1.5, *[outcome()] * 3, outcome(Result.REJECTED))
    work(statistics, clock, 0.5, outcome(Result.PARTIAL))
    work(statistics, clock, 0.0)
    assert statistics.processed == 4
    assert statistics.results.total() == 5
    assert statistics.tickets_per_s == 2.0


def test_time_in_which_several_batches_are_in_hand_counts_once_and_idle_time_never() -> None:
    clock = Clock()
    statistics = Statistics(clock)
    with statistics.busy():
        work(statistics, clock, 2.0, *[outcome()] * 6)
        clock.now += 1.0
    clock.now += 100.0
    assert statistics.tickets_per_s == 2.0


def test_throughput_counts_processed_tickets_over_busy_time() -> None:
    statistics = after(outcome(), outcome(), outcome(Result.FAILED), busy_s=3.0)
    assert statistics.tickets_per_s == pytest.approx(2 / 3)
    assert statistics.as_dict()["tickets_per_s"] == 0.7


def test_one_latency_is_every_percentile() -> None:
    statistics = after(outcome(waited_s=0.25))
    assert (statistics.latency_ms(50), statistics.latency_ms(95)) == (250.0, 250.0)


def test_percentiles_stand_between_the_latencies_whatever_their_order() -> None:
    statistics = after(*(outcome(waited_s=seconds) for seconds in (5, 1, 4, 2, 3)))
    assert statistics.latency_ms(50) == 3000.0
    assert statistics.latency_ms(95) == 4800.0


def test_a_ticket_that_failed_does_not_count_in_the_latencies() -> None:
    statistics = after(outcome(waited_s=1), outcome(Result.FAILED, waited_s=900))
    assert statistics.latency_ms(95) == 1000.0


def test_latencies_are_of_the_last_ten_thousand_tickets() -> None:
    statistics = after(*[outcome(waited_s=60)] * MAX_LATENCIES)
    statistics.count([outcome(waited_s=1)] * MAX_LATENCIES, DONE)
    assert statistics.latency_ms(95) == 1000.0
    assert statistics.processed == 2 * MAX_LATENCIES == 20_000


def test_the_statistics_are_fit_for_json() -> None:
    statistics = after(outcome(), outcome(Result.REJECTED), busy_s=0.3)
    statistics.unconfirmed = 2
    told = json.loads(json.dumps(statistics.as_dict()))
    assert (told["enriched"], told["rejected"], told["unconfirmed"]) == (1, 1, 2)
    assert (told["tickets_per_s"], told["latency_ms_p50"]) == (3.3, 1000.0)
