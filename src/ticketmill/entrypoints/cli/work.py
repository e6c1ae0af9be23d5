"""`ticketmill work`: the long-polling worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.output import answer, answer_json, log_to_stderr, progress, say

if TYPE_CHECKING:
    from ticketmill.entrypoints.statistics import Statistics


def work(
    until_empty: Annotated[bool, typer.Option(help="Stop when the queue is empty.")] = False,
    batch_size: Annotated[int | None, typer.Option(help="Messages gathered for one pass.")] = None,
    wait_s: Annotated[int | None, typer.Option(help="Seconds that a receive waits, 0 to 20.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Statistics as JSON.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")] = False,
) -> None:
    """Enrich what arrives on the queue until Ctrl-C or SIGTERM, then print statistics."""
    from ticketmill import bootstrap
    from ticketmill.entrypoints.worker import Worker
    from ticketmill.settings import load_settings

    log_to_stderr(verbose)
    settings = load_settings(batch_size=batch_size, wait_s=wait_s)
    place = bootstrap.connect(settings)
    enricher = bootstrap.load_enricher(settings)
    pipeline = bootstrap.make_pipeline(settings, place, enricher)
    say(f"working on {place.stack.queue_url} with bundle {enricher.fingerprint}; Ctrl-C stops")
    with progress("tickets") as advance:
        seen = 0

        def report(statistics: Statistics) -> None:
            nonlocal seen
            total = statistics.results.total()
            advance(total - seen)
            seen = total

        worker = Worker(
            place.queue,
            pipeline.process_batch,
            batch_size=settings.batch_size,
            wait_s=settings.wait_s,
            until_empty=until_empty,
            report=report,
        )
        statistics = worker.run()
    statistics.cache_hits, statistics.cache_misses = enricher.encoder.hits, enricher.encoder.misses
    pipeline.executor.shutdown()
    if as_json:
        answer_json(statistics.as_dict())
    else:
        answer(_sentence(statistics))


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
