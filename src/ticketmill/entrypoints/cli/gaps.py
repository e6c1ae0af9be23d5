"""`ticketmill gaps`: what the taxonomy lacks, and which of its labels overlap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.entrypoints.cli.output import (
    AsJson,
    answer,
    answer_json,
    counted,
    examples,
    say,
    table,
)
from ticketmill.entrypoints.cli.since import EXPECTED, parse_since

if TYPE_CHECKING:
    from ticketmill.bootstrap.gaps import GapDesk
    from ticketmill.domain.gap_report import Gap, GapReport

EPILOG = examples(
    "ticketmill gaps --since 28d",
    "ticketmill gaps show 3fa2c1",
    "ticketmill taxonomy show --task topics --yaml > topics.yaml",
    "ticketmill gaps label 3fa2c1 card_declined --taxonomy topics.yaml",
)
EXAMPLES = 3
GapName = Annotated[str, typer.Argument(metavar="GAP", help="How its id begins.")]

app = typer.Typer(invoke_without_command=True)


@app.callback()
def gaps(
    ctx: typer.Context,
    since: Annotated[str, typer.Option(help=f"Tickets that were uploaded since then: {EXPECTED}.")] = "28d",
    most: Annotated[int, typer.Option(min=50, max=20_000, help="The newest so many of them.")] = 5000,
    below: Annotated[
        float, typer.Option(min=0.1, max=1.0, help="A model is unsure of an intent with less confidence.")
    ] = 0.7,
    last: Annotated[bool, typer.Option("--last", help="Show the report that was kept last.")] = False,
    as_json: AsJson = False,
) -> None:
    """Group the tickets that the model is unsure of, and list labels that get each other's tickets.

    The report is kept: the page and the API show it. It needs the extras search and train, and 50 tickets in
    the search index.
    """
    if ctx.invoked_subcommand is not None:
        return
    from datetime import UTC, datetime

    start, desk = parse_since(since), _desk()
    if last:
        report = _kept(desk)
    else:
        report = desk.find(start, datetime.now(UTC), below, most)
        desk.keep(report)
    if as_json:
        answer_json(report.model_dump(mode="json"))
    else:
        _tell(report)


@app.command()
def show(gap: GapName, as_json: AsJson = False) -> None:
    """Show the words that stand out in a gap of the last report, and its tickets."""
    from ticketmill import bootstrap
    from ticketmill.settings import load_settings

    desk = _desk()
    found = _gap(_kept(desk), gap)
    mask = bootstrap.make_mask(load_settings())
    rows = [mask.row(row) for row in desk.queries.rows_of(found.tickets)]
    if as_json:
        tickets = [row.model_dump(mode="json", exclude_none=True) for row in rows]
        answer_json({**found.model_dump(mode="json"), "tickets": tickets})
        return
    words = [(each.word, f"{each.z:.1f}", each.tickets) for each in found.words]
    table(f"{found.name}: words that stand out", ("word", "z", "tickets"), words)
    columns = ("ticket", "intent", "confidence", "summary")
    told = [(row.ticket_id, row.intent, _digits(row.intent_confidence), row.summary_display) for row in rows]
    table(f"{counted(len(rows), 'ticket')}, the one nearest the middle first", columns, told)


@app.command()
def label(
    gap: GapName,
    name: Annotated[
        str | None, typer.Argument(help="The new label; without it, made of the words that stand out.")
    ] = None,
    *,
    taxonomy: Annotated[
        Path, typer.Option(help="The taxonomy in YAML that gets the label, of topics or intents.")
    ],
    description: Annotated[
        str | None, typer.Option(help="What its tickets are about; without it, the words that stand out.")
    ] = None,
    most_examples: Annotated[
        int, typer.Option("--examples", min=1, max=50, help="So many tickets become examples.")
    ] = 10,
    as_json: AsJson = False,
) -> None:
    """Add a gap to a taxonomy file, with the tickets nearest its middle as examples.

    The file has their texts then: it outlives the tickets, also those that are forgotten.
    """
    from ticketmill.domain.errors import SetupError
    from ticketmill.models.build.taxonomy_entry import add_label, entry_of
    from ticketmill.models.build.taxonomy_file import read_taxonomy

    if not taxonomy.exists():
        raise SetupError(
            f"{taxonomy} is not there: `ticketmill taxonomy show --task topics --yaml > {taxonomy}` writes "
            "that of the bundle"
        )
    task = read_taxonomy(taxonomy).task
    desk = _desk()
    found = _gap(_kept(desk), gap)
    made = desk.label_of(found, name or found.label, description or found.description, most_examples)
    add_label(taxonomy, made)
    if as_json:
        answer_json({"taxonomy": str(taxonomy), "task": task, **made.model_dump(mode="json")})
        return
    answer(entry_of(made).rstrip())
    option = "--topics" if task == "topics" else "--intents"
    say(f"added {made.label} with {counted(len(made.examples), 'example')} to {taxonomy}; edit it, and then:")
    say(f"  ticketmill taxonomy check {taxonomy}")
    say(f"  ticketmill models build {option} {taxonomy}")
    if task == "intent":
        say("  ticketmill dataset build && ticketmill train --task intent   the trained head lacks the label")


def _desk() -> GapDesk:
    from ticketmill import bootstrap
    from ticketmill.bootstrap.gaps import make_gap_desk
    from ticketmill.settings import load_settings

    settings = load_settings()
    return make_gap_desk(settings, bootstrap.connect(settings))


def _kept(desk: GapDesk) -> GapReport:
    from ticketmill.domain.errors import SetupError

    report = desk.kept()
    if report is None:
        raise SetupError("no report of gaps is kept yet: `ticketmill gaps` makes one")
    return report


def _gap(report: GapReport, name: str) -> Gap:
    found = report.gap(name)
    if found is None:
        known = ", ".join(each.id for each in report.gaps) or "none"
        raise typer.BadParameter(f'the last report has no gap "{name}"; it has: {known}', param_hint="GAP")
    return found


def _tell(report: GapReport) -> None:
    title = (
        f"{counted(len(report.gaps), 'gap')} in {counted(report.tickets, 'ticket')} since "
        f"{report.since:%Y-%m-%d}: {report.unsure:,} are unsure, with a confidence under {report.below:g}"
    )
    columns = ("gap", "name", "tickets", "cohesion", "labels now", "confidence", "nearest the middle")
    table(title, columns, map(_gap_line, report.gaps))
    if report.overlaps:
        columns = ("labels", "share at least", "undecided", "corrected", "of tickets", "closeness", "such as")
        table("labels that overlap", columns, map(_overlap_line, report.overlaps))
    if report.without_vector:
        say(f"{counted(report.without_vector, 'ticket')} of the period are not in the search index")
    if report.gaps:
        say("`ticketmill gaps show GAP` shows the tickets, `ticketmill gaps label GAP` makes a label of them")


def _gap_line(gap: Gap) -> tuple[object, ...]:
    labels = ", ".join(f"{label} {count}" for label, count in gap.labels.items())
    nearest = ", ".join(gap.tickets[:EXAMPLES])
    return (gap.id, gap.name, gap.size, _digits(gap.cohesion), labels, _digits(gap.confidence), nearest)


def _overlap_line(overlap: Any) -> tuple[object, ...]:
    return (
        " · ".join(overlap.labels),
        _digits(overlap.share),
        overlap.undecided,
        overlap.corrected,
        f"{overlap.tickets:,}",
        _digits(overlap.closeness),
        ", ".join(overlap.examples),
    )


def _digits(number: float | None) -> str:
    return "" if number is None else f"{number:.2f}"
