"""`ticketmill drift`: whether the newest tickets are like those that the models were chosen for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.output import (
    AsJson,
    ExitCode,
    answer,
    answer_json,
    counted,
    examples,
    say,
    table,
)
from ticketmill.entrypoints.cli.since import EXPECTED, parse_since

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ticketmill.bootstrap.drift import DriftWatch
    from ticketmill.learning.drift import Check, DriftReport
    from ticketmill.learning.drift_history import KeptReport

EPILOG = examples(
    "ticketmill drift --keep-reference    the newest 500 tickets are what later ones are compared with",
    "ticketmill drift",
    "ticketmill drift --plot drift.svg",
    "ticketmill drift --history           how it went, from report to report",
)
TOLD_REPORTS = 30
TOLD_SHARES = 6
"""Shares of labels are shown of so many of the last reports."""


def drift(
    since: Annotated[str, typer.Option(help=f"Tickets that were uploaded since then: {EXPECTED}.")] = "30d",
    newest: Annotated[int, typer.Option(min=50, max=2000, help="So many tickets are compared.")] = 200,
    alpha: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="The share of false alarms, of all checks together.")
    ] = 0.05,
    keep_reference: Annotated[
        bool, typer.Option("--keep-reference", help="Make the newest 500 tickets the reference from now on.")
    ] = False,
    history: Annotated[
        bool,
        typer.Option("--history", help="Show the reports that were kept, one a day, and measure nothing."),
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Write how the texts moved away from the reference: an SVG file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the newest tickets with a reference: texts, labels, review, overrides, audited accuracy.

    Without a reference that was kept, with the 500 tickets before them. Exit code 4 where something drifted.
    The last report of each day is kept for a year.
    """
    from ticketmill import bootstrap
    from ticketmill.bootstrap.drift import make_drift_watch
    from ticketmill.settings import load_settings

    settings = load_settings()
    watch, from_when = make_drift_watch(settings, bootstrap.connect(settings)), parse_since(since)
    if keep_reference:
        sample = watch.keep_reference(from_when)
        told = counted(sample.tickets, "ticket")
        answer(f"{told} from {sample.first} to {sample.last} are the reference of drift from now on")
        return
    if history:
        _tell_history(watch.kept(), as_json)
        return
    if plot is not None:
        _write_plot(watch, plot, from_when, newest, alpha)
    report = watch.report(from_when, newest, alpha)
    _keep(watch, report)
    if settings.emf:
        from ticketmill.telemetry.drift import write_emf

        write_emf({check.name: check.drifted for check in report.checks}, settings.stack)
    if as_json:
        answer_json(report.as_json())
    else:
        _tell(report)
    if report.drifted:
        raise typer.Exit(ExitCode.FINDINGS)


def _keep(watch: DriftWatch, report: DriftReport) -> None:
    """Keeps a report; who may not, or cannot now, is told so and has the report all the same."""
    from datetime import UTC, datetime

    from ticketmill.domain.errors import TransientFailure

    try:
        watch.keep(report, datetime.now(UTC))
    except TransientFailure as failure:
        say(f"the report is not kept for --history: {failure}")


def _tell_history(kept: Sequence[KeptReport], as_json: bool) -> None:
    from ticketmill.learning.drift import OVERRIDES, REVIEW, TEXTS
    from ticketmill.learning.drift_history import label_shares, value_of

    if as_json:
        answer_json([each.as_json() for each in kept])
        return
    if not kept:
        say("no report is kept yet: `ticketmill drift` keeps that of today")
        return
    told = [
        (
            f"{each.at:%Y-%m-%d %H:%M}",
            f"{each.report.newest_tickets:,}",
            *(_figure(value_of(each.check(name))) for name in (TEXTS, REVIEW, OVERRIDES)),
            ", ".join(check.name for check in each.report.drifted),
        )
        for each in kept[-TOLD_REPORTS:]
    ]
    title = f"{counted(len(kept), 'report')} of drift, the newest last: distance of texts, and shares"
    table(title, ("measured", "tickets", TEXTS, REVIEW, OVERRIDES, "drifted"), told)
    last = kept[-TOLD_SHARES:]
    shares = [
        (name, label, *map(_figure, each))
        for name, labels in label_shares(last).items()
        for label, each in labels.items()
    ]
    table("shares of labels", ("check", "label", *(f"{each.at:%b %d}" for each in last)), shares)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _tell(report: DriftReport) -> None:
    title = (
        f"{counted(report.newest_tickets, 'ticket')} since {report.since} against "
        f"{report.reference_tickets:,}; p-values share one alpha of {report.alpha:g}"
    )
    table(title, ("check", "reference", "newest", "statistic", "p", "verdict", ""), map(_line, report.checks))
    names = ", ".join(check.name for check in report.drifted)
    answer(f"drift: {names}" if names else "no drift")


def _line(check: Check) -> tuple[str, ...]:
    figures = (check.reference, check.newest, check.statistic)
    told = map(_figure, figures)
    if check.p_value is None:
        return (check.name, *told, "", "not compared", check.note)
    return (
        check.name,
        *told,
        f"{check.p_value:.4f}",
        "drifted" if check.drifted else "as before",
        check.note,
    )


def _write_plot(watch: DriftWatch, path: Path, since: datetime, newest: int, alpha: float) -> None:
    from ticketmill.domain.errors import SetupError
    from ticketmill.learning.drift_plot import draw_drift

    if path.suffix.lower() != ".svg":
        raise typer.BadParameter(f"plots are written as SVG: name a file that ends in .svg, not {path.name}")
    drawing = draw_drift("energy distance of texts", watch.history(since, newest, alpha))
    if drawing is None:
        say(f"nothing to draw: fewer than {newest} tickets beside the reference")
        return
    try:
        path.write_text(drawing.file(), encoding="utf-8")
    except OSError as error:
        raise SetupError(f"{path} cannot be written: {error.strerror}") from error
    say(f"wrote {path}")
