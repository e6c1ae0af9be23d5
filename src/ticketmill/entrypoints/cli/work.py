"""`ticketmill work`: the long-polling worker."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.entrypoints.cli.output import answer, answer_json, progress, say

if TYPE_CHECKING:
    from ticketmill.entrypoints.statistics import Statistics
    from ticketmill.entrypoints.watch import Watch
    from ticketmill.settings import Settings

log = logging.getLogger(__name__)


def work(
    until_empty: Annotated[bool, typer.Option(help="Stop when the queue is empty.")] = False,
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
    from ticketmill.settings import load_settings

    settings = load_settings(batch_size=batch_size, wait_s=wait_s, metrics_port=metrics_port, emf=emf)
    logs.configure(settings.log_format, verbose)
    with Watch(settings) as watch:
        statistics = _work(settings, watch, until_empty)
    if as_json:
        answer_json(statistics.as_dict())
    else:
        answer(_sentence(statistics))


def _work(settings: Settings, watch: Watch, until_empty: bool) -> Statistics:
    from ticketmill import bootstrap
    from ticketmill.entrypoints.worker import Worker

    place = bootstrap.connect(settings)
    enricher = bootstrap.load_enricher(settings)
    watch.vitals.has("bundle")
    pipeline = bootstrap.make_pipeline(settings, place, enricher)
    _announce(settings, f"working on {place.stack.queue_url} with bundle {enricher.fingerprint}")
    with _progress(settings) as advance:
        seen = 0

        def report(statistics: Statistics) -> None:
            nonlocal seen
            total = statistics.results.total()
            advance(total - seen)
            seen = total

        worker = Worker(
            watch.over_queue(place.queue),
            watch.over_batches(pipeline.process_batch),
            batch_size=settings.batch_size,
            wait_s=settings.wait_s,
            until_empty=until_empty,
            report=report,
        )
        watch.metrics.watch("unconfirmed", lambda: worker.statistics.unconfirmed)
        watch.metrics.watch("encode_cache_hits", lambda: enricher.encoder.hits)
        watch.metrics.watch("encode_cache_misses", lambda: enricher.encoder.misses)
        watch.poll("queue_depth", lambda: place.queue.depths().visible)
        statistics = worker.run()
    statistics.cache_hits, statistics.cache_misses = enricher.encoder.hits, enricher.encoder.misses
    pipeline.executor.shutdown()
    return statistics


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
