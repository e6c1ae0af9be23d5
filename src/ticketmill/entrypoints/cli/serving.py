"""`ticketmill models serve`: which bundle's outputs win."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.output import answer, answer_json, table

if TYPE_CHECKING:
    from ticketmill.domain.serving import ServingDecision, ServingHistory


def serve(
    fingerprint: Annotated[
        str | None,
        typer.Argument(help="Of a bundle that served before; without it the bundle of this machine."),
    ] = None,
    show_history: Annotated[
        bool, typer.Option("--history", help="Change nothing; show the latest decision for each bundle.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Let a bundle serve from now on: promote a new one, or roll back to an old one.

    Each decision raises the serial that outputs carry. No worker replaces what a bundle with a higher serial
    made of the same upload. Workers see a decision within 30 seconds.
    """
    from socket import gethostname

    from ticketmill import bootstrap
    from ticketmill.aws.clients import at_setup
    from ticketmill.pipeline import serving
    from ticketmill.settings import load_settings

    settings = load_settings()
    decisions = bootstrap.connect(settings).serving
    with at_setup("the serving decisions cannot be read", "check the stack's table: ticketmill status"):
        history = decisions.history()
    if show_history:
        _answer_history(history, as_json)
        return
    if fingerprint is None:
        fingerprint = bootstrap.current_fingerprint(settings)
    elif history.serial_of(fingerprint) is None and fingerprint != bootstrap.current_fingerprint(settings):
        known = ", ".join(history.latest) or "none"
        raise typer.BadParameter(
            f"no bundle {fingerprint} ever served, and it is not this machine's; known: {known}"
        )
    with at_setup("the serving decision cannot be written", "check the stack's table: ticketmill status"):
        decision = serving.serve(decisions, fingerprint, gethostname(), datetime.now(UTC))
    if as_json:
        answer_json(_as_json(decision))
    else:
        answer(f"bundle {decision.fingerprint} serves with serial {decision.serial}")


def _answer_history(history: ServingHistory, as_json: bool) -> None:
    decisions = sorted(history.latest.values(), key=lambda each: each.serial, reverse=True)
    if as_json:
        for each in decisions:
            answer_json(_as_json(each))
        return
    rows = [(each.serial, each.fingerprint, each.decided_at, each.decided_by) for each in decisions]
    table("Serving decisions, the current one first", ("serial", "bundle", "when", "by"), rows)


def _as_json(decision: ServingDecision) -> dict[str, object]:
    return {**asdict(decision), "decided_at": decision.decided_at and decision.decided_at.isoformat()}
