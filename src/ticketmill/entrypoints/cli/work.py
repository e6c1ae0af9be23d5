"""`ticketmill work`: the long-polling worker."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.entrypoints.cli.output import ExitCode, answer, answer_json, progress, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ticketmill.entrypoints.statistics import Statistics
    from ticketmill.entrypoints.watch import Watch
    from ticketmill.entrypoints.worker import Limits, Worker
    from ticketmill.pipeline.outcome import Outcome
    from ticketmill.settings import Settings

log = logging.getLogger(__name__)


def work(
    until_empty: Annotated[bool, typer.Option(help="Stop when the queue is empty.")] = False,
    max_tickets: Annotated[int | None, typer.Option(min=1, help="Stop after so many messages.")] = None,
    for_s: Annotated[float | None, typer.Option("--for", min=0, help="Stop after so many seconds.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Messages gathered for one pass.")] = None,
    wait_s: Annotated[int | None, typer.Option(help="Seconds that a receive waits, 0 to 20.")] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="Serve /metrics, /healthz and /readyz on this port.")
    ] = None,
    emf: Annotated[
        bool | None, typer.Option("--emf", help="Metrics for CloudWatch on stderr, once a minute.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Statistics as JSON.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")] = False,
) -> None:
    """Enrich what arrives on the queue until Ctrl-C or SIGTERM, then print statistics."""
    from ticketmill.entrypoints import logs
    from ticketmill.entrypoints.watch import Watch
    from ticketmill.entrypoints.worker import Limits
    from ticketmill.settings import load_settings

    settings = load_settings(batch_size=batch_size, wait_s=wait_s, metrics_port=metrics_port, emf=emf)
    logs.configure(settings.log_format, verbose)
    with Watch(settings) as watch:
        worker = _work(settings, watch, Limits(until_empty, max_tickets, for_s))
    if as_json:
        answer_json(worker.statistics.as_dict())
    else:
        answer(_sentence(worker.statistics))
    if worker.unfinished:
        # its threads would be waited for beyond the deadline; what they had in hand is handed back
        sys.stdout.flush()
        os._exit(ExitCode.DONE)


def _work(settings: Settings, watch: Watch, limits: Limits) -> Worker:
    from ticketmill import bootstrap
    from ticketmill.entrypoints.worker import make_worker

    place = bootstrap.connect(settings)
    enricher = bootstrap.load_enricher(settings)
    pipeline = bootstrap.make_pipeline(settings, place, enricher)
    _announce(settings, f"working on {place.stack.queue_url} with bundle {enricher.fingerprint}")
    with _progress(settings) as advance:

        def report(outcomes: Sequence[Outcome]) -> None:
            watch.batch_done(outcomes)
            advance(len(outcomes))

        worker = make_worker(settings, place.queue, pipeline.process_batch, limits, report)
        watch.over(worker)
        watch.metrics.watch("encode_cache_hits", lambda: enricher.encoder.hits)
        watch.metrics.watch("encode_cache_misses", lambda: enricher.encoder.misses)
        watch.poll("queue_depth", lambda: place.queue.depths().visible)
        statistics = worker.run()
    statistics.cache_hits, statistics.cache_misses = enricher.encoder.hits, enricher.encoder.misses
    if not worker.unfinished:
        pipeline.executor.shutdown()
    return worker


def _announce(settings: Settings, message: str) -> None:
    """For people, or in the form of all other lines where programs read them."""
    if settings.log_format == "json":
        log.info("%s", message)
    else:
        say(f"{message}; Ctrl-C stops")


def _progress(settings: Settings) -> AbstractContextManager[Any]:
    """What is called with the number of tickets done; programs read it off the log lines."""
    if settings.log_format == "json":
        return nullcontext(lambda _count: None)
    return progress("tickets")


def _sentence(statistics: Statistics) -> str:
    counts = statistics.as_dict()
    latencies = (
        f", latency p50 {counts['latency_ms_p50']} ms, p95 {counts['latency_ms_p95']} ms"
        if counts["latency_ms_p50"] is not None
        else ""
    )
    known = counts["duplicate"] + counts["superseded"]
    return (
        f"processed {counts['processed']} ({counts['partial']} partial, {known} known already), "
        f"rejected {counts['rejected']}, failed {counts['failed']}, "
        f"{counts['tickets_per_s']} tickets/s{latencies}"
    )
