"""`ticketmill duplicates`: which tickets tell of the same thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.output import (
    AsJson,
    answer,
    answer_json,
    examples,
    progress,
    say,
    stopping_at_once,
    table,
)

if TYPE_CHECKING:
    from ticketmill.domain.effective_row import EffectiveRow
    from ticketmill.operations.corrections import Speaker
    from ticketmill.operations.duplicates import DuplicateVerdicts

First = Annotated[str, typer.Argument(help="A ticket's id.")]
Second = Annotated[str, typer.Argument(help="Another ticket's id.")]
Who = Annotated[str | None, typer.Option(help="Who says so; else TICKETMILL_PERSON, else the login name.")]
Note = Annotated[str | None, typer.Option(help="A remark, at most 1,000 characters.")]

app = typer.Typer(no_args_is_help=True)


@app.command(epilog=examples("ticketmill duplicates evaluate --data duplicates.jsonl"))
def evaluate(
    data: Annotated[
        Path, typer.Option(help="Tickets as JSON lines; duplicates of each other share a `group`.")
    ],
    as_json: AsJson = False,
) -> None:
    """Rank the likely duplicates of tickets whose duplicates are known, and print how often one is found.

    A line has ticket_id, subject, body and group. Recall at 5 is the share of the tickets with a duplicate
    that have one among the first five.
    """
    from dataclasses import asdict

    from ticketmill.bootstrap.duplicates import encode_reports, load_encoder
    from ticketmill.learning.duplicate_reports import near_identical, read_reports
    from ticketmill.queries.duplicates import DuplicateRanking, recall
    from ticketmill.settings import load_settings

    reports = read_reports(data)
    encoder = load_encoder(load_settings())
    with stopping_at_once(), progress("encoded", total=2 * len(reports)) as advance:
        candidates = encode_reports(encoder, reports, advance)
    found = recall(DuplicateRanking.of(candidates), [each.group for each in reports])
    same_text = near_identical(reports)
    if as_json:
        answer_json({**asdict(found), "near_identical": asdict(same_text)})
        return
    table(
        f"{found.with_duplicate} of {found.tickets} tickets of {data.name} have a duplicate",
        ("recall at 1", "at 5", "at 10"),
        [[f"{each:.3f}" for each in (found.recall_at_1, found.recall_at_5, found.recall_at_10)]],
    )
    say(f"{same_text.duplicates} of {same_text.pairs} pairs of near-identical text are duplicates")


@app.command(epilog=examples("ticketmill duplicates confirm TKT-007 TKT-001"))
def confirm(
    ticket_id: First, other_id: Second, who: Who = None, note: Note = None, as_json: AsJson = False
) -> None:
    """Say that two tickets tell of the same thing: the later one becomes a duplicate of the earlier.

    Where they have duplicates already, their groups become one. Exit code 5 where there is no such ticket.
    """
    with _opened(who, note) as (verdicts, speaker, id_of):
        _tell(verdicts.confirm(id_of(ticket_id), id_of(other_id), speaker), as_json)


@app.command(epilog=examples("ticketmill duplicates deny TKT-007 TKT-002"))
def deny(
    ticket_id: First, other_id: Second, who: Who = None, note: Note = None, as_json: AsJson = False
) -> None:
    """Say that two tickets are other matters."""
    with _opened(who, note) as (verdicts, speaker, id_of):
        _tell(verdicts.deny(id_of(ticket_id), id_of(other_id), speaker), as_json)


@app.command(epilog=examples("ticketmill duplicates undo TKT-007"))
def undo(
    ticket_id: Annotated[str, typer.Argument(help="The ticket that the verdict was recorded on: the later.")],
    who: Who = None,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Take back the last verdict on a ticket. All others of its group stay."""
    with _opened(who, note) as (verdicts, speaker, id_of):
        _tell(verdicts.undo(id_of(ticket_id), speaker), as_json)


@contextmanager
def _opened(
    who: str | None, note: str | None
) -> Iterator[tuple[DuplicateVerdicts, Speaker, Callable[[str], str]]]:
    from ticketmill import bootstrap
    from ticketmill.domain.label import FoundBy
    from ticketmill.entrypoints.cli.person import name_of_person
    from ticketmill.operations.corrections import Speaker
    from ticketmill.operations.duplicates import DuplicateVerdicts
    from ticketmill.settings import load_settings

    settings = load_settings()
    adapters = bootstrap.connect(settings)
    verdicts = DuplicateVerdicts(bootstrap.make_corrections(settings, adapters))

    def id_of(typed: str) -> str:
        """The id here of a ticket that its helpdesk may call otherwise."""
        row = adapters.queries.find(typed)
        return typed if row is None else row.ticket_id

    yield verdicts, Speaker(name_of_person(settings, who), FoundBy.FOUND, note), id_of


def _tell(row: EffectiveRow, as_json: bool) -> None:
    from ticketmill.domain.duplicates import denied_of, reference_of

    reference, denied = reference_of(row), sorted(denied_of(row))
    if as_json:
        answer_json({"ticket_id": row.ticket_id, "duplicate_of": reference, "not_duplicate_of": denied})
        return
    said = f"a duplicate of {reference}" if reference else "no duplicate"
    answer(
        f"{row.ticket_id} is {said}" + (f", and another matter than {', '.join(denied)}" if denied else "")
    )
