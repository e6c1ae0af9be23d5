"""Surges over vectors made by hand: topics are random directions, tickets lie around them."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import numpy as np
import pytest

from ticketmill.arrays import Floats
from ticketmill.queries.surge_chance import count_surprise, weight_surprise
from ticketmill.queries.surges import ALONE, EBB_S, MIN_WRITERS, SurgeScan
from ticketmill.queries.ticket_stream import DAY_S, HOUR_S, Arrival, TicketStream
from ticketmill.queries.topic_space import TopicSpace

TOPICS, WIDTH = 20, 64
NOON_S = 29 * DAY_S + 12 * HOUR_S


def around(topic: int, random: np.random.Generator) -> Floats:
    """A vector of length 1 near the direction of a topic."""
    centre = np.random.default_rng(1000 + topic).normal(size=WIDTH)
    vector = centre / np.linalg.norm(centre) + 0.06 * random.normal(size=WIDTH)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def background(days: int = 29, per_day: int = 60, seed: int = 0) -> list[Arrival]:
    """Tickets of all topics in turn, by different customers, evenly over the days."""
    random = np.random.default_rng(seed)
    times = np.sort(random.random(days * per_day)) * days * DAY_S
    return [
        Arrival(f"B{number}", float(at_s), around(number % TOPICS, random), f"C{number}")
        for number, at_s in enumerate(times)
    ]


def burst(
    topic: int, tickets: int = 12, start_s: float = NOON_S, customers: Sequence[str | None] | None = None
) -> list[Arrival]:
    random = np.random.default_rng(topic)
    names = customers or [f"burst-{number}" for number in range(tickets)]
    return [
        Arrival(f"T{topic}-{number}", start_s + number * 600, around(topic, random), names[number])
        for number in range(tickets)
    ]


@pytest.fixture(scope="module")
def four_weeks() -> SurgeScan:
    scan = SurgeScan()
    assert scan.read(background()) == []
    return scan


@pytest.fixture
def scan(four_weeks: SurgeScan) -> SurgeScan:
    """One that has read four weeks without a surge."""
    return copy.deepcopy(four_weeks)


def in_order(*streams: list[Arrival]) -> list[Arrival]:
    return sorted((each for stream in streams for each in stream), key=lambda each: each.at_s)


def test_p_is_the_tail_of_the_negative_binomial() -> None:
    # scipy.stats.nbinom.sf(n - 1, k + 0.5, N_b / (N_b + N_w))
    assert np.exp(-count_surprise(6, 20, 30, 5600)) == pytest.approx(4.2341e-09, rel=1e-3)
    assert np.exp(-count_surprise(5, 300, 40, 5600)) == pytest.approx(6.7511e-02, rel=1e-3)


def test_no_more_than_expected_is_no_surprise() -> None:
    assert count_surprise(2, 500, 40, 5600) == 0.0


def test_the_weight_of_a_window_is_bounded_from_above() -> None:
    """Against draws: a window of 30 of the baseline's tickets."""
    random = np.random.default_rng(0)
    before = np.where(random.random(5000) < 0.04, random.random(5000), 0).astype(np.float32)
    totals = random.choice(before, (100_000, 30)).sum(axis=1)
    for total in (2.0, 2.5, 3.0):
        share = float(np.mean(totals >= total))
        assert share < np.exp(-weight_surprise(total, before, 30)) < 12 * share


def test_a_burst_of_one_topic_opens_one_surge(scan: SurgeScan) -> None:
    (surge,) = scan.read(burst(3))
    ids = [each.ticket_id for each in surge.tickets]
    assert {f"T3-{number}" for number in range(12)} <= set(ids)
    assert ids.index(surge.opened_by) < 8
    assert surge.n > 5 * surge.expected


def test_two_topics_that_burst_at_once_are_two_surges(scan: SurgeScan) -> None:
    surges = scan.read(in_order(burst(3), burst(8)))
    assert sorted(each.opened_by.split("-")[0] for each in surges) == ["T3", "T8"]


def test_a_topic_that_the_past_has_not_seen_surges_too(scan: SurgeScan) -> None:
    (surge,) = scan.read(burst(TOPICS + 5))
    assert surge.expected < 0.1


def test_one_customer_who_writes_again_and_again_is_no_surge(scan: SurgeScan) -> None:
    assert scan.read(burst(3, customers=["C1"] * 12)) == []


def test_tickets_of_unknown_customers_count_each(scan: SurgeScan) -> None:
    assert len(scan.read(burst(3, customers=[None] * 12))) == 1


def test_a_busy_hour_of_all_topics_is_no_surge(scan: SurgeScan) -> None:
    random = np.random.default_rng(5)
    busy = [
        Arrival(f"busy-{number}", NOON_S + number * 18, around(number % TOPICS, random), f"busy-{number}")
        for number in range(200)
    ]
    assert scan.read(busy) == []


def test_who_wants_fewer_false_alarms_gets_them_later() -> None:
    few, many = SurgeScan(0.01), SurgeScan(10.0)
    few.read(background(10))
    many.read(background(10))
    assert few.needed == pytest.approx(many.needed + np.log(1000))


def at_the_edge(scan: SurgeScan, margin: float = 0.1) -> SurgeScan:
    """One to which the fourth ticket of topic 3 is just surprising: too little for an alarm of its own.

    `margin`: below ln ALONE; by so much is its surprise more than is needed.
    """
    wary = copy.deepcopy(scan)
    wary.false_per_week = 1e6
    (surge,) = wary.read(burst(3)[:MIN_WRITERS])
    edge = copy.deepcopy(scan)
    edge.false_per_week *= math.exp(edge.needed + surge.log_p + margin)
    return edge


def elsewhere(tickets: int, after: Arrival) -> list[Arrival]:
    """Tickets of other topics, all just after one ticket."""
    random = np.random.default_rng(5)
    return [
        Arrival(f"other-{number}", after.at_s + 1 + number, around(8 + number, random), f"other-{number}")
        for number in range(tickets)
    ]


def test_the_second_surprising_ticket_of_a_topic_raises_the_alarm(scan: SurgeScan) -> None:
    topic = burst(3, tickets=5)
    # the other tickets keep the fifth as surprising as the fourth: neither would be enough alone
    (surge,) = at_the_edge(scan).read(in_order(topic, elsewhere(2, after=topic[3])))
    assert surge.opened_by == "T3-4"
    assert -surge.log_p < at_the_edge(scan).needed + math.log(ALONE)


def test_one_surprising_ticket_that_no_other_follows_raises_no_alarm(scan: SurgeScan) -> None:
    topic = burst(3, tickets=4)
    assert at_the_edge(scan).read(in_order(topic, elsewhere(2, after=topic[3]))) == []


def test_a_customer_who_writes_again_is_no_second_surprising_ticket(scan: SurgeScan) -> None:
    edge = at_the_edge(scan, margin=1.3)
    assert edge.read(burst(3, tickets=5, customers=["C1", "C2", "C3", "C4", "C1"])) == []


def test_a_ticket_four_times_as_surprising_raises_the_alarm_alone(scan: SurgeScan) -> None:
    edge = at_the_edge(scan)
    edge.false_per_week *= ALONE
    (surge,) = edge.read(burst(3, tickets=4))
    assert surge.opened_by == "T3-3"


def test_however_many_false_alarms_are_welcome_few_tickets_are_no_surge(scan: SurgeScan) -> None:
    scan.false_per_week = 1e6
    assert scan.needed == 0.0
    assert scan.read(burst(3, tickets=MIN_WRITERS - 1)) == []


def test_a_surge_ebbs_and_opens_again_when_it_goes_on(scan: SurgeScan) -> None:
    (surge,) = scan.read(burst(3))
    end_s = surge.last_surprising_s
    assert scan.ebb(end_s + EBB_S - 1) == []
    assert scan.ebb(end_s + EBB_S + 1) == [surge]
    assert not surge.is_open
    again = [
        Arrival(f"again-{number}", end_s + EBB_S + 2 * HOUR_S + number * 300, each.vector, f"again-{number}")
        for number, each in enumerate(burst(3))
    ]
    assert scan.read(again) == []
    assert surge.is_open
    assert surge.tickets[-1].ticket_id == "again-11"


def test_too_short_a_past_says_nothing() -> None:
    assert SurgeScan().read(burst(3, tickets=100)) == []
    rush = [Arrival(f"R{number}", number, around(3, np.random.default_rng(number))) for number in range(500)]
    assert SurgeScan().read(rush) == []


def test_a_late_ticket_counts_as_coming_now() -> None:
    stream = TicketStream()
    stream.add([burst(1, start_s=100.0)[0], burst(2, start_s=50.0)[0]])
    assert stream.times.tolist() == [100.0, 100.0]


def test_the_topic_space_brings_wordings_of_a_topic_together() -> None:
    random = np.random.default_rng(0)
    vectors = np.stack([around(number % TOPICS, random) for number in range(2000)])
    space = TopicSpace.of(vectors)
    fresh = np.stack([around(number % TOPICS, random) for number in range(2 * TOPICS)])
    placed, centred = space.place(fresh), fresh - space.mean
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    one, other = slice(0, TOPICS), slice(TOPICS, None)
    before = np.sum(centred[one] * centred[other], axis=1)
    after = np.sum(placed[one] * placed[other], axis=1)
    assert after.min() > before.max()
    assert np.allclose(np.linalg.norm(placed, axis=1), 1, atol=1e-5)


def test_min_writers_is_more_than_three_customers() -> None:
    assert MIN_WRITERS > 3
