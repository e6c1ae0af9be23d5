"""The command line: thin translators from flags to the pipeline, and from answers to text.

Heavy imports stand inside the commands that need them, so that `ticketmill --help` answers at once. For the
same reason the help is plain text: drawing it by `rich` takes longer than all the rest.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ticketmill.entrypoints.cli import (
    backfill,
    corrections,
    dataset,
    dead_letters,
    deploy,
    doctor,
    drift,
    duplicates,
    enrich,
    evaluate,
    forget,
    gaps,
    index,
    jobs,
    keys,
    label,
    learn,
    local,
    models,
    parts,
    reindex,
    results,
    route,
    rules,
    schema,
    search,
    serve,
    show,
    surges,
    tasks,
    taxonomy,
    ticket_map,
    tickets,
    train,
    work,
)
from ticketmill.entrypoints.cli.failures import failure_of
from ticketmill.entrypoints.cli.output import EXIT_CODES, ExitCode, answer, examples, say
from ticketmill.entrypoints.cli.streams import keep_loopback_off_proxies, prepare_streams

GC_THRESHOLD = 100_000  # objects more than at the last collection, 700 by default


class Commands(TyperGroup):
    """The commands; one whose reader has had enough, as in `ticketmill list | head`, is done."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _discard_stdout()
            raise typer.Exit(ExitCode.DONE) from None


_EXIT_CODES = ", ".join(f"{code.value} {meaning}" for code, meaning in EXIT_CODES.items())

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        'eval "$(ticketmill up)"        an emulator on this machine, and the stack on it',
        "ticketmill drop ticket.json    put a ticket into the bucket",
        "ticketmill work --until-empty  enrich what waits on the queue",
        "ticketmill list --since 24h    what the tickets are about",
        "ticketmill doctor              what is missing here, and what to do about it",
    )
    + f"\n\nExit codes: {_EXIT_CODES}.",
)
app.command(epilog=examples('eval "$(ticketmill up)"'))(local.up)
app.command(epilog=examples('eval "$(ticketmill down)"'))(local.down)
app.command()(local.status)
app.command(epilog=doctor.EPILOG)(doctor.doctor)
app.command(epilog=deploy.EPILOG)(deploy.deploy)
app.command()(reindex.reindex)
app.command(epilog=tickets.EPILOG)(tickets.drop)
app.command()(work.work)
app.command(epilog=serve.EPILOG)(serve.serve)
app.command(epilog=show.EPILOG)(show.show)
app.command("list")(results.list_tickets)
app.command(epilog=search.SEARCH_EPILOG)(search.search)
app.command(epilog=search.SIMILAR_EPILOG)(search.similar)
app.command()(results.stats)
app.command(epilog=label.EPILOG)(label.label)
app.command(epilog=enrich.EPILOG)(enrich.enrich)
app.command(epilog=drift.EPILOG)(drift.drift)
app.command(epilog=learn.EPILOG)(learn.learn)
app.command("map", epilog=ticket_map.EPILOG)(ticket_map.draw)
app.command()(backfill.backfill)
app.command(epilog=forget.EPILOG)(forget.forget)
app.command()(schema.schema)
app.command(epilog=evaluate.EPILOG)(evaluate.evaluate)
app.command(epilog=train.EPILOG)(train.train)
app.add_typer(corrections.app, name="corrections", help="What people said: list, export, import, reapply.")
app.add_typer(
    dataset.app, name="dataset", help="What people said as examples to learn from: build, list, show."
)
app.add_typer(
    duplicates.app,
    name="duplicates",
    help="Tickets of one matter: confirm, deny, undo, evaluate.",
)
app.add_typer(
    gaps.app,
    name="gaps",
    epilog=gaps.EPILOG,
    short_help="What the taxonomy lacks, and labels that overlap: find, show, make a label of it.",
)
app.command(epilog=route.EPILOG)(route.route)
app.add_typer(rules.app, name="rules", help="Where changes of tickets are sent: list, check, test.")
app.add_typer(dead_letters.app, name="dlq", help="What failed for good: look at it, send it back, delete it.")
app.add_typer(index.app, name="index", help="The search index: fill it, look after it.")
app.add_typer(
    jobs.app, name="jobs", help="Index, train, predict, evaluate and extract: submit, watch and run jobs."
)
app.add_typer(keys.app, name="keys", help="The keys of the API: make, list and delete them.")
app.add_typer(parts.app, name="parts", help="What models can be made of: list the parts, measure them.")
app.add_typer(surges.app, name="surges", help="More tickets about one thing than usual: list, watch, scan.")
app.add_typer(tasks.app, name="tasks", help="Your own tasks, beside ours: list, add, remove.")
app.add_typer(taxonomy.app, name="taxonomy", help="The labels that tickets get: show, check and fit them.")
app.add_typer(models.app, name="models", help="The bundle, the named models, and the learned versions.")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        answer(f"ticketmill {version('ticketmill')}")
        raise typer.Exit


@app.callback()
def ticketmill(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Turns raw support tickets into enriched ones: drop them into S3, read them from DynamoDB and S3."""


def main() -> None:
    """Runs the command line and ends the process with the command's exit code."""
    # importing allocates much that stays: looking through it again and again takes a sixth of a start
    gc.set_threshold(GC_THRESHOLD)
    # looking for plugins reads the metadata of every installed package
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    prepare_streams()
    sys.exit(run(sys.argv[1:]))


@cache
def command() -> Any:
    """The commands as Click has them: Typer reads all signatures, which takes a tenth of a second."""
    return typer.main.get_command(app)


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code; an expected failure becomes one line on stderr."""
    keep_loopback_off_proxies()
    try:
        code = _invoke(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_stdout()
        return ExitCode.DONE
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        _discard_what_cannot_be_written()
        say(f"ticketmill: {failure.message}")
        return failure.code
    return code


def _invoke(arguments: Sequence[str]) -> int:
    """The exit code that the command gives: Typer ends every command by SystemExit."""
    try:
        command()(list(arguments), prog_name="ticketmill")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else ExitCode.DONE
    return ExitCode.DONE


def _discard_what_cannot_be_written() -> None:
    """What is left in the buffer would be tried again when the interpreter ends."""
    try:
        sys.stdout.flush()
    except OSError:
        _discard_stdout()


def _discard_stdout() -> None:
    """From here on stdout leads nowhere."""
    if sys.stdout is sys.__stdout__:  # not a test's own stream
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
