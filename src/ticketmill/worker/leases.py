"""Messages in flight: kept invisible to other workers, and known when it is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import SQS_MAX_BATCH, Message
from ticketmill.pipeline.ports import Queue

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Lease:
    message: Message
    expires_at: float


class Leases:
    """The leases of one worker on the messages of one queue. Threads may share it.

    A lease is lost when the queue says that the receipt has expired, or when its time has run out here while
    no heartbeat reached the queue. The message is somebody else's then: it is not acknowledged any more.
    """

    def __init__(
        self, queue: Queue, visibility_timeout_s: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.lost = 0
        """How many leases were lost."""
        self._queue = queue
        self._visibility_timeout_s = visibility_timeout_s
        self._clock = clock
        self._leases: dict[str, _Lease] = {}
        # Held while a batch is extended, so that no extension overtakes the end of a lease.
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._leases)

    def receive(self, max_messages: int, wait_s: float) -> list[Message]:
        """Receives from the queue, and holds what came. Raises TransientFailure as the queue does."""
        messages = self._queue.receive(max_messages, wait_s, self._visibility_timeout_s)
        # The queue began to count a way back earlier; heartbeats come long before that matters.
        expires_at = self._clock() + self._visibility_timeout_s
        with self._lock:
            for message in messages:
                self._leases[message.receipt] = _Lease(message, expires_at)
        return messages

    def held(self, messages: Sequence[Message]) -> list[Message]:
        """Those of `messages` that are still ours; the others are counted as lost and forgotten."""
        with self._lock:
            self._drop_expired(messages)
            return [message for message in messages if message.receipt in self._leases]

    def end(self, messages: Sequence[Message]) -> list[Message]:
        """Ends the leases of `messages`; gives those that were still ours, to acknowledge or release."""
        with self._lock:
            self._drop_expired(messages)
            return [message for message in messages if self._leases.pop(message.receipt, None)]

    def end_all(self) -> list[Message]:
        """Ends every lease; gives the messages."""
        with self._lock:
            messages = [lease.message for lease in self._leases.values()]
            self._leases.clear()
        return messages

    def oldest_sent_at(self) -> datetime | None:
        """When the oldest message in flight was enqueued."""
        # without the lock: a heartbeat may hold it for as long as the queue hangs, and metrics are asked then
        return min((lease.message.sent_at for lease in list(self._leases.values())), default=None)

    def extend(self) -> None:
        """One heartbeat: every message in flight stays invisible for the whole visibility timeout from now.

        A queue that fails is asked again at the next heartbeat, of which several fit into the timeout.
        """
        waiting = list(self._leases)
        for start in range(0, len(waiting), SQS_MAX_BATCH):
            try:
                self._extend(waiting[start : start + SQS_MAX_BATCH])
            except TransientFailure as failure:
                log.warning("%s; trying again at the next heartbeat", failure)

    def _extend(self, receipts: Sequence[str]) -> None:
        with self._lock:
            held = [self._leases[receipt] for receipt in receipts if receipt in self._leases]
            if not held:
                return
            expires_at = self._clock() + self._visibility_timeout_s
            extension = self._queue.extend([lease.message for lease in held], self._visibility_timeout_s)
            for lease in held:
                if lease.message.message_id in extension.expired:
                    self._lose(lease.message)
                elif lease.message.message_id in extension.confirmed:
                    lease.expires_at = expires_at

    def _drop_expired(self, messages: Sequence[Message]) -> None:
        now = self._clock()
        for message in messages:
            lease = self._leases.get(message.receipt)
            if lease is not None and lease.expires_at <= now:
                self._lose(message)

    def _lose(self, message: Message) -> None:
        self.lost += 1
        del self._leases[message.receipt]
        log.warning(
            "lost the lease on message %s: it is left to whoever receives it next", message.message_id
        )
