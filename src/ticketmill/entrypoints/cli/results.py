"""`ticketmill list` and `stats`: what the rows say."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.domain.labels import Sentiment, Status, Urgency
from ticketmill.entrypoints.cli.output import answer, answer_json, say, table
from ticketmill.entrypoints.cli.since import EXPECTED, parse_since

if TYPE_CHECKING:
    from ticketmill.bootstrap import Adapters
    from ticketmill.domain.row import TicketRow
    from ticketmill.queries.label_counts import LabelCounts

MAX_DAYS = 366
WITH_CONFIDENCE = ("urgency", "intent", "sentiment")
CSV_COLUMNS = (
    "ticket_id",
    "status",
    "received_at",
    "subject",
    "customer_id",
    "intent",
    "intent_confidence",
    "urgency",
    "urgency_confidence",
    "sentiment",
    "sentiment_confidence",
    "topics",
    "language",
    "needs_review",
    "review_reasons",
    "summary",
)

Since = Annotated[str, typer.Option(help=f"{EXPECTED}.")]


def list_tickets(
    urgency: Annotated[Urgency | None, typer.Option()] = None,
    intent: Annotated[str | None, typer.Option()] = None,
    sentiment: Annotated[Sentiment | None, typer.Option()] = None,
    status: Annotated[Status | None, typer.Option()] = None,
    min_confidence: Annotated[
        float | None, typer.Option(min=0, max=1, help="Of each label that is asked for.")
    ] = None,
    needs_review: Annotated[
        bool, typer.Option("--needs-review", help="Only what a person should see.")
    ] = False,
    since: Since = "7d",
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One row a line, for programs.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets.")] = False,
) -> None:
    """List tickets by what they are, the newest upload first."""
    from ticketmill import bootstrap
    from ticketmill.settings import load_settings

    labels = {"urgency": urgency, "intent": intent, "sentiment": sentiment, "status": status}
    wanted = {name: label for name, label in labels.items() if label is not None}
    if min_confidence is not None and not wanted.keys() & set(WITH_CONFIDENCE):
        raise typer.BadParameter("--min-confidence needs --urgency, --intent or --sentiment")
    if as_json and as_csv:
        raise typer.BadParameter("--json or --csv, not both")
    start = _start(since)
    place = bootstrap.connect(load_settings())
    found = (
        row
        for row in _find(place, wanted, start)
        if (row.needs_review or not needs_review) and _is_sure(row, wanted, min_confidence)
    )
    rows = islice(found, limit)
    if as_json:
        for row in rows:
            answer_json(row.model_dump(mode="json", exclude_none=True))
    elif as_csv:
        _answer_csv(rows)
    else:
        listed = [_listed(row) for row in rows]
        columns = ("ticket", "status", "urgency", "intent", "sentiment", "topics", "summary")
        table(f"{len(listed)} tickets since {start:%Y-%m-%d %H:%M} UTC", columns, listed)


def stats(
    since: Since = "7d",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    chart: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw the counts there too.")] = None,
) -> None:
    """Count tickets by label: status, intent, urgency, sentiment, language, topics."""
    from ticketmill import bootstrap
    from ticketmill.queries.label_counts import LabelCounts
    from ticketmill.settings import load_settings

    if chart is not None:
        from ticketmill.learning.plots import check_plots

        check_plots()
    start = _start(since)
    place = bootstrap.connect(load_settings())
    label_counts = LabelCounts()
    label_counts.add(_find(place, {}, start))
    title = f"{label_counts.rows} tickets since {start:%Y-%m-%d %H:%M} UTC"
    if as_json:
        counts = {
            "tickets": label_counts.rows,
            "needs_review": label_counts.needs_review,
            **label_counts.as_dict(),
        }
        answer_json({"since": start.isoformat(timespec="seconds"), **counts})
    else:
        label_counts_table(title, label_counts)
    if chart is not None:
        from ticketmill.learning.plots import plot_counts

        plot_counts(label_counts.as_dict(), title, chart)
        say(f"wrote {chart}")


def label_counts_table(title: str, label_counts: LabelCounts) -> None:
    """The counts of labels, and their shares of all tickets."""
    counted = [
        (task, label, count)
        for task, counts in label_counts.as_dict().items()
        for label, count in counts.items()
    ]
    if label_counts.needs_review:
        counted.append(("needs review", "yes", label_counts.needs_review))
    rows = [(*each, f"{each[-1] / label_counts.rows:.1%}") for each in counted]
    table(title, ("task", "label", "tickets", "share"), rows)


def _start(since: str) -> datetime:
    moment = parse_since(since)
    # The indexes are sharded by day: every day that is looked at costs a query or four.
    if datetime.now(UTC) - moment > timedelta(days=MAX_DAYS):
        raise typer.BadParameter(f"expected a time within the last {MAX_DAYS} days")
    return moment


def _find(place: Adapters, wanted: Mapping[str, Any], start: datetime) -> Iterator[TicketRow]:
    """Rows that have all `wanted` labels, newest first: one index query a day and label."""
    indexed, labels = next(((name, [label]) for name, label in wanted.items()), ("status", list(Status)))
    day = datetime.now(UTC).date()
    while day >= start.date():
        found = chain.from_iterable(place.rows.query_day(f"{indexed}_day", label, day) for label in labels)
        for row in sorted(found, key=lambda row: row.received_at, reverse=True):
            fits = all(getattr(row, name) == label for name, label in wanted.items())
            if fits and row.received_at >= start:
                yield row
        day -= timedelta(days=1)


def _is_sure(row: TicketRow, wanted: Mapping[str, Any], min_confidence: float | None) -> bool:
    """Whether a row has each label that was asked for with so much confidence."""
    confidences = [getattr(row, f"{name}_confidence") for name in WITH_CONFIDENCE if name in wanted]
    return min_confidence is None or all(each is not None and each >= min_confidence for each in confidences)


def _listed(row: TicketRow) -> tuple[object, ...]:
    topics = ", ".join(topic.label for topic in row.topics)
    what = _what(row)
    return row.ticket_id, row.status, row.urgency, row.intent, row.sentiment, topics, what


def _what(row: TicketRow) -> str | None:
    if row.status is Status.REJECTED and row.rejection:
        return row.rejection.message
    if row.status is Status.FAILED and row.failure:
        return row.failure.message
    return row.summary_display or row.summary


def _answer_csv(rows: Iterable[TicketRow]) -> None:
    """A head line, and one record a row; of several topics or reasons each follows a semicolon."""
    answer(",".join(CSV_COLUMNS))
    for row in rows:
        line = io.StringIO()
        cells = {name: getattr(row, name) for name in CSV_COLUMNS} | {
            "received_at": row.received_at.isoformat(),
            "topics": ";".join(topic.label for topic in row.topics),
            "review_reasons": ";".join(row.review_reasons),
            "summary": _what(row),
        }
        csv.writer(line, lineterminator="").writerow(map(_cell, cells.values()))
        answer(line.getvalue())


def _cell(value: object) -> object:
    """A value as a cell: a spreadsheet takes what begins like a formula for one, and a ticket may say it."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
