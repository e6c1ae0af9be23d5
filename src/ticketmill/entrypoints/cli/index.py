"""`ticketmill index`: what fills the search index, and what looks after it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.entrypoints.cli import index_care
from ticketmill.entrypoints.cli.output import AsJson, answer, answer_json, examples, say

if TYPE_CHECKING:
    from ticketmill.settings import Settings
    from ticketmill.worker.pace import Limits

WORK_EPILOG = examples(
    "ticketmill index work                index what is enriched, until Ctrl-C",
    "ticketmill index work --until-empty  index what waits on the queue",
)

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

log = logging.getLogger(__name__)


@app.command(epilog=WORK_EPILOG)
def work(
    until_empty: Annotated[bool, typer.Option(help="Stop when the queue is empty.")] = False,
    for_s: Annotated[float | None, typer.Option("--for", min=0, help="Stop after so many seconds.")] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Serve /metrics, /healthz and /readyz on this port.")
    ] = None,
    emf: Annotated[
        bool | None, typer.Option("--emf", help="Metrics for CloudWatch on stderr, once a minute.")
    ] = None,
    as_json: AsJson = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")] = False,
) -> None:
    """Put what was enriched into the search index until Ctrl-C or SIGTERM, then print statistics.

    Needs the extra `search`. Several may run.
    """
    from ticketmill.entrypoints.cli.work import run_or_end
    from ticketmill.settings import load_settings
    from ticketmill.telemetry import logs
    from ticketmill.worker.pace import Limits

    settings = load_settings(metrics_port=metrics_port, emf=emf)
    logs.configure(settings.log_format, verbose)
    counts = run_or_end(lambda: _work(settings, Limits(until_empty, for_s=for_s)))
    if as_json:
        answer_json(counts)
        return
    answer(
        f"indexed {counts['indexed']}, nothing to index {counts['ignored']}, failed {counts['failed']}"
        + (f", latency p95 {counts['latency_ms_p95']} ms" if counts["latency_ms_p95"] is not None else "")
    )


app.command()(index_care.status)
app.command()(index_care.verify)
app.command()(index_care.rebuild)
app.command()(index_care.compact)


def _work(settings: Settings, limits: Limits) -> Mapping[str, Any]:
    from dataclasses import replace

    from ticketmill.bootstrap.indexer import BATCH_SIZE, REST_S, connect_indexer
    from ticketmill.entrypoints.signals import stop_on_signal
    from ticketmill.operations.compaction import Compaction
    from ticketmill.periodic import Periodic
    from ticketmill.telemetry.monitoring import Monitoring
    from ticketmill.worker.backoff import Backoff
    from ticketmill.worker.pace import pace_of
    from ticketmill.worker.worker import Worker

    with Monitoring(settings.model_copy(update={"stack": f"{settings.stack}-search"})) as watch:
        wired = connect_indexer(settings)
        worker = Worker(
            wired.queue,
            wired.indexer.process_batch,
            replace(pace_of(settings, limits), batch_size=BATCH_SIZE, worker_threads=1, rest_s=REST_S),
            limits,
            watch.batch_done,
            probes=wired.probes,
            backoff=Backoff(settings.retry_base_s),
        )
        watch.over(worker)
        watch.poll("queue_depth", lambda: wired.queue.depths().visible)
        compaction = Periodic("compaction", settings.index_compact_s, Compaction(wired.opened))
        with stop_on_signal(worker.stop):
            say(f"indexing what is announced on {wired.queue_url}; Ctrl-C stops")
            statistics = worker.run()
        compaction.close(timeout_s=settings.stop_deadline_s)
        wired.indexer.executor.shutdown()
    return statistics.as_dict()
