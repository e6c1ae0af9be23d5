"""The loop of whoever runs jobs, over its queue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from ticketmill.domain.errors import LearningCode, LearningRefused, TransientFailure
from ticketmill.domain.job_message import JobMessage, TrainingMessage
from ticketmill.domain.message import Extension, Message
from ticketmill.learning.job_queue import RETRY_S, JobQueue


class Queue:
    """A queue of some messages; it counts what is extended."""

    def __init__(self, *bodies: str) -> None:
        self.waiting = [Message(str(number), body, f"r{number}", 1, AT) for number, body in enumerate(bodies)]
        self.acknowledged: list[str] = []
        self.released: list[tuple[str, int]] = []
        self.extended = threading.Event()

    def receive(
        self, max_messages: int, wait_s: float, visibility_timeout_s: int | None = None
    ) -> list[Message]:
        del wait_s, visibility_timeout_s
        taken, self.waiting = self.waiting[:max_messages], self.waiting[max_messages:]
        return taken

    def extend(self, messages: Sequence[Message], timeout_s: int) -> Extension:
        del timeout_s
        self.extended.set()
        return Extension(frozenset(each.message_id for each in messages), frozenset())

    def acknowledge(self, messages: Sequence[Message]) -> set[str]:
        self.acknowledged += [each.message_id for each in messages]
        return set()

    def release(self, messages: Sequence[Message], delay_s: int) -> set[str]:
        self.released += [(each.message_id, delay_s) for each in messages]
        return set()


AT = datetime(2026, 11, 21, tzinfo=UTC)
BODY = TrainingMessage(task="intent").body()


Asked = JobMessage | TrainingMessage


def run(queue: Queue, does: Callable[[Asked, str], object]) -> int:
    def run_message(message: Asked, message_id: str) -> bool:
        return does(message, message_id) is not False

    return JobQueue(queue, run_message, heartbeat_s=0.01).run(0, until_empty=True)


def failing(error: Exception) -> Callable[[Asked, str], object]:
    def fails(_message: Asked, _id: str) -> object:
        raise error

    return fails


def test_a_message_is_acknowledged_after_its_training() -> None:
    queue, done = (
        Queue(BODY, TrainingMessage(who="ann", if_due=False).body(), JobMessage(job_id="j1").body()),
        [],
    )
    assert run(queue, lambda *asked: done.append(asked)) == 3
    assert done == [
        (TrainingMessage(task="intent", if_due=True, who="schedule"), "0"),
        (TrainingMessage(task=None, if_due=False, who="ann"), "1"),
        (JobMessage(job_id="j1"), "2"),
    ]
    assert queue.acknowledged == ["0", "1", "2"]


def test_a_job_that_has_to_wait_is_received_again() -> None:
    queue = Queue(BODY)
    run(queue, lambda *_: False)
    assert (queue.acknowledged, queue.released) == ([], [("0", RETRY_S)])


def test_a_message_stays_invisible_while_its_training_runs() -> None:
    queue = Queue(BODY)
    run(queue, lambda *_: queue.extended.wait(10))
    assert queue.extended.is_set()


@pytest.mark.parametrize(
    "body", ["no JSON", "{}", '{"train": {"tusk": "intent"}}', "[1]", '{"job": {"job_id": "../a"}}']
)
def test_a_message_that_is_no_training_goes_to_the_dead_letters(body: str) -> None:
    queue = Queue(body)
    run(queue, failing(AssertionError("never asked")))
    assert queue.released == [("0", 0)]
    assert queue.acknowledged == []


@pytest.mark.parametrize(
    ("error", "acknowledged", "released"),
    [
        (LearningRefused(LearningCode.TOO_FEW_LABELS, "3 labels"), ["0"], []),
        (TransientFailure("S3 is down"), [], [("0", RETRY_S)]),
        (ZeroDivisionError("a bug"), [], [("0", RETRY_S)]),
    ],
)
def test_what_may_succeed_later_is_received_again(
    error: Exception, acknowledged: list[str], released: list[tuple[str, int]]
) -> None:
    queue = Queue(BODY)
    run(queue, failing(error))
    assert (queue.acknowledged, queue.released) == (acknowledged, released)


def test_told_to_stop_it_receives_no_further_message() -> None:
    queue = Queue(BODY, BODY)

    def stops(_message: Asked, _id: str) -> bool:
        worker.stopping.set()
        return True

    worker = JobQueue(queue, stops, heartbeat_s=0.01)
    assert worker.run(0) == 1
    assert queue.acknowledged == ["0"]
