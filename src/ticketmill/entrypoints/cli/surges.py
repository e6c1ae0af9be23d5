"""`ticketmill surges`: more tickets about one thing than the weeks before let expect."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

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
from ticketmill.entrypoints.cli.since import EXPECTED, UNITS, parse_since

if TYPE_CHECKING:
    from datetime import datetime

    from ticketmill.domain.surge import SurgeRecord, SurgeVerdict

SHOWN_TICKETS = 100
EPILOG = examples(
    "ticketmill surges                      those that are open",
    "ticketmill surges watch                look for new ones, again and again",
    "ticketmill surges scan --since 14d     those of the last two weeks; nothing is written",
)

app = typer.Typer(epilog=EPILOG)

SurgeId = Annotated[str, typer.Argument(metavar="SURGE", help="Its id, as `ticketmill surges` lists it.")]
Who = Annotated[str | None, typer.Option(help="Who says so; else TICKETMILL_PERSON, else the login name.")]


@app.callback(invoke_without_command=True)
def surges(
    ctx: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="Those that were closed or dismissed, too.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Look through so many of the last ones.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List surges, the open ones first: more tickets about one thing than the weeks before let expect.

    `ticketmill surges watch` finds them.
    """
    if ctx.invoked_subcommand is not None:
        return
    from ticketmill.bootstrap.surges import open_surges
    from ticketmill.domain.surge import current_first
    from ticketmill.settings import load_settings

    now = _now()
    found = current_first(open_surges(load_settings()).newest(limit), now)
    shown = found if everything else [each for each in found if each.is_current(now)]
    _tell_all(shown, now, as_json)
    if not shown and not as_json:
        closed = f"; {counted(len(found), 'surge')} with --all" if found else ""
        say(f"no surge is open{closed}")


@app.command(epilog=examples("ticketmill surges show 20261129-1a2b3c"))
def show(surge_id: SurgeId, as_json: AsJson = False) -> None:
    """Show a surge and its tickets."""
    from ticketmill.bootstrap.surges import open_surges
    from ticketmill.settings import load_settings

    _tell(open_surges(load_settings()).find(surge_id), as_json)


@app.command(epilog=examples("ticketmill surges acknowledge 20261129-1a2b3c"))
def acknowledge(surge_id: SurgeId, who: Who = None, as_json: AsJson = False) -> None:
    """Say that you know of a surge: it is announced no more."""
    from ticketmill.domain.surge import SurgeVerdict

    _say(surge_id, SurgeVerdict.ACKNOWLEDGE, who, as_json)


@app.command(epilog=examples("ticketmill surges snooze 20261129-1a2b3c --for 2h"))
def snooze(
    surge_id: SurgeId,
    how_long: Annotated[str, typer.Option("--for", help="As in 30m, 2h and 1d.")] = "2h",
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Hear nothing of a surge for a while."""
    from ticketmill.domain.surge import SurgeVerdict

    _say(surge_id, SurgeVerdict.SNOOZE, who, as_json, _duration(how_long))


@app.command(epilog=examples("ticketmill surges dismiss 20261129-1a2b3c"))
def dismiss(surge_id: SurgeId, who: Who = None, as_json: AsJson = False) -> None:
    """Say that it is no surge. For 28 days its topic raises no alarm, unless p is a thousandth or less.

    `acknowledge` takes it back.
    """
    from ticketmill.domain.surge import SurgeVerdict

    _say(surge_id, SurgeVerdict.DISMISS, who, as_json)


@app.command(epilog=examples("ticketmill surges scan --since 14d --json"))
def scan(
    since: Annotated[str, typer.Option(help=f"Those that opened since then: {EXPECTED}.")] = "14d",
    as_json: AsJson = False,
) -> None:
    """Look for surges in the past, in one pass over the search index. Nothing is written or announced."""
    from ticketmill.bootstrap.surges import scan_past
    from ticketmill.settings import load_settings

    now, from_when = _now(), parse_since(since)
    found = scan_past(load_settings(), from_when, now)
    _tell_all(found, now, as_json)
    if not found and not as_json:
        say(f"no surge has opened since {from_when:%Y-%m-%d %H:%M} UTC")


@app.command()
def watch(
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every request that fails.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look for surges every 15 s until Ctrl-C or SIGTERM, keep them, and announce them.

    They are announced on TICKETMILL_SURGE_BUS and TICKETMILL_SURGE_TOPIC. One watch is enough for a stack.
    """
    from ticketmill.bootstrap.surges import make_surge_watch
    from ticketmill.entrypoints.signals import stop_on_signal
    from ticketmill.settings import load_settings
    from ticketmill.telemetry import logs

    settings = load_settings()
    logs.configure(settings.log_format, verbose)
    watching = make_surge_watch(settings)
    if once:
        _tell_all(watching.look(), _now(), as_json)
        return
    with stop_on_signal(watching.stop):
        say(f"watching for surges every {settings.surge_every_s:g} s; Ctrl-C stops")
        watching.run(settings.surge_every_s)


def _say(
    surge_id: str,
    verdict: SurgeVerdict,
    who: str | None,
    as_json: bool,
    snoozed_for: timedelta | None = None,
) -> None:
    from ticketmill.bootstrap.surges import open_surges
    from ticketmill.entrypoints.cli.person import name_of_person
    from ticketmill.settings import load_settings

    settings = load_settings()
    person = name_of_person(settings, who)
    record = open_surges(settings).say(surge_id, verdict, person, _now(), snoozed_for)
    if as_json:
        answer_json(record.as_json(_now()))
    else:
        answer(f"{record.surge_id} is {_state(record, _now())}")


def _tell_all(found: Sequence[SurgeRecord], now: datetime, as_json: bool) -> None:
    if as_json:
        answer_json([each.as_json(now) for each in found])
    elif found:
        told = [
            (
                each.surge_id,
                each.title,
                each.state_at(now),
                f"{each.ticket_count:,} in {each.span}",
                f"{each.n} / {each.expected:.1f}",
                f"{each.p:.0e}",
                f"{each.first_at:%Y-%m-%d %H:%M}",
                f"{each.last_at:%Y-%m-%d %H:%M}",
            )
            for each in found
        ]
        columns = ("surge", "name", "state", "tickets", "at once / expected", "p", "first", "last")
        table(f"{counted(len(found), 'surge')}; times are UTC", columns, told)


def _tell(record: SurgeRecord, as_json: bool) -> None:
    now = _now()
    if as_json:
        answer_json(record.as_json(now))
        return
    lines = [
        ("name", record.title),
        ("state", _state(record, now)),
        ("tickets", record.figures),
        ("customers", f"{record.customers:,}"),
        ("p", f"{record.p:.1e}"),
        ("first", f"{record.first_at:%Y-%m-%d %H:%M} UTC"),
        ("last", f"{record.last_at:%Y-%m-%d %H:%M} UTC"),
        *([("closed", f"{record.closed_at:%Y-%m-%d %H:%M} UTC")] if record.closed_at else []),
        *([("like", f"{record.like}, which was dismissed")] if record.like else []),
    ]
    table(record.surge_id, ("", ""), lines)
    for ticket_id in record.tickets[:SHOWN_TICKETS]:
        answer(ticket_id)
    if record.ticket_count > SHOWN_TICKETS:
        say(f"{record.ticket_count - SHOWN_TICKETS:,} more tickets; --json has up to 1,000")


def _state(record: SurgeRecord, now: datetime) -> str:
    """As in `snoozed until 14:30 UTC, by anna`."""
    said = record.said
    until = f" until {said.until:%Y-%m-%d %H:%M} UTC" if said and said.until and said.until > now else ""
    return f"{record.state_at(now)}{until}" + (f", by {said.who}" if said else "")


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,4})([mhdw])", text)
    if not found or found[1].strip("0") == "":
        raise typer.BadParameter("expected how long, as in 30m, 2h or 1d", param_hint="--for")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC)
