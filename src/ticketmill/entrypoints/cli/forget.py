"""`ticketmill forget`: removes everything that was made of a ticket, and says what is left."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.output import AsJson, ExitCode, answer, answer_json, examples, say

if TYPE_CHECKING:
    from ticketmill.operations.forget import Forgotten

EPILOG = examples("ticketmill forget TKT-001", "ticketmill forget TKT-001 --yes --json")
SHOWN = 10


def forget(
    ticket_id: Annotated[str, typer.Argument(metavar="TICKET_ID", help="The ticket's id.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    raw_key: Annotated[
        list[str] | None,
        typer.Option(help="A key that it was uploaded under before; its row names the last one. Repeatable."),
    ] = None,
    store: Annotated[
        Path | None, typer.Option("--store", help="Only in this folder of `dataset` and `train`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove a ticket for good: uploads, enrichments, row, corrections, datasets, cached features.

    Every version of its objects goes. Datasets that have it are made again without it. Learned versions that
    were trained with it stay, and are named. The exit code is 0 where nothing is left of it, else 4; a second
    run goes on where the first one was stopped.
    """
    from ticketmill import bootstrap
    from ticketmill.settings import load_settings

    if not yes and not sys.stdin.isatty():
        raise typer.BadParameter("nobody can be asked here: add --yes")
    forgetting = bootstrap.make_forget(load_settings(), store, raw_key or ())
    if not yes and not _confirmed(ticket_id):
        say("kept")
        return
    done = forgetting(ticket_id)
    if as_json:
        answer_json(
            {
                "ticket_id": ticket_id,
                "removed": done.removed,
                "left": done.left,
                "trained_with_it": done.trained_with_it,
            }
        )
    else:
        _tell(done)
    if not done.is_complete:
        raise typer.Exit(ExitCode.FINDINGS)


def _tell(done: Forgotten) -> None:
    removed = ", ".join(f"{name}: {count}" for name, count in done.removed.items() if count)
    answer(f"{done.ticket_id}: removed {removed}" if removed else f"{done.ticket_id}: nothing was there")
    if done.trained_with_it:
        answer(
            f"trained with it, still there: {', '.join(done.trained_with_it)}: train again, then retire them"
        )
    for name, found in done.left.items():
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        say(f"left, {name}: {', '.join(found[:SHOWN])}{more}")
    if done.left:
        say("something wrote it again meanwhile: run the command once more")
    else:
        answer("nothing is left of it")


def _confirmed(ticket_id: str) -> bool:
    """Asks on the terminal; Ctrl-C ends the command."""
    try:
        return typer.confirm(f"remove everything of {ticket_id} for good?", err=True)
    except typer.Abort:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
