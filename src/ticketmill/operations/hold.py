"""Messages of a queue that are held: hidden from everybody else until they are deleted or released."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Event, Lock, Thread
from types import TracebackType

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import SQS_MAX_BATCH, Message
from ticketmill.pipeline.ports import Queue

# What a killed command hides from the next one.
HOLD_S = 600
# A receive that waits asks all of SQS's servers; one that does not may overlook messages.
WAIT_S = 1

log = logging.getLogger(__name__)


class Hold:
    """Holds messages while a `with` block runs: extends the hold, and releases what is left at the end.

    It keeps receipts and no bodies, so that a long queue takes little memory. A message whose hold lapses all
    the same may be met by another command too, and sent twice, which the pipeline finds to be a duplicate.
    """

    def __init__(self, queue: Queue, hold_s: int = HOLD_S, extend_every_s: float = HOLD_S / 3) -> None:
        self._queue = queue
        self._hold_s = hold_s
        self._extend_every_s = extend_every_s
        self._messages: dict[str, Message] = {}
        """By message id, each with its latest receipt."""
        self._lock = Lock()
        self._ended = Event()
        self._extending = Thread(target=self._keep_extending, name="hold", daemon=True)

    def __enter__(self) -> Hold:
        self._extending.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        with self._lock:
            self._queue.release(list(self._messages.values()), delay_s=0)

    def __len__(self) -> int:
        return len(self._messages)

    def receive(self, most: int, received: Callable[[int], None]) -> list[Message]:
        """Up to `most` messages that are not held yet; none where the queue has no other.

        `received` is called with the number of new messages of each request.
        """
        found: list[Message] = []
        while len(found) < most:
            some = self._queue.receive(
                min(SQS_MAX_BATCH, most - len(found)), WAIT_S, visibility_timeout_s=self._hold_s
            )
            new = [each for each in some if each.message_id not in self._messages]
            with self._lock:
                self._messages.update({each.message_id: replace(each, body="") for each in some})
            if not new:  # nothing is left, or the first ones are visible again: we have been round
                break
            received(len(new))
            found += new
        return found

    def delete(self, messages: Sequence[Message]) -> set[str]:
        """The ids of those of `messages` that the queue confirms as deleted; the others stay held."""
        with self._lock:
            deleted = self._queue.acknowledge([self._messages[each.message_id] for each in messages])
            for message_id in deleted:
                del self._messages[message_id]
        return deleted

    def extend(self) -> None:
        """Hides what is held for the whole time again. A request that fails is logged, and stops no other."""
        with self._lock:
            messages = list(self._messages.values())
        for start in range(0, len(messages), SQS_MAX_BATCH):
            batch = messages[start : start + SQS_MAX_BATCH]
            with self._lock:
                held = [each for each in batch if each.message_id in self._messages]
                if held:
                    self._extend(held)

    def _keep_extending(self) -> None:
        while not self._ended.wait(self._extend_every_s):
            self.extend()

    def _extend(self, messages: Sequence[Message]) -> None:
        try:
            self._queue.extend(messages, self._hold_s)
        except TransientFailure as failure:
            log.warning("%s; trying again in %.0f s", failure, self._extend_every_s)
