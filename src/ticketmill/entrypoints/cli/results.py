"""`ticketmill list` and `stats`: what the rows say."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.domain.labels import Source, Status
from ticketmill.entrypoints.cli.filters import (
    check_filters,
    refuse_unknown_labels,
    with_filters,
    with_own_tasks,
)
from ticketmill.entrypoints.cli.output import answer, answer_json, counted, say, table
from ticketmill.entrypoints.cli.since import EXPECTED, parse_since
from ticketmill.queries.cursor import BadCursor

if TYPE_CHECKING:
    from ticketmill.domain.dataset import TaskDefinition
    from ticketmill.domain.row import TicketRow
    from ticketmill.queries.filters import Filters
    from ticketmill.queries.label_counts import LabelCounts
    from ticketmill.queries.tickets import TicketQueries

MAX_PAGE_ROWS = 1000

Since = Annotated[str, typer.Option(help=f"Uploaded since then: {EXPECTED}.")]

Where = Annotated[
    list[str] | None,
    typer.Option(metavar="TASK=LABEL", help="A label of one of your own tasks. May be given more than once."),
]

MinConfidence = Annotated[float | None, typer.Option(min=0, max=1, help="Of each label that is asked for.")]
NeedsReview = Annotated[bool, typer.Option("--needs-review", help="Only what a person should see.")]


@with_filters
def list_tickets(
    where: Where = None,
    min_confidence: MinConfidence = None,
    needs_review: NeedsReview = False,
    since: Since = "7d",
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    cursor: Annotated[
        str | None, typer.Option(help="Goes on where a list with the same filters was cut.")
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="One row a line, for programs. Where the list is cut, stderr ends with its cursor."
        ),
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets.")] = False,
    **labels: list[str] | None,
) -> None:
    """List tickets by what they are, the newest upload first.

    A filter that is given twice means either: --urgency high --urgency critical.
    """
    from ticketmill import bootstrap
    from ticketmill.queries.filters import Filters
    from ticketmill.settings import load_settings

    wanted = check_filters(labels, where, min_confidence, needs_review)
    if as_json and as_csv:
        raise typer.BadParameter("--json or --csv, not both")
    start = parse_since(since)
    settings = load_settings()
    queries = bootstrap.connect_queries(settings)
    wanted = with_own_tasks(wanted, where or (), queries.own)
    listing = _Listing(queries, Filters(wanted, min_confidence), start, limit, cursor)
    rows = map(bootstrap.make_mask(settings).row, listing)
    first = list(islice(rows, 1))
    if not first and cursor is None:
        refuse_unknown_labels(wanted, settings.bundle_dir, lambda name: queries.known_labels(name, start))
    if as_json:
        for row in chain(first, rows):
            answer_json(row.model_dump(mode="json", exclude_none=True))
    elif as_csv:
        _answer_csv(chain(first, rows), list(queries.own.values()))
    else:
        _answer_table(chain(first, rows), start)
    _say_where_cut(listing, as_json)


@dataclass
class _Listing:
    """The rows of one list, page by page; then `cursor` says where it was cut, None where it was not."""

    queries: TicketQueries
    filters: Filters
    since: datetime
    limit: int
    cursor: str | None
    shown: int = 0

    def __iter__(self) -> Iterator[TicketRow]:
        while self.shown < self.limit:
            wanted = min(self.limit - self.shown, MAX_PAGE_ROWS)
            try:
                page = self.queries.list(self.filters, self.since, cursor=self.cursor, limit=wanted)
            except BadCursor as error:
                raise typer.BadParameter(str(error), param_hint="--cursor") from None
            self.cursor = page.cursor
            for row in page.rows:
                self.shown += 1
                yield row
            if page.cursor is None:
                return


def stats(
    since: Since = "7d",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    chart: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw the counts there too.")] = None,
) -> None:
    """Count tickets by label: status, intent, urgency, sentiment, topics, language."""
    from ticketmill import bootstrap
    from ticketmill.settings import load_settings

    if chart is not None:
        from ticketmill.learning.plots import check_plots

        check_plots()
    start = parse_since(since)
    counts = bootstrap.connect_queries(load_settings()).counts(start)
    title = f"{counted(counts.rows, 'ticket')} since {start:%Y-%m-%d %H:%M} UTC"
    if as_json:
        told = {"tickets": counts.rows, "needs_review": counts.needs_review, **counts.as_dict()}
        answer_json({"since": start.isoformat(timespec="seconds"), **told})
    else:
        label_counts_table(title, counts)
    if chart is not None:
        from ticketmill.learning.plots import plot_counts

        plot_counts({name: labels for name, labels in counts.as_dict().items() if labels}, title, chart)
        say(f"wrote {chart}")


def _say_where_cut(listing: _Listing, as_json: bool) -> None:
    if listing.cursor is None:
        return
    if as_json:
        say(json.dumps({"shown": listing.shown, "cursor": listing.cursor}))
    else:
        say(f"{counted(listing.shown, 'ticket')} shown; for more: --limit, or --cursor {listing.cursor}")


def label_counts_table(title: str, counts: LabelCounts) -> None:
    """The counts of labels, and their shares of all tickets."""
    told = [
        (task.replace("_", " "), label, count)
        for task, labels in counts.as_dict().items()
        for label, count in labels.items()
    ]
    if counts.needs_review:
        told.append(("needs review", "yes", counts.needs_review))
    rows = [(*each, f"{each[-1] / counts.rows:.1%}") for each in told]
    table(title, ("task", "label", "tickets", "share"), rows)


def _answer_table(rows: Iterable[TicketRow], start: datetime) -> None:
    from ticketmill.queries.columns import LISTED

    shown = list(rows)
    columns = (*LISTED, *sorted({task for row in shown for task in row.custom}))
    listed = [
        (row.ticket_id, *(listed_field(row, name) for name in columns), what_it_says(row)) for row in shown
    ]
    title = f"{counted(len(listed), 'ticket')} since {start:%Y-%m-%d %H:%M} UTC"
    table(title, ("ticket", *columns, "summary"), listed)


def _answer_csv(rows: Iterable[TicketRow], own: Sequence[TaskDefinition]) -> None:
    """A head line, and one record a row; of several topics or reasons each follows a semicolon."""
    from ticketmill.queries.columns import CSV

    answer(",".join((*CSV, *(name for task in own for name in _own_columns(task)))))
    for row in rows:
        line = io.StringIO()
        cells = {name: _told(getattr(row, name), ";") for name in CSV}
        cells |= {"received_at": row.received_at.isoformat(), "summary": what_it_says(row)}
        cells |= {name: value for task in own for name, value in _own_cells(row, task).items()}
        csv.writer(line, lineterminator="").writerow(map(_cell, cells.values()))
        answer(line.getvalue())


def _own_columns(task: TaskDefinition) -> tuple[str, ...]:
    """The columns of one of your own tasks."""
    return (
        (task.name,)
        if task.kind == "multi"
        else (task.name, f"{task.name}_confidence", f"{task.name}_source")
    )


def _own_cells(row: TicketRow, task: TaskDefinition) -> dict[str, object]:
    """What a row says of one of your own tasks, by column."""
    made = row.custom.get(task.name)
    values = (";".join(made.names), made.confidence, made.source) if made else (None, None, None)
    return dict(zip(_own_columns(task), values, strict=False))


def listed_field(row: TicketRow, name: str) -> object:
    """A field of the list; a label that a person gave is marked, as in `high (person)`."""
    own = row.custom.get(name)
    told = ", ".join(own.names) if own else _told(getattr(row, name, None), ", ")
    return f"{told} (person)" if name in getattr(row, "corrected", ()) else told


def _told(value: object, separator: str) -> object:
    """A field as people see it: yes or no, and a tag that stands in for a topic as `vip (tag)`."""
    match value:
        case True:
            return "yes"
        case False:
            return "no"
        case tuple():
            return separator.join(map(_told_label, value))
        case _:
            return value


def _told_label(label: object) -> str:
    """A topic, or whatever else there are several of."""
    name = str(getattr(label, "label", label))
    return f"{name} (tag)" if getattr(label, "source", None) == Source.FALLBACK else name


def what_it_says(row: TicketRow) -> str | None:
    """What a ticket says, or why there is nothing to say."""
    if row.status == Status.REJECTED and row.rejection:
        return row.rejection.message
    if row.status == Status.FAILED and row.failure:
        return row.failure.message
    return row.summary_display or row.summary


def _cell(value: object) -> object:
    """A value as a cell: a spreadsheet takes what begins like a formula for one, and a ticket may say it."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
