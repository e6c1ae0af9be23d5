"""`ticketmill dlq`: the messages that ended in the dead-letter queue, and their ways out of it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.entrypoints.cli.output import (
    ExitCode,
    answer,
    answer_json,
    progress,
    say,
    table,
)

if TYPE_CHECKING:
    from ticketmill.domain.row import TicketRow
    from ticketmill.operations.dead_letters import DeadLetter, DeadLetters, Finding, Held

app = typer.Typer(no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command("list")
def list_letters(
    as_json: Annotated[bool, typer.Option("--json", help="One message a line, for programs.")] = False,
) -> None:
    """List every message, the oldest first, and why it is there; nothing is consumed."""
    with _held() as (dead_letters, held):
        letters = _explained(dead_letters, held)
    if as_json:
        for letter in letters:
            answer_json(_listed(letter))
        return
    columns = ("message", "reason", "tickets", "keys", "received", "age")
    table(f"{len(letters)} dead letters", columns, map(_row, letters))


@app.command()
def explain(
    name: Annotated[str, typer.Argument(metavar="ID", help="Of a message, or of a ticket.")],
    as_json: AsJson = False,
) -> None:
    """Tell all that is known of a message, or of a ticket's messages, and what to do next."""
    with _held() as (dead_letters, held):
        letters = [each for each in _explained(dead_letters, held) if each.is_called(name)]
        row = None if letters else dead_letters.rows.get_many([name]).get(name)
    if not letters and row is None:
        say(f"no message and no ticket {name}")
        raise typer.Exit(ExitCode.NOT_FOUND)
    if as_json:
        answer_json(
            {
                "messages": [_explanation(each) for each in letters],
                "row": row and _row_fields(row),
                "next": row and _next_without_letter(row),
            }
        )
        return
    for letter in letters:
        table(letter.message.message_id, ("field", "value"), _shown(letter))
    if row is not None:
        table(name, ("field", "value"), [*_row_lines(row), ("next", _next_without_letter(row))])


@app.command()
def redrive(
    reason: Annotated[str | None, typer.Option(metavar="CODE", help="Only what `list` gives it for.")] = None,
    names: Annotated[
        list[str] | None, typer.Option("--id", metavar="ID", help="Only this message or ticket; repeatable.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Move nothing; say what would be.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send messages back to the queue, all of them or those of a reason or an id, each one once.

    One that was sent and then could not be deleted is worked off again and found to be a duplicate.
    """
    from dataclasses import asdict

    from ticketmill.operations.dead_letters import Redriven

    with _held() as (dead_letters, held):
        letters = _explained(dead_letters, held)
        missing = [name for name in names or () if not any(each.is_called(name) for each in letters)]
        wanted = [
            each
            for each in letters
            if (reason is None or each.reason == reason)
            and (not names or any(each.is_called(name) for name in names))
        ]
        redriven = Redriven()
        if not dry_run:
            with progress("redriven", total=len(wanted)) as advance:
                redriven = dead_letters.redrive(held, wanted, done=advance)
    reasons = Counter(each.reason for each in wanted)
    if as_json:
        counts = {"messages": len(letters), "wanted": len(wanted), "reasons": reasons, **asdict(redriven)}
        answer_json({**counts, "missing": missing, "dry_run": dry_run})
    else:
        told = ", ".join(f"{code} {count}" for code, count in reasons.most_common())
        moved = f"would redrive {len(wanted)}" if dry_run else f"redrove {redriven.moved}"
        answer(f"{moved} of {len(letters)} dead letters{f' ({told})' if told else ''}")
    _end_redrive(redriven.unsent, redriven.undeleted, missing)


@app.command()
def drop(
    message_id: Annotated[str, typer.Argument(metavar="ID", help="Of the message.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete one message for good. The object that it announced stays in the raw bucket."""
    if not yes and not sys.stdin.isatty():
        raise typer.BadParameter("nobody can be asked here: add --yes")
    with _held() as (dead_letters, held):
        message = held.messages.get(message_id)
        if message is None:
            say(f"no message {message_id} in the dead-letter queue")
            raise typer.Exit(ExitCode.NOT_FOUND)
        (letter,) = dead_letters.explain([message])
        if not yes and not _confirmed(letter):
            say("kept")
            return
        if not held.delete(message):
            say(f"message {message_id} was not deleted: SQS did not confirm it; try again")
            raise typer.Exit(ExitCode.FAULT)
    if as_json:
        answer_json({"dropped": message_id, "reason": letter.reason})
    else:
        answer(f"dropped {_sentence(letter)}")


def _confirmed(letter: DeadLetter) -> bool:
    """Asks on the terminal; Ctrl-C ends the command."""
    try:
        return typer.confirm(f"{_sentence(letter)}: delete it?", err=True)
    except typer.Abort:
        raise typer.Exit(ExitCode.INTERRUPTED) from None


@contextmanager
def _held() -> Iterator[tuple[DeadLetters, Held]]:
    """The dead-letter queue and all of its messages, which are handed back in the end."""
    from ticketmill import bootstrap
    from ticketmill.settings import load_settings
    from ticketmill.telemetry import logs

    logs.configure("text", verbose=False)
    settings = load_settings()
    dead_letters = bootstrap.make_dead_letters(settings, bootstrap.connect(settings))
    with ExitStack() as stack:
        with progress("received") as advance:
            held = stack.enter_context(dead_letters.hold(received=advance))
        # the bar is gone: what follows may have one of its own, or a question
        yield dead_letters, held


def _explained(dead_letters: DeadLetters, held: Held) -> list[DeadLetter]:
    """The messages in hand, the oldest first."""
    return dead_letters.explain(sorted(held.messages.values(), key=lambda each: each.sent_at))


def _end_redrive(unsent: int, undeleted: int, missing: list[str]) -> None:
    """Tells what did not come out as asked, and ends with its exit code."""
    for name in missing:
        say(f"no message and no ticket {name} in the dead-letter queue")
    if undeleted:
        say(f"{undeleted} were sent, but SQS did not confirm their deletion: they stay here too")
    if unsent:
        say(f"{unsent} could not be sent and stay: try again")
    if unsent or undeleted:
        raise typer.Exit(ExitCode.FAULT)
    if missing:
        raise typer.Exit(ExitCode.NOT_FOUND)


def _listed(letter: DeadLetter) -> dict[str, Any]:
    message = letter.message
    return {
        "message_id": message.message_id,
        "reason": letter.reason,
        "tickets": [{"ticket_id": each.ticket_id, "key": each.upload.key} for each in letter.findings],
        "receive_count": message.receive_count,
        "sent_at": message.sent_at.isoformat(),
        "age_s": round(_age(letter).total_seconds()),
    }


def _row(letter: DeadLetter) -> tuple[object, ...]:
    ids = "\n".join(each.ticket_id for each in letter.findings)
    keys = "\n".join(each.upload.key for each in letter.findings)
    message = letter.message
    return message.message_id, letter.reason, ids, keys, message.receive_count, _in_words(_age(letter))


def _explanation(letter: DeadLetter) -> dict[str, Any]:
    return {
        **_listed(letter),
        "problem": letter.problem,
        "next": letter.next_step,
        "uploads": [
            {
                "bucket": each.upload.bucket,
                "key": each.upload.key,
                "ticket_id": each.ticket_id,
                "reason": each.reason,
                "row": each.row and _row_fields(each.row),
            }
            for each in letter.findings
        ],
    }


def _row_fields(row: TicketRow) -> dict[str, Any]:
    """What a row says of its uploads, and nothing of the ticket's text."""
    wanted = {"ticket_id", "status", "revision", "raw", "rejection", "failure", "processed_at"}
    return row.model_dump(mode="json", include=wanted)


def _shown(letter: DeadLetter) -> list[tuple[str, object]]:
    message = letter.message
    fields: list[tuple[str, object]] = [
        ("reason", letter.reason),
        ("what is wrong", letter.problem),
        ("sent", f"{message.sent_at:%Y-%m-%d %H:%M:%S} UTC, {_in_words(_age(letter))} ago"),
        ("received", f"{message.receive_count} times"),
        *(field for each in letter.findings for field in _finding_lines(each)),
        ("next", letter.next_step),
    ]
    return [(name, value) for name, value in fields if value is not None]


def _finding_lines(finding: Finding) -> list[tuple[str, object]]:
    announced: list[tuple[str, object]] = [
        ("announces", f"s3://{finding.upload.bucket}/{finding.upload.key}"),
        ("ticket", finding.ticket_id),
    ]
    return announced + (_row_lines(finding.row) if finding.row else [("row", "none")])


def _row_lines(row: TicketRow) -> list[tuple[str, object]]:
    lines: list[tuple[str, object]] = [
        ("row", f"{row.status}, of {row.raw.key}, {row.processed_at:%Y-%m-%d %H:%M:%S} UTC")
    ]
    if row.failure:
        failed = row.failure
        when = f"{failed.failed_at:%Y-%m-%d %H:%M:%S} UTC"
        lines.append(("failed", f"{failed.code}: {failed.message} ({failed.key})"))
        lines.append(("attempts", f"{failed.attempts}, the last at {when}"))
    if row.rejection:
        lines.append(("rejected", f"{row.rejection.code}: {row.rejection.message} ({row.rejection.key})"))
    return lines


def _next_without_letter(row: TicketRow) -> str:
    """What to do about a ticket of which no message is in the dead-letter queue."""
    if row.failure:
        return "wait, it is being retried; if its message was dropped, upload the ticket again"
    if row.rejection:
        return "mend the ticket and upload it again"
    return "nothing: no message of it is in the dead-letter queue"


def _sentence(letter: DeadLetter) -> str:
    """As in `message 1f (unknown; TKT-1)`; ids as %r, because whoever uploads chooses them."""
    ids = ", ".join(repr(each.ticket_id) for each in letter.findings)
    return f"message {letter.message.message_id} ({letter.reason}{f'; {ids}' if ids else ''})"


def _age(letter: DeadLetter) -> timedelta:
    return datetime.now(UTC) - letter.message.sent_at


def _in_words(age: timedelta) -> str:
    """Rounded down, as in `3 h`."""
    seconds = max(0, int(age.total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
