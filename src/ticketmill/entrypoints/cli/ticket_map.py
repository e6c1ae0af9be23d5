"""`ticketmill map`: the tickets of a period as points, those that are about the same thing together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.output import AsJson, answer_json, examples, nearest, say, table
from ticketmill.entrypoints.cli.since import EXPECTED, parse_since

if TYPE_CHECKING:
    from ticketmill.bootstrap.ticket_map import MapDesk
    from ticketmill.domain.ticket_map import TicketMap

EPILOG = examples(
    "ticketmill map --since 28d --out map.svg",
    "ticketmill map --last --colour gap --out gaps.svg    the last map, in other colours",
)


def draw(
    since: Annotated[str, typer.Option(help=f"Tickets that were uploaded since then: {EXPECTED}.")] = "28d",
    most: Annotated[int, typer.Option(min=50, max=10_000, help="The newest so many of them.")] = 2000,
    colour: Annotated[
        str, typer.Option(help="The task whose labels are the colours; `gap` for the last report of gaps.")
    ] = "intent",
    out: Annotated[Path | None, typer.Option(help="Write the map: an SVG file.")] = None,
    last: Annotated[bool, typer.Option("--last", help="Use the map that was kept last.")] = False,
    as_json: AsJson = False,
) -> None:
    """Draw the tickets of a period on a plane, those that are about the same thing together.

    The map is kept: the page shows it. It needs the extras search and train, and 50 tickets in the search
    index.
    """
    if out is not None and out.suffix.lower() != ".svg":
        raise typer.BadParameter(f"a map is written as SVG: name a file that ends in .svg, not {out.name}")
    from datetime import UTC, datetime

    from ticketmill import bootstrap
    from ticketmill.bootstrap.ticket_map import make_map_desk
    from ticketmill.settings import load_settings

    start, settings = parse_since(since), load_settings()
    desk = make_map_desk(settings, bootstrap.connect(settings))
    if last:
        drawn = _kept(desk)
    else:
        drawn = desk.find(start, datetime.now(UTC), most)
        desk.keep(drawn)
    if colour not in drawn.labels:
        known = ", ".join(drawn.labels)
        raise typer.BadParameter(
            f'the map has no labels of "{colour}"{nearest(colour, drawn.labels)}; it has those of: {known}',
            param_hint="--colour",
        )
    _tell(drawn, colour, out, as_json)


def _kept(desk: MapDesk) -> TicketMap:
    from ticketmill.domain.errors import SetupError

    drawn = desk.kept()
    if drawn is None:
        raise SetupError("no map is kept yet: `ticketmill map` draws one")
    return drawn


def _tell(drawn: TicketMap, colour: str, out: Path | None, as_json: bool) -> None:
    from ticketmill.domain.errors import SetupError
    from ticketmill.learning.map_plot import draw_map

    drawing = draw_map(drawn, colour)
    if out is not None:
        try:
            out.write_text(drawing.file(), encoding="utf-8")
        except OSError as error:
            raise SetupError(f"{out} cannot be written: {error.strerror}") from error
        say(f"wrote {out}")
    if as_json:
        answer_json(drawn.model_dump(mode="json"))
        return
    columns, rows = drawing.table
    table(drawing.title, columns, rows)
    if out is None:
        say("--out map.svg writes it as a file; the page shows it at /map")
