"""`ticketmill deploy`: a stack, by a change set that can be looked at first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.output import AsJson, ExitCode, answer, answer_json, examples, say, table

if TYPE_CHECKING:
    from ticketmill.aws.clients import Clients
    from ticketmill.deploy.change_set import ChangeSet

Pairs = list[str]
EPILOG = examples(
    "ticketmill deploy --dry-run",
    "ticketmill deploy --stack support --parameter RawRetentionDays=90 --tag owner=support",
)


def deploy(
    stack: Annotated[str | None, typer.Option(help="Its name; else that of TICKETMILL_STACK.")] = None,
    template: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Another template than the one of the tickets."),
    ] = None,
    parameter: Annotated[Pairs | None, typer.Option(help="NAME=VALUE; others keep theirs.")] = None,
    tag: Annotated[Pairs | None, typer.Option(help="KEY=VALUE, on all that can carry it.")] = None,
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="Take buckets and table in that an earlier stack of this name left."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    allow_loss: Annotated[
        bool, typer.Option("--allow-loss", help="Even where a bucket, queue or table would be lost.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Deploy the stack to AWS by a change set.

    Exit code 4, and nothing changed, where a bucket, queue or table would be removed or replaced.
    """
    from ticketmill.aws import clients as aws_clients
    from ticketmill.deploy import change_set as change_sets
    from ticketmill.deploy.stack import template_body
    from ticketmill.settings import load_settings

    given, tags = _pairs(parameter, "--parameter"), _pairs(tag, "--tag")
    body = template.read_text(encoding="utf-8") if template else template_body()
    clients = aws_clients.connect()
    prepared = change_sets.prepare(clients, stack or load_settings().stack, body, given, tags, adopt)
    is_refused = not (dry_run or allow_loss) and any(change.loses_tickets for change in prepared.changes)
    executes = bool(prepared.changes) and not dry_run and not is_refused
    if not as_json:
        _tell(prepared)
    outputs = _settle(clients, prepared, executes)
    if as_json:
        told = {
            "stack": prepared.stack_name,
            "kind": prepared.kind,
            "changes": [
                {**asdict(change), "loses_tickets": change.loses_tickets} for change in prepared.changes
            ],
            "executed": executes,
            "outputs": outputs,
        }
        answer_json(told)
    elif executes:
        table(f"Stack {prepared.stack_name}", ("output", "value"), sorted(outputs.items()))
    if is_refused:
        lost = ", ".join(change.logical_id for change in prepared.changes if change.loses_tickets)
        say(f"nothing was changed: {lost} would be lost; look at --dry-run, or deploy with --allow-loss")
        raise typer.Exit(ExitCode.FINDINGS)


def _settle(clients: Clients, prepared: ChangeSet, executes: bool) -> dict[str, str]:
    """Carries the change set out, or clears it away; the stack's outputs after that."""
    from ticketmill.deploy import change_set as change_sets

    if executes:
        say(f"deploying stack {prepared.stack_name}")
        return change_sets.execute(clients, prepared)
    if prepared.changes:
        change_sets.discard(clients, prepared)
    return {} if prepared.kind == "CREATE" else change_sets.outputs(clients, prepared.stack_name)


def _tell(prepared: ChangeSet) -> None:
    if not prepared.changes:
        answer(f"stack {prepared.stack_name} is up to date")
        return
    doing = "a new stack" if prepared.kind == "CREATE" else "changes"
    columns = ("action", "resource", "type", "replacement", "")
    rows = [
        (each.action, each.logical_id, each.type, each.replacement, "LOST" if each.loses_tickets else "")
        for each in prepared.changes
    ]
    table(f"Stack {prepared.stack_name}: {doing}", columns, rows)


def _pairs(given: Sequence[str] | None, option: str) -> dict[str, str]:
    """`NAME=VALUE` texts by name; a value may be empty, and may hold further signs."""
    pairs = [each.partition("=") for each in given or ()]
    for name, sign, _value in pairs:
        if not name or not sign:
            raise typer.BadParameter("must be NAME=VALUE", param_hint=option)
    return {name: value for name, _sign, value in pairs}
