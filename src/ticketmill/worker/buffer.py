"""Messages that were received and are not finished: bounded, and given to worker threads in batches."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from enum import StrEnum

from ticketmill.domain.message import SQS_MAX_BATCH, Message
from ticketmill.worker.isolation import is_suspect


class Flow(StrEnum):
    """How much may be started now."""

    FULL = "full"
    ALONE = "alone"
    """One message in the whole worker: a trial after an outage."""
    PAUSED = "paused"
    """Nothing: what a batch needs is down."""


class Buffer:
    """Between the receiver and the worker threads, which all share it.

    Suspects wait until nothing else is in flight, and are given out alone, see `isolation`.
    """

    def __init__(self, capacity: int, flow: Callable[[], Flow] = lambda: Flow.FULL) -> None:
        self._capacity = capacity
        self._flow = flow
        self._ordinary: deque[Message] = deque()
        self._suspects: deque[Message] = deque()
        self._at_work = 0
        self._one_alone = False
        self._more_expected = False
        self._finishing = False
        self._closed = False
        self._changed = threading.Condition()
        # One worker thread gathers at a time, and none finds empty what another has just taken.
        self._gathering = threading.Lock()

    def __len__(self) -> int:
        """Messages that wait."""
        return len(self._ordinary) + len(self._suspects)

    @property
    def in_flight(self) -> int:
        """Messages that wait or are at work."""
        return len(self) + self._at_work

    @property
    def ended(self) -> bool:
        """Whether no batch will come any more."""
        return self._closed or (self._finishing and (not len(self) or self._flow() is Flow.PAUSED))

    def wait_for_room(self, timeout_s: float | None = None) -> int:
        """Waits until something may be received; how many messages. This is the back-pressure.

        0 after `timeout_s`, during a pause, and once the buffer takes nothing more.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._finishing or self._flow() is Flow.PAUSED or self._room() > 0, timeout_s
            )
            return self._room()

    def put(self, messages: Sequence[Message], more_expected: bool) -> list[Message]:
        """Adds `messages`; `more_expected` says whether others are about to follow.

        Gives back what a closed buffer no longer takes.
        """
        with self._changed:
            if self._closed:
                return list(messages)
            for message in messages:
                (self._suspects if is_suspect(message) else self._ordinary).append(message)
            self._more_expected = more_expected
            self._changed.notify_all()
            return []

    def take(self, most: int, gather_s: float, timeout_s: float | None = None) -> list[Message]:
        """The next batch: waits for a first message, then up to `gather_s` for more if more are expected.

        Whoever took it calls `done`. Empty after `timeout_s`, and once the buffer has ended.
        """
        with self._gathering, self._changed:
            self._changed.wait_for(lambda: self.ended or self._startable() > 0, timeout_s)
            self._gather(most, gather_s)
            count = 0 if self.ended else min(self._startable(), most)
            batch = [(self._ordinary or self._suspects).popleft() for _ in range(count)]
            if batch:
                self._at_work += len(batch)
                self._one_alone = self._flow() is Flow.ALONE or is_suspect(batch[0])
            self._changed.notify_all()
            return batch

    def done(self, batch: Sequence[Message]) -> None:
        """Tells that a batch is acknowledged or released."""
        with self._changed:
            self._at_work -= len(batch)
            self._changed.notify_all()

    def rest(self, rest_s: float, most: int) -> None:
        """Waits for `rest_s`, unless a batch of `most` waits already or the buffer takes nothing more.

        Messages that go alone have no rest between them: there is nothing to gather.
        """
        with self._changed:
            if not self._one_alone:
                self._changed.wait_for(lambda: self._finishing or self._startable() >= most, rest_s)

    def wake(self) -> None:
        """Has every waiting thread look at the flow again."""
        with self._changed:
            self._changed.notify_all()

    def finish(self) -> None:
        """Takes nothing more in; what waits is still given out, unless the flow is paused."""
        with self._changed:
            self._finishing = True
            self._changed.notify_all()

    def drain(self) -> list[Message]:
        """Gives what nobody has taken, out of its turn."""
        with self._changed:
            left = [*self._ordinary, *self._suspects]
            self._ordinary.clear()
            self._suspects.clear()
            self._changed.notify_all()
            return left

    def close(self) -> list[Message]:
        """Ends every wait; gives what nobody has taken."""
        with self._changed:
            self._finishing = self._closed = True
            return self.drain()

    def _gather(self, most: int, gather_s: float) -> None:
        gathered_by = time.monotonic() + gather_s
        while not self._finishing and self._more_expected and 0 < self._startable() < most:
            left_s = gathered_by - time.monotonic()
            if left_s <= 0 or not self._changed.wait(left_s):
                return

    def _room(self) -> int:
        flow = self._flow()
        if self._finishing or flow is Flow.PAUSED:
            return 0
        if flow is Flow.ALONE:
            return 0 if self.in_flight else 1
        if self._suspects or (self._one_alone and self._at_work):
            return 0
        return min(SQS_MAX_BATCH, self._capacity - self.in_flight)

    def _startable(self) -> int:
        """How many messages a batch may take now."""
        flow = self._flow()
        if flow is Flow.PAUSED or (self._one_alone and self._at_work):
            return 0
        if flow is Flow.FULL and self._ordinary:
            return len(self._ordinary)
        return 1 if len(self) and not self._at_work else 0
