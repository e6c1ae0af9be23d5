"""A queue in memory that counts receives, hides messages and gives up on them, on a clock that tests move."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from fakes import NOW

from ticketmill.domain.message import SQS_MAX_BATCH, Extension, Message


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class _Entry:
    message_id: str
    body: str
    receives: int = 0
    visible_at: float = 0.0
    receipt: str = ""


@dataclass
class FakeSqs:
    """Threads may share it. A receive of an empty queue returns at once."""

    clock: Clock
    max_receive_count: int = 10
    dead: list[str] = field(default_factory=list)
    """The ids of dead letters."""
    acknowledged: dict[str, int] = field(default_factory=dict)
    """How often each acknowledged message was received, by its id."""
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _receipts: itertools.count[int] = field(default_factory=itertools.count)
    _lock: Lock = field(default_factory=Lock)

    def send(self, message_id: str, body: str) -> None:
        self._entries[message_id] = _Entry(message_id, body)

    def receive(
        self, max_messages: int, wait_s: float, visibility_timeout_s: int | None = None
    ) -> list[Message]:
        _ = wait_s
        assert 1 <= max_messages <= SQS_MAX_BATCH
        received: list[Message] = []
        with self._lock:
            for entry in list(self._entries.values()):
                if entry.visible_at > self.clock() or len(received) == max_messages:
                    continue
                if entry.receives == self.max_receive_count:
                    self.dead.append(entry.message_id)
                    del self._entries[entry.message_id]
                    continue
                entry.receives += 1
                entry.receipt = f"receipt-{next(self._receipts)}"
                entry.visible_at = self.clock() + (visibility_timeout_s or 60)
                received.append(Message(entry.message_id, entry.body, entry.receipt, entry.receives, NOW))
        return received

    def extend(self, messages: Sequence[Message], timeout_s: int) -> Extension:
        confirmed = self._hide(messages, timeout_s)
        return Extension(frozenset(confirmed), frozenset({each.message_id for each in messages} - confirmed))

    def release(self, messages: Sequence[Message], delay_s: int) -> set[str]:
        return self._hide(messages, delay_s)

    def acknowledge(self, messages: Sequence[Message]) -> set[str]:
        with self._lock:
            for entry in (ours := self._ours(messages)):
                self.acknowledged[entry.message_id] = entry.receives
                del self._entries[entry.message_id]
        return {entry.message_id for entry in ours}

    def is_empty(self) -> bool:
        return not self._entries

    def _hide(self, messages: Sequence[Message], seconds: float) -> set[str]:
        with self._lock:
            for entry in (ours := self._ours(messages)):
                entry.visible_at = self.clock() + seconds
        return {entry.message_id for entry in ours}

    def _ours(self, messages: Sequence[Message]) -> list[_Entry]:
        receipts = {message.receipt for message in messages}
        return [entry for entry in self._entries.values() if entry.receipt in receipts]
