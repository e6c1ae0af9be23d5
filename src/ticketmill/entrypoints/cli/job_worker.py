"""Runs the jobs of queues, until a signal or until nothing waits: `jobs work` and `learn`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ticketmill.bootstrap.retraining import Retrainer
    from ticketmill.domain.job_message import JobMessage, TrainingMessage
    from ticketmill.learning.jobs import JobRunner

WAIT_S = 20.0


def work_off(
    urls: Iterable[str], run: JobRunner, retrainer: Callable[[], Retrainer], until_empty: bool
) -> int:
    """Takes from each queue, one job of each at a time; how many messages were seen.

    Jobs in hand end first.
    """
    from ticketmill.aws.clients import connect
    from ticketmill.aws.sqs import SqsQueue
    from ticketmill.domain.job import JobStatus
    from ticketmill.domain.job_message import JobMessage
    from ticketmill.entrypoints.signals import stop_on_signal
    from ticketmill.learning.job_queue import JobQueue

    def run_message(message: JobMessage | TrainingMessage, message_id: str) -> bool:
        if isinstance(message, JobMessage):
            return run(message.job_id).status != JobStatus.QUEUED
        return retrainer()(message, message_id)

    stopping, clients = threading.Event(), connect()
    queues = [JobQueue(SqsQueue(clients.sqs, url), run_message, stopping=stopping) for url in urls]
    wait_s = 0.0 if until_empty else WAIT_S
    with stop_on_signal(stopping.set), ThreadPoolExecutor(len(queues)) as pool:
        return sum(pool.map(lambda queue: queue.run(wait_s, until_empty), queues))
