"""Builds the pipeline and the operations around it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from socket import gethostname
from typing import TYPE_CHECKING

from ticketmill.bootstrap.adapters import Adapters
from ticketmill.bootstrap.intake import make_intake
from ticketmill.bootstrap.learned import make_learned_serving
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.operations.backfill import Backfill
    from ticketmill.operations.dead_letters import DeadLetters
    from ticketmill.operations.requested_backfill import RequestedBackfill
    from ticketmill.pipeline.batch import Pipeline
    from ticketmill.pipeline.enricher import Enricher
    from ticketmill.pipeline.learned import Learned


def make_pipeline(
    settings: Settings, adapters: Adapters, enricher: Enricher, learned: Callable[[], Learned] | None = None
) -> Pipeline:
    """The pipeline from `adapters` back to it. Without `learned` it follows the rollout by itself."""
    from ticketmill.aws.events import decode
    from ticketmill.pipeline.batch import Pipeline
    from ticketmill.pipeline.learned import Learned
    from ticketmill.pipeline.serving import ServingSerial

    executor = ThreadPoolExecutor(settings.io_threads, thread_name_prefix="io")
    follow = learned or make_learned_serving(settings, adapters) or Learned

    def fingerprint_of(ticket_id: str) -> str:
        return follow().rollout.fingerprint_for(enricher.fingerprint, ticket_id)

    backfill = make_backfill(settings, adapters, fingerprint_of, executor)
    return Pipeline(
        raw_tickets=adapters.raw_tickets,
        enriched_tickets=adapters.enriched_tickets,
        rows=adapters.rows,
        decode=partial(decode, raw_bucket=adapters.stack.raw_bucket),
        enricher=enricher,
        executor=executor,
        max_ticket_bytes=settings.max_ticket_bytes,
        parse=make_intake(settings).parse,
        serving_serial=ServingSerial(
            adapters.serving, enricher.fingerprint, gethostname(), decides=settings.serve == "auto"
        ),
        learned=follow,
        commands=_requested_backfill(adapters, backfill),
    )


def make_backfill(
    settings: Settings, adapters: Adapters, fingerprint_of: Callable[[str], str], executor: Executor
) -> Backfill:
    """The raw bucket beside the table; `fingerprint_of` gives what a ticket would be enriched under now."""
    from ticketmill.operations.backfill import Backfill

    return Backfill(
        bucket_name=adapters.stack.raw_bucket,
        bucket=adapters.raw_tickets,
        rows=adapters.rows,
        executor=executor,
        fingerprint_of=fingerprint_of,
        max_ticket_bytes=settings.max_ticket_bytes,
        parse=make_intake(settings).parse,
    )


def _requested_backfill(adapters: Adapters, backfill: Backfill) -> RequestedBackfill:
    from ticketmill.aws.events import encode_backfill, encode_upload
    from ticketmill.operations.requested_backfill import RequestedBackfill

    return RequestedBackfill(
        backfill_of=backfill,
        checkpoints=adapters.checkpoints,
        encode=encode_backfill,
        announce=partial(encode_upload, adapters.stack.raw_bucket),
        send_many=adapters.queue.send_many,
        waiting=lambda: adapters.queue.depths().visible,
    )


def make_dead_letters(settings: Settings, adapters: Adapters) -> DeadLetters:
    """What could not be worked off in `adapters`."""
    from ticketmill.aws.events import decode
    from ticketmill.operations.dead_letters import DeadLetters

    return DeadLetters(
        queue=adapters.dead_letters,
        send_many=adapters.queue.send_many,
        rows=adapters.rows,
        raw_tickets=adapters.raw_tickets,
        decode=partial(decode, raw_bucket=adapters.stack.raw_bucket),
        executor=ThreadPoolExecutor(settings.io_threads, thread_name_prefix="io"),
        max_ticket_bytes=settings.max_ticket_bytes,
        parse=make_intake(settings).parse,
    )
