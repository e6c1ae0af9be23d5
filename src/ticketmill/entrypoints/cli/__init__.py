"""The command line: thin translators from flags to the pipeline, and from answers to text.

Heavy imports stand inside the commands that need them, so that `ticketmill --help` answers at once.
"""

from __future__ import annotations

import sys

import typer

from ticketmill.domain.errors import SetupError, TicketmillError
from ticketmill.entrypoints.cli import (
    backfill,
    dead_letters,
    deploy,
    evaluate,
    models,
    place,
    reindex,
    results,
    schema,
    taxonomy,
    tickets,
    work,
)
from ticketmill.entrypoints.cli.output import ExitCode, say

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Turns raw support tickets into enriched ones: drop them into S3, read them from DynamoDB and S3.",
    epilog="Exit codes: 0 done, 2 wrong usage, 3 not ready, 4 some tickets were rejected or a check "
    "found something, 5 not found.",
)
app.command()(place.up)
app.command()(place.down)
app.command()(place.status)
app.command()(deploy.deploy)
app.command()(reindex.reindex)
app.command()(tickets.drop)
app.command()(work.work)
app.command()(tickets.show)
app.command("list")(results.list_tickets)
app.command()(results.stats)
app.command()(tickets.enrich)
app.command()(backfill.backfill)
app.command()(schema.schema)
app.command()(evaluate.evaluate)
app.add_typer(dead_letters.app, name="dlq", help="What failed for good: look at it, send it back, delete it.")
app.add_typer(taxonomy.app, name="taxonomy", help="The labels that tickets get: check them, fit them.")
app.add_typer(models.app, name="models", help="The bundle and the named models: build, pull, look.")


def main() -> None:
    """Runs the command line; expected failures become one line on stderr and an exit code."""
    try:
        app(prog_name="ticketmill")
    except TicketmillError as error:
        say(f"ticketmill: {error}")
        sys.exit(ExitCode.NOT_READY if isinstance(error, SetupError) else ExitCode.FAULT)
    except BrokenPipeError:
        # whoever read our answers has had enough, as in `ticketmill list | head`
        sys.stderr.close()
        sys.exit(ExitCode.DONE)
