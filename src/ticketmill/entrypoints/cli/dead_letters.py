"""`ticketmill dlq`: the messages that ended in the dead-letter queue, and their ways out of it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli import dead_letter_answer as told
from ticketmill.entrypoints.cli.output import (
    ExitCode,
    answer,
    answer_json,
    counted,
    progress,
    say,
    table,
)

if TYPE_CHECKING:
    from ticketmill.operations.dead_letter import DeadLetter
    from ticketmill.operations.dead_letters import DeadLetters
    from ticketmill.operations.hold import Hold

TABLE_ROWS = 1000

app = typer.Typer(no_args_is_help=True)

Deliveries = Annotated[
    bool, typer.Option("--deliveries", help="Of the routing rules' deliveries, not of tickets.")
]

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command("list")
def list_letters(
    deliveries: Deliveries = False,
    as_json: Annotated[bool, typer.Option("--json", help="One message a line, for programs.")] = False,
) -> None:
    """List the messages and why they are there; nothing is consumed."""
    rows: list[tuple[object, ...]] = []
    reasons: Counter[str] = Counter()
    with _opened(deliveries) as queue:
        for letters in queue.batches():
            reasons.update(each.reason for each in letters)
            if as_json:
                for letter in letters:
                    answer_json(told.listed(letter))
            else:
                rows += map(told.table_row, letters[: TABLE_ROWS - len(rows)])
    if as_json:
        return
    columns = ("message", "reason", "tickets", "keys", "received", "age")
    table(counted(reasons.total(), "dead letter"), columns, rows)
    if len(rows) < reasons.total():
        say(f"the first {len(rows):,} are shown, --json lists all: {_in_words(reasons)}")


@app.command()
def explain(
    name: Annotated[str, typer.Argument(metavar="ID", help="Of a message, or of a ticket.")],
    deliveries: Deliveries = False,
    as_json: AsJson = False,
) -> None:
    """Tell all that is known of a message, or of a ticket's messages, and what to do next."""
    from ticketmill.domain.ticket_id import known_as

    with _opened(deliveries) as queue:
        letters = [each for batch in queue.batches() for each in batch if each.is_called(name)]
        rows = {} if letters else queue.dead_letters.rows.get_many(known_as(name))
        row = next(iter(rows.values()), None)
    if not letters and row is None:
        say(f"no message and no ticket {name}")
        raise typer.Exit(ExitCode.NOT_FOUND)
    if as_json:
        answer_json(
            {
                "messages": [told.explanation(each) for each in letters],
                "row": row and told.row_fields(row),
                "next": row and told.next_without_letter(row),
            }
        )
        return
    for letter in letters:
        table(letter.message.message_id, ("field", "value"), told.explanation_lines(letter))
    if row is not None:
        lines = [*told.row_lines(row), ("next", told.next_without_letter(row))]
        table(name, ("field", "value"), lines)


@app.command()
def redrive(
    reason: Annotated[str | None, typer.Option(metavar="CODE", help="Only what `list` gives it for.")] = None,
    names: Annotated[
        list[str] | None, typer.Option("--id", metavar="ID", help="Only this message or ticket; repeatable.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Move nothing; say what would be.")] = False,
    deliveries: Deliveries = False,
    as_json: AsJson = False,
) -> None:
    """Send messages back to the queue, all of them or those of a reason or an id, each one once.

    One that was sent and then could not be deleted is processed again and found to be a duplicate.
    """
    from ticketmill.operations.dead_letters import Redriven

    looked_at, reasons, redriven = 0, Counter[str](), Redriven()
    missing = dict.fromkeys(names or ())
    with _opened(deliveries) as queue:
        for letters in queue.batches(sent_until=datetime.now(UTC)):
            looked_at += len(letters)
            named = {name for name in names or () if any(each.is_called(name) for each in letters)}
            missing = {name: None for name in missing if name not in named}
            wanted = [
                each
                for each in letters
                if (reason is None or each.reason == reason)
                and (not names or any(each.is_called(name) for name in named))
            ]
            reasons.update(each.reason for each in wanted)
            if not dry_run:
                redriven += queue.dead_letters.redrive(queue.hold, wanted)
    if as_json:
        counts = {"messages": looked_at, "wanted": reasons.total(), "reasons": reasons, **asdict(redriven)}
        answer_json({**counts, "missing": [*missing], "dry_run": dry_run})
    else:
        moved = f"would redrive {reasons.total()}" if dry_run else f"redrove {redriven.moved}"
        in_brackets = f" ({_in_words(reasons)})" if reasons else ""
        answer(f"{moved} of {counted(looked_at, 'dead letter')}{in_brackets}")
    _end_redrive(redriven.unsent, redriven.undeleted, [*missing])


@app.command()
def delete(
    message_id: Annotated[str, typer.Argument(metavar="ID", help="Of the message.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    deliveries: Deliveries = False,
    as_json: AsJson = False,
) -> None:
    """Delete one message for good. The object that it announced stays in the raw bucket."""
    if not yes and not sys.stdin.isatty():
        raise typer.BadParameter("nobody can be asked here: add --yes")
    with _opened(deliveries) as queue:
        with closing(queue.batches()) as batches:
            letters = (each for batch in batches for each in batch)
            letter = next((each for each in letters if each.message.message_id == message_id), None)
        if letter is None:
            say(f"no message {message_id} in the dead-letter queue")
            raise typer.Exit(ExitCode.NOT_FOUND)
        if not yes and not _confirmed(letter):
            say("kept")
            return
        if not queue.hold.delete([letter.message]):
            say(f"message {message_id} was not deleted: SQS did not confirm it; try again")
            raise typer.Exit(ExitCode.FAULT)
    if as_json:
        answer_json({"deleted": message_id, "reason": letter.reason})
    else:
        answer(f"deleted {told.sentence(letter)}")


def _confirmed(letter: DeadLetter) -> bool:
    """Asks on the terminal; Ctrl-C ends the command."""
    try:
        return typer.confirm(f"{told.sentence(letter)}: delete it?", err=True)
    except typer.Abort:
        raise typer.Exit(ExitCode.INTERRUPTED) from None


@dataclass(frozen=True, slots=True)
class _Opened:
    """The dead-letter queue and the hold on its messages; `depth` is about how many there are."""

    dead_letters: DeadLetters
    hold: Hold
    depth: int

    def batches(self, sent_until: datetime | None = None) -> Generator[list[DeadLetter], None, None]:
        """The messages, batch by batch, under a progress bar that ends with the iterator."""
        with progress("received", total=self.depth or None) as advance:
            yield from self.dead_letters.batches(self.hold, advance, sent_until)


@contextmanager
def _opened(deliveries: bool) -> Iterator[_Opened]:
    """The dead-letter queue. What its commands receive is released in the end."""
    from ticketmill import bootstrap
    from ticketmill.settings import load_settings
    from ticketmill.telemetry import logs

    logs.configure("text", verbose=False)
    settings = load_settings()
    if deliveries:
        dead_letters, depth = bootstrap.make_delivery_dead_letters(settings)
    else:
        adapters = bootstrap.connect(settings)
        dead_letters = bootstrap.make_dead_letters(settings, adapters)
        depth = adapters.dead_letters.depths().visible
    with dead_letters.hold() as hold:
        yield _Opened(dead_letters, hold, depth)


def _end_redrive(unsent: int, undeleted: int, missing: list[str]) -> None:
    """Says what did not come out as wanted, and ends with its exit code."""
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


def _in_words(reasons: Counter[str]) -> str:
    return ", ".join(f"{code} {count}" for code, count in reasons.most_common())
