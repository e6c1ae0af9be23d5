"""`ticketmill keys`: the keys of the API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.output import AsJson, ExitCode, answer, answer_json, nearest, say, table

if TYPE_CHECKING:
    from ticketmill.settings import Settings

SCOPES = ("read", "write", "correct", "admin")

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

File = Annotated[Path | None, typer.Option(help="The file of keys; TICKETMILL_API_KEYS_FILE by default.")]


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Who has the key: it stands on corrections and in the log.")],
    scope: Annotated[
        list[str] | None, typer.Option(metavar="|".join(SCOPES), help="May be given more than once.")
    ] = None,
    file: File = None,
) -> None:
    """Make a key and print it, once. The file keeps its hash alone."""
    from datetime import UTC, datetime

    from ticketmill.entrypoints.web.caller import Scope
    from ticketmill.entrypoints.web.keys import add_key

    wanted = scope or ["read"]
    for each in wanted:
        if each not in SCOPES:
            raise typer.BadParameter(
                f'there is no scope "{each}"{nearest(each, SCOPES)}; there are: {", ".join(SCOPES)}',
                param_hint="--scope",
            )
    path = _file(file)
    answer(add_key(path, name, map(Scope, wanted), datetime.now(UTC)))
    say(f"{name} may {', '.join(wanted)}; {path} holds the hash of the key, and nothing shows the key again")


@app.command("list")
def list_keys(file: File = None, as_json: AsJson = False) -> None:
    """List the keys: names, scopes and when they were made."""
    from ticketmill.entrypoints.web.keys import read_keys

    found = read_keys(_file(file))
    rows = [(each.name, ", ".join(sorted(each.scopes)), each.created_at) for each in found]
    if as_json:
        for each in found:
            answer_json({"name": each.name, "scopes": sorted(each.scopes), "created_at": each.created_at})
    else:
        table("keys", ("name", "scopes", "created"), rows)


@app.command()
def delete(name: Annotated[str, typer.Argument(help="The key's name.")], file: File = None) -> None:
    """Delete a key. A running server refuses it within seconds. Exit code 5 where there is none."""
    from ticketmill.entrypoints.web.keys import delete_key

    path = _file(file)
    if not delete_key(path, name):
        say(f"{path} has no key {name}; `ticketmill keys list` shows them")
        raise typer.Exit(ExitCode.NOT_FOUND)
    say(f"deleted the key {name}")


def _file(given: Path | None) -> Path:
    from ticketmill.settings import load_settings

    settings: Settings = load_settings()
    path = given or settings.api_keys_file
    if path is None:
        raise typer.BadParameter(
            "name the file of keys, or set TICKETMILL_API_KEYS_FILE", param_hint="--file"
        )
    return path
