"""What was received and waits for its turn: bounded, and given out in batches."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence

from ticketmill.domain.message import Message


class Buffer:
    """Messages between the receiver and the worker_threads."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._messages: deque[Message] = deque()
        self._more_expected = False
        self._closed = False
        self._changed = threading.Condition()
        # One lane gathers at a time, and none finds empty what another has just taken.
        self._turn = threading.Lock()

    def __len__(self) -> int:
        return len(self._messages)

    def wait_for_room(self, count: int) -> bool:
        """Waits until `count` more messages fit; False once the buffer is closed. This is the
        back-pressure: nothing is received that nobody has room for."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self) + count <= self._capacity)
            return not self._closed

    def put(self, messages: Sequence[Message], more_expected: bool) -> list[Message]:
        """Adds `messages`; `more_expected` says whether others are about to follow.

        Gives back what a closed buffer no longer takes.
        """
        with self._changed:
            if self._closed:
                return list(messages)
            self._messages.extend(messages)
            self._more_expected = more_expected
            self._changed.notify_all()
            return []

    def take(self, most: int, gather_s: float) -> list[Message]:
        """The next batch: waits for a first message, then up to `gather_s` for others if more are expected.

        Empty once the buffer is closed.
        """
        with self._turn, self._changed:
            self._changed.wait_for(lambda: self._closed or self._messages)
            gathered_by = time.monotonic() + gather_s
            while not self._closed and self._more_expected and len(self) < most:
                left_s = gathered_by - time.monotonic()
                if left_s <= 0 or not self._changed.wait(left_s):
                    break
            batch = [self._messages.popleft() for _ in range(min(most, len(self)))]
            self._changed.notify_all()
            return batch

    def close(self) -> list[Message]:
        """Ends every wait; gives what nobody has taken."""
        with self._changed:
            self._closed = True
            left = list(self._messages)
            self._messages.clear()
            self._changed.notify_all()
            return left
