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
    from datetime import datetime

    from ticketmill.bootstrap.drift import DriftWatch
    from ticketmill.learning.drift import Check, DriftReport

EPILOG = examples(
    "ticketmill drift --keep-reference    the newest 500 tickets are what later ones are compared with",
    "ticketmill drift",
    "ticketmill drift --plot drift.svg",
)


def drift(
    since: Annotated[str, typer.Option(help=f"Tickets that were uploaded since then: {EXPECTED}.")] = "30d",
    newest: Annotated[int, typer.Option(min=50, max=2000, help="So many tickets are compared.")] = 200,
    alpha: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="The share of false alarms, of all checks together.")
    ] = 0.05,
    keep_reference: Annotated[
        bool, typer.Option("--keep-reference", help="Make the newest 500 tickets the reference from now on.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Write how the texts moved away from the reference: an SVG file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the newest tickets with a reference: texts, labels, review, overrides, audited accuracy.

    Without a reference that was kept, with the 500 tickets before them. Exit code 4 where something drifted.
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
    if plot is not None:
        _write_plot(watch, plot, from_when, newest, alpha)
    report = watch.report(from_when, newest, alpha)
    if settings.emf:
        from ticketmill.telemetry.drift import write_emf

        write_emf({check.name: check.drifted for check in report.checks}, settings.stack)
    if as_json:
        answer_json(report.as_json())
    else:
        _tell(report)
    if report.drifted:
        raise typer.Exit(ExitCode.FINDINGS)


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
    told = ("" if each is None else f"{each:.3f}" for each in figures)
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
