"""The tickets of the last weeks in the order of their arrival, in the topic space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ticketmill.arrays import Doubles, Floats
from ticketmill.queries.topic_space import TopicSpace

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
WEEK_S = 7 * DAY_S
BASELINE_S = 28 * DAY_S
MIN_BASELINE = 200
"""Tickets. Before there are so many, nothing is known to be unusual."""


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """A ticket, as far as surges are concerned."""

    ticket_id: str
    at_s: float
    """When it was received, in seconds since 1970."""
    vector: Floats
    """(384,), of length 1."""
    customer: str | None = None

    @property
    def writer(self) -> str:
        """Whom it counts for: tickets of one customer count once, those of unknown customers each."""
        return f"customer {self.customer}" if self.customer else f"ticket {self.ticket_id}"


class TicketStream:
    """Keeps 28 days and what came since the topic space was last made.

    The space is made each week, and whenever the stream has twice the tickets that it was made of.
    """

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self._times: Doubles = np.empty(0)
        self._placed: Floats = np.empty((0, 0), np.float32)
        self._space: TopicSpace | None = None
        self._made_at_s = -math.inf
        self._made_of = 0

    def __len__(self) -> int:
        return len(self.arrivals)

    @property
    def times(self) -> Doubles:
        """(tickets,): seconds since 1970, in order."""
        return self._times[: len(self)]

    @property
    def is_known(self) -> bool:
        """Whether there are enough tickets to have a topic space."""
        return self._space is not None

    @property
    def tickets_per_week(self) -> float:
        """Of all that is kept; a stream younger than a day counts as a day old."""
        span_s = max(DAY_S, self.times[-1] - self.times[0]) if len(self) else DAY_S
        return len(self) * WEEK_S / span_s

    def add(self, arrivals: Sequence[Arrival]) -> bool:
        """Appends tickets; whether the topic space was made anew.

        A ticket that comes late counts as coming now.
        """
        start, newest = len(self), self.times[-1] if len(self) else -math.inf
        self.arrivals += arrivals
        self._grow()
        self.times[start:] = np.maximum.accumulate([max(newest, each.at_s) for each in arrivals])
        if self._is_due():
            self._make_space()
            return True
        if self._space is not None:
            self.placed[start:] = self.place(arrivals)
        return False

    def place(self, arrivals: Sequence[Arrival]) -> Floats:
        """(n, 384): tickets in the topic space, of length 1."""
        vectors = np.stack([each.vector for each in arrivals])
        return vectors if self._space is None else self._space.place(vectors)

    @property
    def placed(self) -> Floats:
        """(tickets, 384): all tickets in the topic space, of length 1."""
        return self._placed[: len(self)]

    def baseline(self, until_s: float) -> range:
        """The positions of the tickets of the 28 days before a moment."""
        start, end = np.searchsorted(self.times, (until_s - BASELINE_S, until_s))
        return range(int(start), int(end))

    def _grow(self) -> None:
        if len(self) <= len(self._times):
            return
        room = max(1024, len(self) + len(self) // 2)
        self._times = np.resize(self._times, room)
        if self._space is not None:
            placed = np.empty((room, self._placed.shape[1]), np.float32)
            placed[: len(self._placed)] = self._placed
            self._placed = placed

    def _is_due(self) -> bool:
        return len(self) >= MIN_BASELINE and (
            len(self) >= 2 * self._made_of or self.times[-1] - self._made_at_s >= WEEK_S
        )

    def _make_space(self) -> None:
        kept = int(np.searchsorted(self.times, self.times[-1] - BASELINE_S - DAY_S))
        self.arrivals = self.arrivals[kept:]
        self._times = self._times[kept:]
        vectors = np.stack([each.vector for each in self.arrivals])
        self._space = TopicSpace.of(vectors)
        self._placed = np.empty((len(self._times), vectors.shape[1]), np.float32)
        self.placed[:] = self._space.place(vectors)
        self._made_at_s, self._made_of = float(self.times[-1]), len(self)
