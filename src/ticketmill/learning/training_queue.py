"""The trainer's loop: one message of the training queue after the other.

A training takes longer than a message stays invisible, so a heartbeat extends it. A message whose training
failed is received again, and ends among the dead letters. One that is delivered twice has one version: a task
that was trained is not due, and the same dataset is the same job.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from ticketmill.domain.errors import LearningCode, LearningRefused, TransientFailure
from ticketmill.domain.message import Extension, Message
from ticketmill.domain.training_request import BadTrainingMessage, TrainingMessage, read_training_message

log = logging.getLogger(__name__)

LATER = (LearningCode.JOB_RUNNING, LearningCode.COOLING_DOWN)
"""Refusals that end by themselves."""
RETRY_S = 300


class Queue(Protocol):
    """The training queue."""

    def receive(
        self, max_messages: int, wait_s: float, visibility_timeout_s: int | None = None
    ) -> list[Message]: ...

    def extend(self, messages: Sequence[Message], timeout_s: int) -> Extension: ...

    def acknowledge(self, messages: Sequence[Message]) -> set[str]: ...

    def release(self, messages: Sequence[Message], delay_s: int) -> set[str]: ...


Train = Callable[[TrainingMessage], None]
"""Trains what a message asks for."""


@dataclass(frozen=True)
class TrainingQueue:
    """Receives trainings and has them done, one at a time."""

    queue: Queue
    train: Train
    visibility_timeout_s: int = 120
    heartbeat_s: float = 30
    retry_s: int = RETRY_S
    stopping: threading.Event = field(default_factory=threading.Event)
    """Once set, no further message is received."""

    def run(self, wait_s: float, until_empty: bool = False) -> int:
        """Trains until it is stopped, or until nothing waits; how many messages it has seen."""
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
            request = read_training_message(message.body)
            with self._lease(message):
                self.train(request)
        except BadTrainingMessage as bad:
            log.warning(
                "message %s is no training: %s; it is left to the dead letters", message.message_id, bad
            )
            self.queue.release([message], 0)
        except LearningRefused as refused:
            log.warning("no training: %s", refused)
            if refused.code in LATER:
                self.queue.release([message], self.retry_s)
            else:
                self.queue.acknowledge([message])
        except TransientFailure as failure:
            log.warning("the training failed, and is received again: %s", failure)
            self.queue.release([message], self.retry_s)
        except Exception:
            log.exception("the training of message %s failed by a bug", message.message_id)
            self.queue.release([message], self.retry_s)
        else:
            self.queue.acknowledge([message])

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
