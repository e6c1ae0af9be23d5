"""`ticketmill work`: the long-polling worker."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.output import ExitCode, answer, answer_json, log_to_stderr, progress, say

if TYPE_CHECKING:
    from ticketmill.entrypoints.statistics import Statistics


def work(
    until_empty: Annotated[bool, typer.Option(help="Stop when the queue is empty.")] = False,
    max_tickets: Annotated[int | None, typer.Option(min=1, help="Stop after so many messages.")] = None,
    for_s: Annotated[float | None, typer.Option("--for", min=0, help="Stop after so many seconds.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Messages gathered for one pass.")] = None,
    wait_s: Annotated[int | None, typer.Option(help="Seconds that a receive waits, 0 to 20.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Statistics as JSON.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")] = False,
) -> None:
    """Enrich what arrives on the queue until Ctrl-C or SIGTERM, then print statistics."""
    from ticketmill import bootstrap
    from ticketmill.entrypoints.worker import Limits
    from ticketmill.settings import load_settings

    log_to_stderr(verbose)
    settings = load_settings(batch_size=batch_size, wait_s=wait_s)
    place = bootstrap.connect(settings)
    enricher = bootstrap.load_enricher(settings)
    pipeline = bootstrap.make_pipeline(settings, place, enricher)
    say(f"working on {place.stack.queue_url} with bundle {enricher.fingerprint}; Ctrl-C stops")
    with progress("tickets") as advance:
        worker = bootstrap.make_worker(
            settings,
            place,
            pipeline,
            Limits(until_empty, max_tickets, for_s),
            report=lambda outcomes: advance(len(outcomes)),
        )
        statistics = worker.run()
    statistics.cache_hits, statistics.cache_misses = enricher.encoder.hits, enricher.encoder.misses
    if as_json:
        answer_json(statistics.as_dict())
    else:
        answer(_sentence(statistics))
    if worker.unfinished:
        # its threads would be waited for beyond the deadline; what they had in hand is handed back
        sys.stdout.flush()
        os._exit(ExitCode.DONE)
    pipeline.executor.shutdown()


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
