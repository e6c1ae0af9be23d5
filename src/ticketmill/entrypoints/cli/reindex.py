"""`ticketmill reindex`: rows of an older version into the indexes of this one."""

from __future__ import annotations

from typing import Annotated

import typer

from ticketmill.entrypoints.cli.output import ExitCode, answer, answer_json, counted, progress, say


def reindex(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Put rows that an older version wrote into the indexes. Nothing is enriched again.

    Run it once after an upgrade that says so, when no worker of the older version runs any more.
    """
    from ticketmill import bootstrap
    from ticketmill.settings import load_settings

    done = left = 0
    with progress("reindexed") as advance:
        for is_done in bootstrap.reindex(load_settings()):
            done, left = done + is_done, left + (not is_done)
            advance()
    if as_json:
        answer_json({"reindexed": done, "left": left})
    else:
        answer(f"reindexed {counted(done, 'row')}")
    if left:
        say(f"{counted(left, 'row')} left: run it again; those that cannot be read are named above")
        raise typer.Exit(ExitCode.FINDINGS)
