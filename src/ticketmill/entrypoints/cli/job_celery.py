"""`ticketmill jobs worker` and `jobs status`: Celery's workers."""

from __future__ import annotations

from typing import Annotated

import typer

from ticketmill.entrypoints.cli.learned import StoreFolder, open_store
from ticketmill.entrypoints.cli.output import AsJson, ExitCode, answer_json, counted, examples, say, table

DEFAULT_NAME = "ticketmill"

WorkerName = Annotated[
    str, typer.Option(help="Told apart from others on this machine: the worker is NAME@HOST.")
]

EPILOG = examples(
    "ticketmill jobs worker --concurrency 4",
    "ticketmill jobs worker --queues training --name trainer",
    "TICKETMILL_CELERY_BROKER=redis://localhost ticketmill jobs worker",
)


def worker(
    queues: Annotated[
        str | None,
        typer.Option(help="Between commas: indexing, training, prediction, evaluation. All by default."),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Jobs at once; by default one a core.")
    ] = None,
    pool: Annotated[
        str, typer.Option(help="prefork, threads or solo. Time limits kill in prefork alone.")
    ] = "prefork",
    name: WorkerName = DEFAULT_NAME,
    store: StoreFolder = None,
) -> None:
    """Run the jobs that Celery delivers, until Ctrl-C: jobs in hand end first, a second one ends them.

    The broker is that of TICKETMILL_CELERY_BROKER; without it the SQS queues of the stack NAME-celery.
    """
    from ticketmill.domain.errors import SetupError
    from ticketmill.settings import load_settings, usable_cores

    try:
        from ticketmill.entrypoints.celery.app import make_worker_app, share_cores
    except ModuleNotFoundError as error:
        raise SetupError(
            f"Celery is not installed ({error.name}): pip install 'ticketmill[celery]'"
        ) from None
    settings, count = load_settings(), concurrency or usable_cores()
    app = make_worker_app(share_cores(settings, count), store)
    started = app.Worker(
        hostname=worker_name(name),
        queues=queues,
        concurrency=count,
        pool=pool,
        without_gossip=True,
        without_mingle=True,
        quiet=True,
    )
    started.start()
    raise typer.Exit(started.exitcode or 0)


def status(
    probe: Annotated[
        bool,
        typer.Option("--probe", help="Ask for the worker of this machine alone, as a container does."),
    ] = False,
    name: WorkerName = DEFAULT_NAME,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show Celery's workers: their last heartbeat, and what they have in hand.

    Exit code 3 where none lives.
    """
    from datetime import UTC, datetime

    from ticketmill.domain.job_worker import is_beating
    from ticketmill.settings import load_settings

    settings = load_settings()
    if probe:
        if not is_beating(worker_name(name), settings.worker_dead_after_s):
            say(f"no heartbeat of {worker_name(name)} on this machine")
            raise typer.Exit(ExitCode.NOT_READY)
        return
    found, now = open_store(settings, store).job_workers.workers(), datetime.now(UTC)
    if as_json:
        for each in found:
            answer_json({**each.model_dump(mode="json"), "is_alive": each.is_alive(now)})
    else:
        table(
            counted(len(found), "worker"),
            ("worker", "heartbeat", "queues", "in hand"),
            [
                (
                    each.name,
                    f"{(now - each.seen_at).total_seconds():.0f} s ago"
                    + ("" if each.is_alive(now) else ", dead"),
                    ", ".join(each.queues),
                    ", ".join(held.job_id for held in each.holds),
                )
                for each in found
            ],
        )
    if not any(each.is_alive(now) for each in found):
        raise typer.Exit(ExitCode.NOT_READY)


def worker_name(name: str) -> str:
    """As in `ticketmill@host`."""
    from socket import gethostname

    return f"{name}@{gethostname()}"
