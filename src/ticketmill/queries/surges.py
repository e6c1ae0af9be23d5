"""Surges: more tickets about one thing in the last hours than the four weeks before let expect.

1. Each new ticket: n tickets close to it in a window of the last hours, k in the 28 days before. The share of
   the volume is compared, which cancels hour and weekday (`count_surprise`).
2. Where that is worth a look, the middle of those n is the topic. Every ticket has a weight from 0 to 1, by
   its cosine to the middle; p bounds the chance of so much weight in the window (`weight_surprise`).
3. A ticket is surprising at p below the wanted false alarms a week / tickets a week. The second surprising
   ticket of a topic raises the alarm, or the first one whose p is ALONE times smaller.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Bools, Floats
from ticketmill.queries.surge_chance import count_surprise, weight_surprise
from ticketmill.queries.ticket_stream import HOUR_S, MIN_BASELINE, Arrival, TicketStream

WINDOWS_S = (1 * HOUR_S, 3 * HOUR_S)
CLOSE = 0.65
"""Cosine, in the topic space, from which two tickets are about the same thing."""
RAMP = 0.25
"""The weight rises from 0 to 1 between CLOSE - RAMP and CLOSE + RAMP."""
ALONE = 4.0
"""So many times smaller is the p of a ticket that raises an alarm alone.

Where nothing happens, chance makes one ticket surprising and seldom a second one. A surge goes on.
"""
WORTH_A_LOOK = 0.6
"""Of the surprise that a surprising ticket has."""
MIN_WRITERS = 4
"""Different customers, and tickets of unknown ones: one customer who writes again is no surge."""
EBB_S = 6 * HOUR_S
"""A surge closes when none of its tickets was surprising for so long."""
REOPEN_S = 24 * HOUR_S
"""A surge that closed so recently opens again, in the place of another one."""
_SHARED = 0.3
"""Of a window's close tickets. A surge that has so many of them is about the same thing."""
_AT_ONCE = 64
_SPAN_S = HOUR_S
"""Tickets that are read at once came within so long: they have one baseline."""


@dataclass(slots=True, eq=False)
class Surge:
    """Tickets about one thing that came at once."""

    tickets: list[Arrival]
    """In the order of their arrival."""
    opened_by: str
    """The id of the ticket that raised the alarm."""
    expected: float
    """Tickets that the most surprising window would have had."""
    n: int
    """Tickets by different customers that it had."""
    log_p: float
    """The natural logarithm of the smallest p yet."""
    last_surprising_s: float
    centre: Floats = field(repr=False)
    """(384,): the sum of its tickets in the topic space."""
    is_open: bool = True

    @property
    def first_s(self) -> float:
        return self.tickets[0].at_s

    @property
    def last_s(self) -> float:
        return self.tickets[-1].at_s


@dataclass(frozen=True, slots=True)
class Window:
    """The tickets of a window that are about one thing, with the newest one."""

    surprise: float = 0.0
    """-ln p; 0 where they are too few to matter."""
    n: int = 0
    """Their writers."""
    expected: float = 0.0
    positions: tuple[int, ...] = ()
    """In the stream."""


class SurgeScan:
    """Reads tickets in the order of their arrival, and says which surges they open.

    What it knows is the stream of the last 28 days. A surge takes the tickets of its topic, and these raise
    no other alarm.
    """

    def __init__(self, false_per_week: float = 0.5, windows_s: Sequence[float] = WINDOWS_S) -> None:
        self.false_per_week = false_per_week
        self.windows_s = tuple(sorted(windows_s))
        self.surges: list[Surge] = []
        """Those that are open, or closed so recently that a ticket may open them again."""
        self._stream = TicketStream()
        self._surprising: dict[str, float] = {}
        """When the surprising tickets of the widest window came, by their id."""

    def read(self, arrivals: Iterable[Arrival]) -> list[Surge]:
        """The surges that these tickets open."""
        opened: list[Surge] = []
        for block in _blocks(arrivals):
            if self._stream.add(block):
                for surge in self.surges:
                    surge.centre = self._stream.place(surge.tickets).sum(axis=0)
            if self._stream.is_known:
                opened += self._read(block)
        return opened

    def ebb(self, now_s: float) -> list[Surge]:
        """The surges that close because nothing surprising has come to them for long."""
        ebbed = [each for each in self.surges if each.is_open and now_s - each.last_surprising_s > EBB_S]
        for surge in ebbed:
            surge.is_open = False
        self.surges = [each for each in self.surges if now_s - each.last_surprising_s <= EBB_S + REOPEN_S]
        return ebbed

    @property
    def needed(self) -> float:
        """The surprise from which on a ticket is surprising."""
        return math.log(max(1.0, self._stream.tickets_per_week / self.false_per_week))

    def _read(self, block: Sequence[Arrival]) -> Iterator[Surge]:
        stream, needed = self._stream, self.needed
        first = len(stream) - len(block)
        baseline = stream.baseline(float(stream.times[first]) - self.windows_s[-1])
        if len(baseline) < MIN_BASELINE:
            return
        self._surprising = {
            ticket_id: at_s
            for ticket_id, at_s in self._surprising.items()
            if at_s >= stream.times[first] - self.windows_s[-1]
        }
        near = stream.placed[first:] @ stream.placed[baseline.start :].T >= CLOSE
        for number, arrival in enumerate(block):
            at = first + number
            self.ebb(float(stream.times[at]))
            window = self._most_surprising(at, near[number], baseline, needed)
            is_surprising = window.n > 0 and window.surprise >= needed
            surge = self._surge_of(at, window)
            if surge is None and is_surprising and self._is_alarm(window):
                surge = self._open(window, arrival)
                yield surge
            elif surge is not None and (surge.is_open or is_surprising):
                self._take(surge, at, window, is_surprising)
            if is_surprising:
                self._surprising[arrival.ticket_id] = float(stream.times[at])

    def _is_alarm(self, window: Window) -> bool:
        """Whether a surprising ticket raises an alarm: alone, or as a new customer after another."""
        if window.surprise >= self.needed + math.log(ALONE):
            return True
        *earlier, newest = (self._stream.arrivals[each] for each in window.positions)
        is_new = all(each.writer != newest.writer for each in earlier)
        return is_new and any(each.ticket_id in self._surprising for each in earlier)

    def _most_surprising(self, at: int, near: Bools, baseline: range, needed: float) -> Window:
        """Of the windows that end with the ticket `at`. `near`: which tickets since the baseline's first are
        close to it.
        """
        looked = [self._around_ticket(at, near, baseline, each) for each in self.windows_s]
        surprise, window_s = max(looked)
        if surprise < needed * WORTH_A_LOOK:
            return Window()
        start = self._start(at, window_s)
        close = start + np.flatnonzero(near[start - baseline.start : at + 1 - baseline.start])
        return self._around_middle(at, start, close, baseline)

    def _around_ticket(self, at: int, near: Bools, baseline: range, window_s: float) -> tuple[float, float]:
        """The surprise of the tickets close to a ticket in a window, and the window."""
        start = self._start(at, window_s)
        n = int(np.count_nonzero(near[start - baseline.start : at + 1 - baseline.start]))
        if n < MIN_WRITERS:
            return 0.0, window_s
        before = int(np.count_nonzero(near[: len(baseline)]))
        return count_surprise(n, before, at + 1 - start, len(baseline)), window_s

    def _around_middle(self, at: int, start: int, close: NDArray[np.intp], baseline: range) -> Window:
        """What is about the topic of some tickets: they are closer to their middle than to each other."""
        stream = self._stream
        middle = stream.placed[close].sum(axis=0)
        cosines = stream.placed[baseline.start : at + 1] @ (middle / np.linalg.norm(middle))
        weights = np.clip((cosines - CLOSE + RAMP) / (2 * RAMP), 0, 1)
        before, now = weights[: len(baseline)], weights[start - baseline.start :]
        of_writer: dict[str, float] = {}
        for arrival, weight in zip(stream.arrivals[start : at + 1], now.tolist(), strict=True):
            of_writer[arrival.writer] = max(weight, of_writer.get(arrival.writer, 0.0))
        n, tickets = sum(weight >= 0.5 for weight in of_writer.values()), at + 1 - start
        if n < MIN_WRITERS:
            return Window()
        found = weight_surprise(sum(of_writer.values()), before, tickets)
        expected = (np.count_nonzero(before >= 0.5) + 0.5) * tickets / max(1, len(baseline))
        topic = (start + np.flatnonzero(now[:-1] >= 0.5)).tolist()
        return Window(found, n, float(expected), (*topic, at))

    def _start(self, at: int, window_s: float) -> int:
        """The position of the first ticket of a window that ends with a ticket."""
        return int(np.searchsorted(self._stream.times, self._stream.times[at] - window_s))

    def _surge_of(self, at: int, window: Window) -> Surge | None:
        """The surge that a ticket is about: it is close to its middle, or its window shares tickets."""
        placed = self._stream.placed[at]
        close = {self._stream.arrivals[each].ticket_id for each in window.positions}
        for surge in self.surges:
            if placed @ surge.centre >= CLOSE * float(np.linalg.norm(surge.centre)):
                return surge
            shared = sum(each.ticket_id in close for each in surge.tickets)
            if shared > _SHARED * max(1, len(close)):
                return surge
        return None

    def _open(self, window: Window, arrival: Arrival) -> Surge:
        tickets = [self._stream.arrivals[each] for each in window.positions]
        centre = self._stream.placed[list(window.positions)].sum(axis=0)
        surge = Surge(
            tickets, arrival.ticket_id, window.expected, window.n, -window.surprise, arrival.at_s, centre
        )
        self.surges.append(surge)
        return surge

    def _take(self, surge: Surge, at: int, window: Window, is_surprising: bool) -> None:
        arrival = self._stream.arrivals[at]
        surge.tickets.append(arrival)
        surge.centre = surge.centre + self._stream.placed[at]
        if is_surprising:
            surge.is_open, surge.last_surprising_s = True, arrival.at_s
        if -window.surprise < surge.log_p:
            surge.n, surge.expected, surge.log_p = window.n, window.expected, -window.surprise


def _blocks(arrivals: Iterable[Arrival]) -> Iterator[list[Arrival]]:
    """Runs of at most 64 tickets that came within an hour."""
    block: list[Arrival] = []
    for arrival in arrivals:
        if block and (len(block) == _AT_ONCE or arrival.at_s - block[0].at_s > _SPAN_S):
            yield block
            block = []
        block.append(arrival)
    if block:
        yield block
