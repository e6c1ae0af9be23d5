"""The Lambda function: what the event source hands over goes through the pipeline of the worker.

Lambda receives, deletes what is not reported back, and leaves the rest on the queue.
"""

from __future__ import annotations

import logging
import os
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSEvent, SQSRecord

from ticketmill import bootstrap
from ticketmill.domain.errors import SetupError, TicketmillError
from ticketmill.domain.message import Message
from ticketmill.pipeline.outcome import Outcome, Result, acknowledgeable
from ticketmill.pipeline.ports import Queue
from ticketmill.settings import load_settings
from ticketmill.telemetry.emf import EmfLines
from ticketmill.telemetry.json_logs import log_as_json
from ticketmill.telemetry.learned_metrics import LearnedMetrics
from ticketmill.telemetry.logs import log_outcomes
from ticketmill.telemetry.metrics import Metrics
from ticketmill.worker.backoff import Backoff
from ticketmill.worker.isolation import is_suspect

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

log = logging.getLogger(__name__)

ANSWER_RESERVE_S = 5.0
"""Of the time that Lambda gives: for releasing and answering, once no batch is waited for any more."""
TEND_RESERVE_MS = 10_000
"""Learned versions are judged, and what shadows say is stored, where at least so much time is left."""
OUT_OF_TIME = "out_of_time"

ProcessBatch = Callable[[Sequence[Message]], list[Outcome]]
Report = Callable[[Sequence[Outcome]], None]


class FunctionFault(TicketmillError):
    """A bug stopped an invocation: all of its messages come again."""


class TicketsFunction:
    """Works the messages of one invocation, as far as its time goes.

    messages ──▶ batches ──▶ worker threads: process a batch
                               └──▶ outcomes; what failed or was not finished in time comes again
    """

    def __init__(
        self,
        queue: Queue,
        process_batch: ProcessBatch,
        report: Report,
        *,
        batch_size: int,
        worker_threads: int,
        backoff: Backoff = Backoff(),
    ) -> None:
        self._queue = queue
        self._process_batch = process_batch
        self._report = report
        self._batch_size = batch_size
        self._worker_threads = worker_threads
        self._backoff = backoff

    def work(self, messages: Sequence[Message], time_s: float) -> list[str]:
        """The ids of the messages that must come again; `time_s` is what Lambda gives to process and answer.

        A batch that is still at work when the time is up is left to itself. Whether it ends later, in an
        environment that lives on, or never: its messages come again, and what it wrote stands.
        """
        deadline = time.monotonic() + time_s
        reserve_s = min(ANSWER_RESERVE_S, time_s / 4)
        outcomes, untried = self._process(messages, deadline - reserve_s)
        self._report(outcomes)
        done = acknowledgeable(messages, outcomes)
        again = [message for message in messages if message not in done]
        self._release(again, untried, deadline - reserve_s / 2)
        return [message.message_id for message in again]

    def _process(self, messages: Sequence[Message], by: float) -> tuple[list[Outcome], list[Message]]:
        """The outcomes of all `messages`, and which of them were not begun in time.

        Suspects come last and one by one, see `worker.isolation`.
        """
        suspects = [message for message in messages if is_suspect(message)]
        others = [message for message in messages if not is_suspect(message)]
        starts = range(0, len(others), self._batch_size)
        batches = [others[start : start + self._batch_size] for start in starts]
        pool = ThreadPoolExecutor(self._worker_threads, thread_name_prefix="worker")
        futures = [pool.submit(self._process_batch, batch) for batch in batches]
        wait(futures, max(by - time.monotonic(), 0))
        while suspects and time.monotonic() < by:
            batches.append([suspects.pop(0)])
            futures.append(pool.submit(self._process_batch, batches[-1]))
            wait(futures, max(by - time.monotonic(), 0))
        pool.shutdown(wait=False, cancel_futures=True)
        untried = suspects
        outcomes = [Outcome(message, Result.FAILED, reason=OUT_OF_TIME) for message in untried]
        for batch, future in zip(batches, futures, strict=True):
            outcomes += _outcomes(batch, future)
            untried += batch if future.cancelled() else []
        return outcomes, untried

    def _release(self, again: Sequence[Message], untried: Sequence[Message], by: float) -> None:
        """Lets what failed come back later each time, and what was not begun at once.

        The queue's own timeout is six times the function's: without this they would come back only then.
        What the queue does not take in time is left to it.
        """
        groups = self._backoff.groups(message for message in again if message not in untried)
        groups.setdefault(0, []).extend(untried)
        pool = ThreadPoolExecutor(1, thread_name_prefix="release")
        changes = [pool.submit(self._queue.release, group, delay_s) for delay_s, group in groups.items()]
        wait(changes, max(by - time.monotonic(), 0))
        pool.shutdown(wait=False, cancel_futures=True)


def _outcomes(batch: Sequence[Message], future: Future[list[Outcome]]) -> list[Outcome]:
    """What became of a batch; of one that is not done, that its time was up.

    Raises FunctionFault where processing it raised, which it never does for a ticket.
    """
    if future.cancelled() or not future.done():
        return [Outcome(message, Result.FAILED, reason=OUT_OF_TIME) for message in batch]
    error = future.exception()
    if error is None:
        return future.result()
    # Lambda logs what an exception says, and that may quote a ticket
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.critical("a batch died of %s:\n%s", type(error).__name__, frames)
    raise FunctionFault(f"a batch died of {type(error).__name__}; the log shows where") from None


class Environment:
    """What one execution environment keeps between invocations: clients, models, metrics, log format."""

    def __init__(self) -> None:
        started = time.monotonic()
        self._formatter = log_as_json()
        bundle = None if os.environ.get("TICKETMILL_BUNDLE") else _packaged_bundle()
        settings = load_settings(bundle=bundle)
        self._metrics = Metrics()
        self._emf = EmfLines(self._metrics.registry, settings.stack)
        with ThreadPoolExecutor(1) as beside:  # the models take as long to read as the clients to make
            loading = beside.submit(bootstrap.load_enricher, settings)
            adapters = bootstrap.connect(settings)
            self.enricher = loading.result()
        self._learned = bootstrap.make_learned_serving(settings, adapters)
        pipeline = bootstrap.make_pipeline(settings, adapters, self.enricher, self._learned)
        self._function = TicketsFunction(
            adapters.queue,
            pipeline.process_batch,
            self._tell,
            batch_size=settings.batch_size,
            worker_threads=settings.worker_threads,
            backoff=Backoff(settings.retry_base_s),
        )
        self._metrics.watch("encode_cache_hits", lambda: self.enricher.encoder.hits)
        self._metrics.watch("encode_cache_misses", lambda: self.enricher.encoder.misses)
        if self._learned is not None:
            self._metrics.registry.register(LearnedMetrics(self._learned))
        log.info("ready in %.2f s with bundle %s", time.monotonic() - started, self.enricher.fingerprint)

    def invoke(self, messages: Sequence[Message], context: LambdaContext) -> list[str]:
        """The ids of the messages that must come again."""
        self._formatter.append_keys(function_request_id=context.aws_request_id)
        again = self._function.work(messages, context.get_remaining_time_in_millis() / 1000)
        if self._learned is not None and context.get_remaining_time_in_millis() > TEND_RESERVE_MS:
            self._learned.tend()
        return again

    def _tell(self, outcomes: Sequence[Outcome]) -> None:
        log_outcomes(outcomes)
        self._metrics.batch_done(outcomes)
        self._emf.write()


@cache
def environment() -> Environment:
    """Made once. SetupError where stack or bundle is not ready, at every invocation until they are."""
    return Environment()


def handler(event: Mapping[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """What Lambda calls with the messages of an SQS event source; its answer names those that come again.

    The event source must have the response type ReportBatchItemFailures.
    """
    records = SQSEvent(dict(event)).records
    again = environment().invoke([_message(record) for record in records], context)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in again]}


def _message(record: SQSRecord) -> Message:
    attributes = record.attributes
    return Message(
        message_id=record.message_id,
        body=record.body,
        receipt=record.receipt_handle,
        receive_count=int(attributes.approximate_receive_count),
        sent_at=datetime.fromtimestamp(int(attributes.sent_timestamp) / 1000, UTC),
    )


def _packaged_bundle() -> Path:
    """Where `make lambda-zip` puts the bundle: beside the packages."""
    directory = Path(__file__).parents[2] / "bundle"
    if not directory.is_dir():
        raise SetupError(
            f"no bundle at {directory}: build the archive with `make lambda-zip`, or set TICKETMILL_BUNDLE"
        )
    return directory


# Lambda says by this how an environment begins: there everything is made before the first event comes, with
# the processor that Lambda lends for it and, with provisioned concurrency, while nobody waits.
if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    environment()
