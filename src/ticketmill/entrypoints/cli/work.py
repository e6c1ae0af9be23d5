"""`ticketmill work`: the long-polling worker."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from ticketmill.entrypoints.cli.output import ExitCode, answer, answer_json, progress, say
from ticketmill.entrypoints.signals import stop_on_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ticketmill.pipeline.outcome import Outcome
    from ticketmill.settings import Settings
    from ticketmill.telemetry.monitoring import Monitoring
    from ticketmill.worker.pace import Limits

Result = TypeVar("Result")

log = logging.getLogger(__name__)


def work(
    until_empty: Annotated[bool, typer.Option(help="Stop when the queue is empty.")] = False,
    max_tickets: Annotated[int | None, typer.Option(min=1, help="Stop after so many messages.")] = None,
    for_s: Annotated[float | None, typer.Option("--for", min=0, help="Stop after so many seconds.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="Workers, each with its share of the cores.")] = 1,
    batch_size: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Messages gathered for one pass.")
    ] = None,
    wait_s: Annotated[int | None, typer.Option(min=0, max=20, help="Seconds that a receive waits.")] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Serve /metrics, /healthz and /readyz on this port.")
    ] = None,
    emf: Annotated[
        bool | None, typer.Option("--emf", help="Metrics for CloudWatch on stderr, once a minute.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Statistics as JSON.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")] = False,
) -> None:
    """Enrich what arrives on the queue until Ctrl-C or SIGTERM, then print statistics."""
    with stop_on_signal(_end_before_work, announce=_announce_before_work):
        from ticketmill.settings import load_settings
        from ticketmill.telemetry import logs
        from ticketmill.worker.pace import Limits

        settings = load_settings(batch_size=batch_size, wait_s=wait_s, metrics_port=metrics_port, emf=emf)
        logs.configure(settings.log_format, verbose)
        limits = Limits(until_empty, max_tickets, for_s)
        if processes > 1:
            statistics, unfinished = _work_in_processes(settings, processes, limits, verbose), False
        else:
            statistics, unfinished = run_or_end(lambda: _work_here(settings, limits))
    _answer(statistics, as_json)
    if unfinished:
        _end_process(ExitCode.DONE)


def _work_here(settings: Settings, limits: Limits) -> tuple[dict[str, Any], bool]:
    """The statistics, and whether a thread is still at work."""
    from ticketmill.telemetry.monitoring import Monitoring

    with Monitoring(settings) as watch:
        return _work(settings, watch, limits)


def run_or_end(run: Callable[[], Result]) -> Result:
    """What `run` gives. Where a thread of the worker died, the process ends: other threads may hang."""
    from ticketmill.worker.worker import WorkerDied

    try:
        return run()
    except WorkerDied as died:
        say(f"ticketmill: {died}")
        _end_process(ExitCode.FAULT)


def _work(settings: Settings, watch: Monitoring, limits: Limits) -> tuple[dict[str, Any], bool]:
    from ticketmill import bootstrap
    from ticketmill.worker.dependencies import probes
    from ticketmill.worker.turns import take_short_turns
    from ticketmill.worker.worker import make_worker

    take_short_turns()
    adapters = bootstrap.connect(settings)
    enricher = bootstrap.load_enricher(settings)
    learned = bootstrap.make_learned_serving(settings, adapters)
    pipeline = bootstrap.make_pipeline(settings, adapters, enricher, learned)
    with _progress(settings) as advance:

        def report(outcomes: Sequence[Outcome]) -> None:
            watch.batch_done(outcomes)
            advance(len(outcomes))

        worker = make_worker(
            settings,
            adapters.queue,
            pipeline.process_batch,
            limits,
            report,
            probes(adapters.raw_tickets, adapters.rows, adapters.stack.raw_bucket),
        )
        watch.over(worker)
        watch.models(enricher.runners)
        watch.metrics.watch("encode_cache_hits", lambda: enricher.encoder.hits)
        watch.metrics.watch("encode_cache_misses", lambda: enricher.encoder.misses)
        watch.poll("queue_depth", lambda: adapters.queue.depths().visible)
        if learned is not None:
            watch.learned(learned)
            watch.feature_cache(lambda: bootstrap.feature_cache_status(settings, adapters))
        with (
            stop_on_signal(worker.stop, announce=lambda: _tell(settings, "stopping…")),
            learned or nullcontext(),
        ):
            _tell(
                settings,
                f"working on {adapters.stack.queue_url} with bundle {enricher.fingerprint}; Ctrl-C stops",
            )
            statistics = worker.run()
    statistics.cache_hits, statistics.cache_misses = enricher.encoder.hits, enricher.encoder.misses
    unfinished = worker.unfinished or any(runner.hanging for runner in enricher.runners)
    if not unfinished:
        pipeline.executor.shutdown()
    return statistics.as_dict(), unfinished


def _work_in_processes(settings: Settings, count: int, limits: Limits, verbose: bool) -> dict[str, Any]:
    """Starts this command `count` times; each process has its share of the cores and of --max-tickets, and
    its own metrics port, counted up from the first."""
    from ticketmill.worker.processes import Processes, shares, summed
    from ticketmill.worker.statistics import Statistics

    tickets = [None] * count if limits.max_tickets is None else shares(limits.max_tickets, count)
    threads = [max(share, 1) for share in shares(settings.threads, count)]
    commands, environments = [], []
    for number in range(count):
        flags = ["work", "--json", f"--batch-size={settings.batch_size}", f"--wait-s={settings.wait_s}"]
        flags += ["--until-empty"] if limits.until_empty else []
        flags += [f"--for={limits.for_s}"] if limits.for_s is not None else []
        flags += ["--verbose"] if verbose else []
        flags += [f"--metrics-port={settings.metrics_port + number}"] if settings.metrics_port else []
        flags += ["--emf"] if settings.emf else []
        if tickets[number] != 0:
            commands.append(flags + ([f"--max-tickets={tickets[number]}"] if tickets[number] else []))
            environments.append({"TICKETMILL_THREADS": str(threads[number])})
    started = Processes(commands, environments)
    with stop_on_signal(started.stop, announce=lambda: _tell(settings, "stopping…"), kill=started.kill):
        return summed(started.run() or [Statistics().as_dict()])


def _end_before_work() -> None:
    """Ends at once: no message is in flight yet, and a model may take long to load."""
    _end_process(ExitCode.DONE)


def _announce_before_work() -> None:
    # programs read log lines alone
    if sys.stderr.isatty():
        say("stopping…")


def _end_process(code: ExitCode) -> NoReturn:
    """Ends the process without waiting for threads that may hang with a service."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _tell(settings: Settings, message: str) -> None:
    """For people, or in the form of all other lines where programs read them."""
    if settings.log_format == "json":
        log.info("%s", message)
    else:
        say(message)


def _progress(settings: Settings) -> AbstractContextManager[Any]:
    """What is called with the number of tickets done; programs read it off the log lines."""
    if settings.log_format == "json":
        return nullcontext(lambda _count: None)
    return progress("tickets")


def _answer(counts: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        answer_json(counts)
        return
    latencies = (
        f", latency p50 {counts['latency_ms_p50']} ms, p95 {counts['latency_ms_p95']} ms"
        if counts["latency_ms_p50"] is not None
        else ""
    )
    known = counts["duplicate"] + counts["superseded"]
    answer(
        f"processed {counts['processed']} ({counts['partial']} partial, {known} known already), "
        f"rejected {counts['rejected']}, failed {counts['failed']}, "
        f"{counts['tickets_per_s']} tickets/s{latencies}"
    )
