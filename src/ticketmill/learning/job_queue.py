"""The loop of whoever runs jobs: one message of a queue after the other.

A job takes longer than a message stays invisible, so a heartbeat extends it. A message that is delivered
twice is one job: the second delivery finds it running, or ended. Where a worker dies, its message comes again
after its lease has ended, and the job is taken over.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from ticketmill.domain.errors import LearningRefused, TransientFailure
from ticketmill.domain.job_message import BadJobMessage, JobMessage, TrainingMessage, read_job_message
from ticketmill.domain.message import Extension, Message

log = logging.getLogger(__name__)

RETRY_S = 300


class Queue(Protocol):
    """A queue of jobs."""

    def receive(
        self, max_messages: int, wait_s: float, visibility_timeout_s: int | None = None
    ) -> list[Message]: ...

    def extend(self, messages: Sequence[Message], timeout_s: int) -> Extension: ...

    def acknowledge(self, messages: Sequence[Message]) -> set[str]: ...

    def release(self, messages: Sequence[Message], delay_s: int) -> set[str]: ...


Run = Callable[[JobMessage | TrainingMessage, str], bool]
"""Runs what a message, told by its id, asks for. False where it has to wait, and is to come again."""


@dataclass(frozen=True)
class JobQueue:
    """Receives jobs and has them done, one at a time."""

    queue: Queue
    run_message: Run
    visibility_timeout_s: int = 120
    heartbeat_s: float = 30
    retry_s: int = RETRY_S
    stopping: threading.Event = field(default_factory=threading.Event)
    """Once set, no further message is received."""

    def run(self, wait_s: float, until_empty: bool = False) -> int:
        """Runs jobs until it is stopped, or until nothing waits; how many messages it has seen."""
        seen = 0
        while not self.stopping.is_set():
            try:
                messages = self.queue.receive(1, wait_s, self.visibility_timeout_s)
            except TransientFailure as failure:
                log.warning("%s; trying again", failure)
                self.stopping.wait(self.heartbeat_s)
                continue
            if not messages and until_empty:
                break
            for message in messages:
                seen += 1
                self._handle(message)
        return seen

    def _handle(self, message: Message) -> None:
        """Acknowledges what is done or can never be; releases what may succeed later."""
        try:
            request = read_job_message(message.body)
            with self._lease(message):
                is_done = self.run_message(request, message.message_id)
        except BadJobMessage as bad:
            log.warning("message %s is no job: %s; it is left to the dead letters", message.message_id, bad)
            self.queue.release([message], 0)
        except LearningRefused as refused:
            log.warning("no job: %s", refused)
            self.queue.acknowledge([message])
        except TransientFailure as failure:
            log.warning("the job failed, and is received again: %s", failure)
            self.queue.release([message], self.retry_s)
        except Exception:
            log.exception("the job of message %s failed by a bug", message.message_id)
            self.queue.release([message], self.retry_s)
        else:
            if is_done:
                self.queue.acknowledge([message])
            else:
                self.queue.release([message], self.retry_s)

    @contextmanager
    def _lease(self, message: Message) -> Iterator[None]:
        """Keeps a message invisible to others until the block ends."""
        ended = threading.Event()

        def extend() -> None:
            while not ended.wait(self.heartbeat_s):
                try:
                    self.queue.extend([message], self.visibility_timeout_s)
                except TransientFailure as failure:
                    log.warning("%s; trying again at the next heartbeat", failure)

        heartbeat = threading.Thread(target=extend, name="heartbeat", daemon=True)
        heartbeat.start()
        try:
            yield
        finally:
            ended.set()
            heartbeat.join()
