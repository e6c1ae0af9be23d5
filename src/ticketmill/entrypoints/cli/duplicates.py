"""`ticketmill duplicates`: which tickets tell of the same thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.entrypoints.cli.output import (
    AsJson,
    ExitCode,
    answer,
    answer_json,
    counted,
    examples,
    progress,
    say,
    stopping_at_once,
    table,
)
from ticketmill.entrypoints.cli.since import EXPECTED, parse_since

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


@app.command("of", epilog=examples("ticketmill duplicates of TKT-007"))
def candidates_of(
    ticket_id: First,
    limit: Annotated[int, typer.Option(min=1, max=50, help="Show so many at most.")] = 10,
    as_json: AsJson = False,
) -> None:
    """List the tickets that may tell of the same thing, the likeliest first, and what speaks for each.

    Tickets of its own group are not among them, nor those that a person denied. Exit code 5 where there is no
    such ticket, or where the search index does not have it yet.
    """
    from ticketmill import bootstrap
    from ticketmill.bootstrap.duplicates import open_duplicate_candidates
    from ticketmill.entrypoints.duplicate_answer import candidate_fields
    from ticketmill.settings import load_settings

    settings = load_settings()
    queries = bootstrap.connect_queries(settings)
    row = queries.find(ticket_id)
    if row is None:
        say(f"no ticket {ticket_id}; `ticketmill list` shows the newest")
        raise typer.Exit(ExitCode.NOT_FOUND)
    found = open_duplicate_candidates(settings, queries).of(row, limit)
    if found is None:
        say(f"{row.ticket_id} is not in the search index yet; see docs/search.md")
        raise typer.Exit(ExitCode.NOT_FOUND)
    mask = bootstrap.make_mask(settings)
    answers = [candidate_fields(each, mask) for each in found]
    if as_json:
        answer_json({"ticket_id": row.ticket_id, "candidates": answers})
        return
    columns = ("ticket", "received", "cosine", "both", "subject")
    cells = [(_named(each), _apart(each), each["cosine"], _both(each), each["subject"]) for each in answers]
    table(f"tickets that may tell of the same thing as {row.ticket_id}", columns, cells)
    if answers:
        pair = f"{row.ticket_id} {answers[0]['ticket_id']}"
        say(f"`ticketmill duplicates confirm {pair}` says that they do, `deny` that they do not")


@app.command("list", epilog=examples("ticketmill duplicates list --since 7d"))
def list_groups(
    since: Annotated[str, typer.Option(help=f"Duplicates that were uploaded since: {EXPECTED}.")] = "30d",
    as_json: AsJson = False,
) -> None:
    """List the groups that people confirmed: each reference with its duplicates, the newest first.

    All tickets since are looked through in the index of the table.
    """
    from ticketmill import bootstrap
    from ticketmill.entrypoints.duplicate_answer import group_fields
    from ticketmill.queries.duplicate_groups import DuplicateGroups
    from ticketmill.settings import load_settings

    settings = load_settings()
    start = parse_since(since)
    found = DuplicateGroups(bootstrap.connect_queries(settings)).since(start)
    mask = bootstrap.make_mask(settings)
    groups = [group_fields(each, mask) for each in found]
    if as_json:
        answer_json({"groups": groups})
        return
    cells = [
        (
            each["reference"]["ticket_id"],
            ", ".join(member["ticket_id"] for member in each["duplicates"]),
            each["reference"]["subject"],
        )
        for each in groups
    ]
    table(f"{counted(len(groups), 'group')} since {since}", ("reference", "duplicates", "subject"), cells)


def _named(candidate: Mapping[str, Any]) -> str:
    reference = candidate["duplicate_of"]
    return f"{candidate['ticket_id']}" + (f", duplicate of {reference}" if reference else "")


def _apart(candidate: Mapping[str, Any]) -> str:
    """As in `3.0 h before`."""
    hours = candidate["hours_apart"]
    return f"{abs(hours):.1f} h {'before' if hours >= 0 else 'after'}"


def _both(candidate: Mapping[str, Any]) -> str:
    """What both tickets have."""
    customer = ["the customer"] if candidate["is_same_customer"] else []
    named = [
        f"{each['kind'].replace('_', ' ')} {each['value'] or '(hidden)'}"
        for each in candidate["shared_entities"]
    ]
    return "; ".join([*customer, *named, " ".join(candidate["shared_words"])])


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
