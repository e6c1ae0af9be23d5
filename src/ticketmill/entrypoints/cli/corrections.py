"""`ticketmill corrections`: all that people said, as a list, a file and labels on rows."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.output import (
    AsJson,
    ExitCode,
    answer,
    answer_json,
    counted,
    escaped,
    examples,
    progress,
    say,
    table,
)
from ticketmill.entrypoints.cli.since import EXPECTED, parse_since

if TYPE_CHECKING:
    from ticketmill.bootstrap import Adapters
    from ticketmill.domain.label import Correction
    from ticketmill.operations.corrections import Corrections
    from ticketmill.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_corrections(
    task: Annotated[str | None, typer.Option(help="Only of this task.")] = None,
    who: Annotated[str | None, typer.Option(help="Only of this person.")] = None,
    since: Annotated[str, typer.Option(help=f"Said since then: {EXPECTED}.")] = "7d",
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One a line, for programs.")] = False,
) -> None:
    """List what people said, the newest first."""
    start = parse_since(since)
    with _opened() as (_, _, corrections):
        wanted = (
            each
            for each in corrections.journal.walk()
            if each.at >= start and task in (None, each.task) and who in (None, each.who)
        )
        newest = heapq.nlargest(limit, wanted, key=lambda each: (each.at, each.ticket_id, each.number))
    if as_json:
        for each in newest:
            answer_json(each.model_dump(mode="json", exclude_none=True))
        return
    columns = ("ticket", "no.", "task", "said", "shown", "who", "when", "found by", "note")
    table(counted(len(newest), "correction"), columns, map(_table_row, newest))


@app.command(epilog=examples("ticketmill corrections export labels.jsonl"))
def export(
    file: Annotated[Path | None, typer.Argument(help="Where to write; without it stdout.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The counts for programs; needs FILE.")] = False,
) -> None:
    """Write the tickets with the labels that people gave them, as JSON lines.

    `ticketmill evaluate --data` and `ticketmill models train --corpus` read them. A line has the labels of
    the tasks that a person spoke of, and of no others.
    """
    if as_json and file is None:
        raise typer.BadParameter("--json needs FILE: stdout has the tickets")
    from concurrent.futures import ThreadPoolExecutor

    from ticketmill import bootstrap
    from ticketmill.operations.label_export import LabelExport

    with _opened() as (settings, adapters, corrections), ThreadPoolExecutor(settings.io_threads) as executor:
        lines = LabelExport(corrections, bootstrap.make_ticket_texts(settings, adapters), executor)
        texts = (escaped(json.dumps(line, ensure_ascii=False)) for line in lines)
        exported = _write(texts, file)
    if as_json:
        answer_json({"exported": exported, "left_out": lines.left_out})
        return
    left_out = "".join(f", {count} left out: {reason}" for reason, count in lines.left_out.items())
    say(f"exported {counted(exported, 'ticket')}{f' to {file}' if file else ''}{left_out}")


@app.command("import")
def import_labels(
    file: Annotated[Path, typer.Argument(help="JSON lines with ticket_id and labels, as of an export.")],
    who: Annotated[
        str | None, typer.Option(help="Who says so where a line does not tell; else as for `label`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Record the labels of a file. What a person says of a ticket already is left as it is.

    A line that is refused is named on stderr, and the exit code is 4.
    """
    from collections import Counter

    from ticketmill.entrypoints.cli.person import name_of_person
    from ticketmill.operations.label_import import ImportResult, LabelImport

    counts: Counter[str] = Counter({each.value: 0 for each in ImportResult})
    with (
        _opened() as (settings, _, corrections),
        file.open(encoding="utf-8") as lines,
        progress("imported") as advance,
    ):
        for line in LabelImport(corrections, name_of_person(settings, who)).read(lines):
            counts[line.result.value] += 1
            advance()
            if line.result is ImportResult.REFUSED:
                say(f"{file}, line {line.number}: {line.reason}")
    if as_json:
        answer_json(counts)
    else:
        answer(", ".join(f"{count} {result}" for result, count in counts.items()))
    if counts[ImportResult.REFUSED]:
        raise typer.Exit(ExitCode.FINDINGS)


@app.command()
def reapply(
    ticket_ids: Annotated[list[str] | None, typer.Argument(help="Only these tickets.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make rows and indexes say what the journal says.

    Needed once after an upgrade from a version that knew no corrections, when none of its workers runs any
    more: they keep what people said, but the index then finds the ticket by the model's label.
    """
    compared = changed = 0
    with _opened() as (_, _, corrections), progress("compared") as advance:
        done = (
            ((each, corrections.reapply(each)) for each in ticket_ids)
            if ticket_ids
            else corrections.reapply_all()
        )
        for _, was_changed in done:
            compared, changed = compared + 1, changed + was_changed
            advance()
    if as_json:
        answer_json({"compared": compared, "changed": changed})
    else:
        answer(f"compared {counted(compared, 'ticket')}, changed {changed}")


@contextmanager
def _opened() -> Iterator[tuple[Settings, Adapters, Corrections]]:
    from ticketmill import bootstrap
    from ticketmill.settings import load_settings

    settings = load_settings()
    adapters = bootstrap.connect(settings)
    yield settings, adapters, bootstrap.make_corrections(settings, adapters)


def _write(lines: Iterator[str], file: Path | None) -> int:
    """How many lines there were."""
    written = 0
    if file is None:
        for line in lines:
            answer(line)
            written += 1
        return written
    with file.open("w", encoding="utf-8") as out:
        for line in lines:
            out.write(f"{line}\n")
            written += 1
    return written


def _table_row(correction: Correction) -> tuple[object, ...]:
    from ticketmill.entrypoints.cli.person import told_shown, told_word

    return (
        correction.ticket_id,
        correction.number,
        correction.task,
        told_word(correction),
        told_shown(correction.shown) if correction.shown else "",
        correction.who,
        f"{correction.at:%Y-%m-%d %H:%M} UTC",
        str(correction.found_by),
        correction.note,
    )
