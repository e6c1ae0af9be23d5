"""`ticketmill models pull`, and how the named models do: as a worker tells it, or tried here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.entrypoints.cli.output import AsJson, answer, answer_json, say, table

if TYPE_CHECKING:
    from ticketmill.settings import Settings

WORKER_TIMEOUT_S = 3.0
PROBES = 20
ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - what a worker may listen on, and nobody can call

Row = dict[str, Any]


def pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="As the settings name them (hf:NAME@REVISION, …); without any, those they name."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch named models into the hub's cache and pin the revision found; loading never uses the network."""
    from ticketmill.domain.model_choice import CHOICES, parse_choice
    from ticketmill.models.transformers.store import pull as fetch
    from ticketmill.models.transformers.store import require_hub
    from ticketmill.settings import load_settings

    settings = load_settings()
    try:
        chosen = [parse_choice(name, ("hf:", "nli:", "st:")) for name in names or ()]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if not chosen:
        chosen = [choice for task in CHOICES if (choice := settings.choice(task)).model]
    if not chosen:
        say("nothing to fetch: no setting names a model; see docs/models.md")
        if as_json:
            answer_json([])
        return
    require_hub("`ticketmill models pull`")
    found = [fetch(choice, settings.cache_dir, say) for choice in dict.fromkeys(chosen)]
    if as_json:
        answer_json([{"model": str(each.choice), "revision": each.revision} for each in found])
        return
    for each in found:
        answer(f"{each.choice} is pinned to {each.revision} ({each.weights_mb:,.0f} MB of weights)")


def health(settings: Settings, probe: bool) -> list[Row]:
    """One row for each named model that the settings choose.

    Of a worker that answers on the settings' metrics port where there is one; else of what lies on disk, or
    with `probe` of models that are loaded and run here. SetupError where one is missing.
    """
    from ticketmill import bootstrap

    if probe:
        return _probed(settings)
    told = of_worker(settings)
    if told is not None:
        return told
    return [
        {"task": task, "model": each.name, "weights_mb": round(each.weights_mb, 1), "loaded": None}
        for task, each in bootstrap.located_models(settings).items()
    ]


def of_worker(settings: Settings) -> list[Row] | None:
    """What the worker on the settings' metrics port says; None where there is none that answers."""
    if settings.metrics_port is None:
        return None
    import json
    import urllib.request

    host = "127.0.0.1" if settings.metrics_host in ANY_ADDRESS else settings.metrics_host
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.metrics_port}/models"
    try:
        with urllib.request.urlopen(url, timeout=WORKER_TIMEOUT_S) as response:
            told: list[Row] = json.load(response)
    except (OSError, ValueError):
        say(f"no worker answers at {url}")
        return None
    return told


def show(rows: Iterable[Row]) -> None:
    """The rows of `health` as a table."""
    columns = ("task", "model", "loaded", "MB", "calls", "tickets", "failed", "mean", "p95", "breaker")
    table("Named models", columns, map(_shown, rows))


def _shown(row: Row) -> tuple[object, ...]:
    if row["loaded"] is None:
        return row["task"], row["model"], "not asked", f"{row['weights_mb']:,.0f} on disk", *[""] * 6
    failures = ", ".join(f"{count} {reason}" for reason, count in row["failures"].items())
    times = (f"{row[name]:,.1f} ms" if row[name] is not None else "" for name in ("mean_ms", "p95_ms"))
    return (
        row["task"],
        row["model"],
        "yes" if row["loaded"] else "no",
        f"{row['resident_mb']:,.0f}",
        row["calls"],
        row["tickets"],
        failures or 0,
        *times,
        row["breaker"],
    )


def _probed(settings: Settings) -> list[Row]:
    """Loads the models here and runs each on the shipped tickets, one at a time."""
    from itertools import islice

    from ticketmill import bootstrap
    from ticketmill.domain.ticket import Ticket
    from ticketmill.learning.corpus import read_corpus

    say("loading the models and running them")
    enricher = bootstrap.load_enricher(settings)
    for number, each in enumerate(islice(read_corpus(), PROBES)):
        enricher.enrich([Ticket(ticket_id=f"probe-{number}", subject=each.subject, body=each.body)])
    return [asdict(runner.health()) for runner in enricher.runners]
