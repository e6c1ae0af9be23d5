"""`ticketmill show`: one ticket, its row and its full enrichment."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.entrypoints.cli.output import AsJson, ExitCode, answer_json, examples, say, table

if TYPE_CHECKING:
    from ticketmill.bootstrap import Adapters
    from ticketmill.domain.effective_row import EffectiveRow
    from ticketmill.domain.enrichment import EnrichedTicket
    from ticketmill.domain.warning import TicketWarning

Lines = list[tuple[str, object]]

_MISSING = frozenset({"NoSuchKey", "NotFound", "404"})
_BLANK_LINES = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+\n")

EPILOG = examples("ticketmill show TKT-001", "ticketmill show TKT-001 --json | jq .ticket.enrichment")


def show(
    ticket_id: Annotated[str, typer.Argument(help="The ticket's id, as in TKT-001 or '#1042'.")],
    as_json: AsJson = False,
) -> None:
    """Show a ticket's row and its full enrichment.

    Exit code 5 where there is no such ticket, or where its enriched object is gone.
    """
    if not ticket_id.strip():
        raise typer.BadParameter("expected the id of a ticket", param_hint="TICKET_ID")
    from ticketmill import bootstrap
    from ticketmill.settings import load_settings

    settings = load_settings()
    mask = bootstrap.make_mask(settings)
    adapters = bootstrap.connect(settings)
    row = adapters.queries.find(ticket_id)
    if row is None:
        say(f"no ticket {ticket_id} in {adapters.stack.table}; `ticketmill list` shows the newest")
        raise typer.Exit(ExitCode.NOT_FOUND)
    content = _enriched_object(adapters, row.enriched_key)
    if as_json:
        # as it is stored: what this version does not know is shown as well
        ticket = json.loads(content) if content else None
        shown = mask.document(ticket) if ticket else ticket
        answer_json({"row": mask.row(row).model_dump(mode="json", exclude_none=True), "ticket": shown})
    else:
        enriched = _readable(content)
        enriched = mask.ticket(enriched) if enriched else None
        lines = [*_row_lines(adapters, mask.row(row)), *(_detail_lines(enriched) if enriched else [])]
        table(row.ticket_id, ("field", "value"), [(name, _for_people(value)) for name, value in lines])
    if row.enriched_key and content is None:
        say(
            f"the enriched object s3://{adapters.stack.enriched_bucket}/{row.enriched_key} is gone; "
            f"make it again: ticketmill backfill --ids {row.ticket_id} --force"
        )
        raise typer.Exit(ExitCode.NOT_FOUND)


def _enriched_object(adapters: Adapters, key: str | None) -> bytes | None:
    """The object's bytes; None where the row names none, or it is gone."""
    from ticketmill.domain.errors import TransientFailure

    if key is None:
        return None
    try:
        return adapters.enriched_tickets.get(key)
    except TransientFailure as failure:
        if failure.code in _MISSING:
            return None
        raise


def _readable(content: bytes | None) -> EnrichedTicket | None:
    """The enriched ticket; None, and a line that says so, where another version of ticketmill wrote it."""
    from ticketmill.domain.enrichment import read_enriched

    if content is None:
        return None
    try:
        return read_enriched(content)
    except ValueError:
        say("another version of ticketmill wrote the enriched object: upgrade, or look at it with --json")
        return None


def _row_lines(adapters: Adapters, row: EffectiveRow) -> Lines:
    from ticketmill.entrypoints.cli.person import person_lines
    from ticketmill.tasks import custom
    from ticketmill.tasks.table import TASKS

    enriched_key = row.enriched_key and f"s3://{adapters.stack.enriched_bucket}/{row.enriched_key}"
    lines: Lines = [
        ("status", row.status),
        ("subject", row.subject),
        *(line for task in TASKS for line in task.row_lines(row)),
        *custom.row_lines(row),
        *person_lines(row),
        ("automatic", row.automatic_kind),
        ("needs review", ", ".join(row.review_reasons) or row.needs_review),
        ("failed stages", ", ".join(row.failed_stages)),
        ("warnings", "\n".join(map(_warning, row.warnings))),
        ("uploaded", f"{row.received_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("raw", f"s3://{row.raw.bucket}/{row.raw.key}"),
        ("enriched", enriched_key),
        ("bundle", row.fingerprint),
    ]
    if row.rejection:
        rejection = row.rejection
        lines.append(("rejected", f"{rejection.code}: {rejection.message} ({rejection.key})"))
    if row.failure:
        tried = f"attempt {row.failure.attempts}, {row.failure.failed_at:%Y-%m-%d %H:%M:%S} UTC"
        lines.append(("failed", f"{row.failure.code}: {row.failure.message} ({tried})"))
    return [(name, value) for name, value in lines if value not in (None, "")]


def _warning(warning: TicketWarning) -> str:
    """As in `unknown_form: priority (soon)`."""
    field = f": {warning.field}" if warning.field else ""
    return f"{warning.code}{field}{f' ({warning.found})' if warning.found else ''}"


def _detail_lines(ticket: EnrichedTicket) -> Lines:
    """What only the full enrichment has."""
    from ticketmill.tasks.table import TASKS

    predictions = ((task, getattr(ticket.enrichment, task.name)) for task in TASKS)
    details = (line for task, made in predictions if made for line in task.detail_lines(made))
    # what a newer version measures as well may be of any form
    latencies = [(name, ms) for name, ms in ticket.enrichment.latency_ms if isinstance(ms, int | float)]
    return [
        ("body", ticket.body),
        *details,
        ("latency", ", ".join(f"{name} {_milliseconds(ms)}" for name, ms in latencies)),
    ]


def _milliseconds(value: float) -> str:
    """As in `3.2 ms`, `184 ms` and `2.5 s`."""
    if value >= 1000:
        return f"{value / 1000:,.1f} s"
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms"


def _for_people(value: Any) -> object:
    """Yes and no, and texts without runs of empty lines."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _BLANK_LINES.sub("\n\n", value.strip()) if isinstance(value, str) else value
