"""`ticketmill index rebuild`, `status`, `verify` and `compact`: what looks after the search index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.output import (
    AsJson,
    ExitCode,
    answer,
    answer_json,
    counted,
    progress,
    say,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ticketmill.bootstrap.index_care import IndexCare
    from ticketmill.operations.index_check import Findings
    from ticketmill.settings import Settings

SHOWN = 10
NEWEST_WITHIN = timedelta(days=1)


def rebuild(
    delete_previous: Annotated[
        bool, typer.Option("--delete-previous", help="Keep none of the earlier ones, not even the last.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the search index anew from the enriched bucket, and then switch to it.

    Whoever searches and indexes goes on meanwhile. The index before it is kept, those before that are
    deleted. One that was stopped changes nothing: run it again.
    """
    from dataclasses import replace

    from ticketmill.bootstrap.index_care import connect_index_care
    from ticketmill.settings import load_settings

    care = connect_index_care(load_settings())
    maker = replace(care.rebuild, keeps_previous=not delete_previous)
    with progress("tickets") as advance:
        name = maker.make(lambda store: care.contents.fill(store, advance))
    count = care.generations.store(name).count()
    if as_json:
        answer_json({"model": care.model, "generation": name, "entries": count})
    else:
        answer(f"{counted(count, 'entry', 'entries')} in generation {name}, which is searched now")


def status(as_json: AsJson = False) -> None:
    """Say what the search index has, and what waits for it."""
    from ticketmill.bootstrap.index_care import connect_index_care
    from ticketmill.settings import load_settings

    settings = load_settings()
    care = connect_index_care(settings)
    generation = care.generations.current()
    size = _size(care.generations.size(generation))
    found = {
        "model": care.model,
        "generation": generation,
        "generations": care.generations.names(),
        "version": care.store.version().rpartition("/")[2],
        "entries": care.store.count(),
        **size,
        "newest_received_at": _newest(care),
        **_waiting(settings),
    }
    if as_json:
        answer_json(found)
        return
    table("The search index", ("", ""), [(name.replace("_", " "), _told(found[name])) for name in found])


def verify(
    repair: Annotated[
        bool, typer.Option("--repair", help="Put what is missing, delete what nobody finds.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the search index with the rows, day by day.

    Exit code 4 where an enrichment cannot be searched, an entry is there twice, or an entry is of a ticket
    that was forgotten. What an indexer has in hand counts as missing: run it when the index queue is empty.
    """
    from ticketmill.bootstrap.index_care import connect_index_care
    from ticketmill.settings import load_settings

    care = connect_index_care(load_settings())
    findings = care.check.look()
    if repair:
        care.check.repair(findings)
    if as_json:
        days = [{"day": each.day, "rows": each.rows, "searchable": each.searchable} for each in findings.days]
        named = {name: getattr(findings, name) for name in ("missing", "doubled", "orphaned", "superseded")}
        answer_json({"right": findings.is_right, "repaired": repair, "days": days, **named})
    else:
        _tell(findings, repair)
    is_mended = repair and not findings.orphaned
    if not findings.is_right and not is_mended:
        raise typer.Exit(ExitCode.FINDINGS)


def compact(as_json: AsJson = False) -> None:
    """Join small files of the search index, and delete the entries of enrichments that were replaced.

    An indexer joins files by itself. Run it after many tickets were enriched again.
    """
    from ticketmill.bootstrap.index_care import connect_index_care
    from ticketmill.settings import load_settings

    care = connect_index_care(load_settings())
    deleted = care.check.delete_superseded()
    care.store.compact()
    size = care.generations.size(care.generations.current())
    if as_json:
        answer_json({"deleted": deleted, **_size(size)})
    else:
        left = "" if size is None else f"; {counted(size[0], 'object')}, {size[1] / 1e6:.1f} MB"
        answer(f"deleted {counted(deleted, 'entry', 'entries')}{left}")


def _size(objects_and_bytes: tuple[int, int] | None) -> dict[str, float | None]:
    """Of an index at a place of the user's choice nobody says it."""
    if objects_and_bytes is None:
        return {"objects": None, "megabytes": None}
    return {"objects": objects_and_bytes[0], "megabytes": round(objects_and_bytes[1] / 1e6, 1)}


def _newest(care: IndexCare) -> str | None:
    """When the newest ticket of the entries of the last day was uploaded."""
    from ticketmill.domain.keys import utc_text

    since = datetime.now(UTC) - NEWEST_WITHIN
    newest = max((at for some in care.store.keys(since) for _, at in some), default=None)
    return None if newest is None else utc_text(newest)


def _waiting(settings: Settings) -> dict[str, int | None]:
    """How many messages wait; None of a queue that is not known."""
    from ticketmill.aws.sqs import SqsQueue
    from ticketmill.bootstrap.adapters import connect_clients
    from ticketmill.bootstrap.indexer import find_queues

    clients, _ = connect_clients(settings)
    queues = find_queues(settings, clients)
    urls = (None, None) if queues is None else (queues.queue_url, queues.dead_letter_queue_url)
    totals = [SqsQueue(clients.sqs, url).depths().total if url else None for url in urls]
    return dict(zip(("waiting", "dead_letters"), totals, strict=True))


def _told(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:,}" if isinstance(value, int) else str(value if value is not None else "unknown")


def _tell(findings: Findings, repaired: bool) -> None:
    table(
        "Searchable tickets by day",
        ("day", "rows", "searchable"),
        [(each.day, f"{each.rows:,}", f"{each.searchable:,}") for each in findings.days],
    )
    done = "put" if repaired else "ticketmill index verify --repair puts them"
    _name("missing", findings.missing, done)
    _name("there more than once", findings.doubled, done)
    _name("of tickets that were forgotten", findings.orphaned, "run ticketmill forget again for each")
    if findings.superseded:
        answer(f"{counted(len(findings.superseded), 'entry', 'entries')} of replaced enrichments")
    if findings.is_right:
        answer("the index has what the rows say")


def _name(what: str, keys: Sequence[str], next_step: str) -> None:
    if keys:
        more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
        say(f"{what}: {', '.join(keys[:SHOWN])}{more}; {next_step}")
