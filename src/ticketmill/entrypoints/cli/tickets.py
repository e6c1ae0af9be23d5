"""`ticketmill drop`: tickets into the raw bucket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.batching import grouped
from ticketmill.entrypoints.cli.output import (
    AsJson,
    ExitCode,
    answer,
    answer_json,
    counted,
    escaped,
    examples,
    nearest,
    progress,
    say,
)

if TYPE_CHECKING:
    from ticketmill.importers.files import Document
    from ticketmill.importers.imports import FileImporter

DROP_CHUNK = 256
DROP_CHUNK_BYTES = 16 << 20
SHOWN_TICKETS = 3

EPILOG = examples(
    "ticketmill drop ticket.json",
    "ticketmill drop zendesk-export.json",
    "ticketmill drop --from auto --dry-run export/",
    "ticketmill drop --from csv --map subject=Betreff --map body=Text tickets.csv",
)

FROM_HELP = (
    "What the files are: zendesk, freshdesk, jira, servicenow, intercom, hubspot, salesforce, github, "
    "helpscout, zammad, gorgias, front, osticket, linear, zoho, csv, eml, mbox, msg; auto tells by content."
)


@dataclass
class _Report:
    """What happened to what was read."""

    read: int = 0
    refused: int = 0
    keys: set[int] = field(default_factory=set)
    """Hashes, for there may be millions."""


def drop(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders, or JSON lines (.jsonl, .ndjson).")],
    source: Annotated[str | None, typer.Option("--from", metavar="SOURCE", help=FROM_HELP)] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="The column of a CSV file that holds a field."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the first tickets and the counts, and drop nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put tickets into the raw bucket, also those in exports and payloads of helpdesks, and mails.

    Tickets go as they are: what is wrong with them, the pipeline says. An export that cannot be read is named
    on stderr, and the exit code is 4. docs/importers.md has the fields of each helpdesk.
    """
    from ticketmill.importers import imports
    from ticketmill.importers.csv_table import parse_map
    from ticketmill.importers.files import JSON_SUFFIXES, find_files

    if source is not None and source not in imports.NAMES:
        known = ", ".join(imports.NAMES)
        raise typer.BadParameter(
            f"expected one of {known}{nearest(source, imports.NAMES)}", param_hint="--from"
        )
    importer = imports.FileImporter(source, parse_map(columns or []))
    files = find_files(paths, JSON_SUFFIXES if source is None else imports.SUFFIXES)
    report = _Report()
    if dry_run:
        _show(importer, files, report, as_json)
    else:
        _drop(importer, files, report, as_json)
    if report.refused:
        say(f"{counted(report.refused, 'ticket was', 'tickets were')} refused")
        raise typer.Exit(ExitCode.SOME_REJECTED)


def _drop(importer: FileImporter, files: list[Path], report: _Report, as_json: bool) -> None:
    from ticketmill import bootstrap
    from ticketmill.importers.files import latest_by_key
    from ticketmill.settings import load_settings

    settings = load_settings()
    adapters = bootstrap.connect(settings)
    put = adapters.raw_tickets.put
    with (
        progress("dropped", total=_total(importer, files)) as advance,
        ThreadPoolExecutor(settings.io_threads) as executor,
    ):
        # one after the other, and each key once in each: of several documents for one key the last one stays
        documents = _documents(importer, files, report)
        for chunk in grouped(documents, lambda each: len(each.content), DROP_CHUNK_BYTES, DROP_CHUNK):
            latest = latest_by_key(chunk)
            for done in [executor.submit(put, key, each.content) for key, each in latest.items()]:
                done.result()
                advance()
            advance(len(chunk) - len(latest))
            report.keys.update(map(hash, latest))
    dropped, replaced = len(report.keys), report.read - len(report.keys)
    bucket = adapters.stack.raw_bucket
    if as_json:
        answer_json({"dropped": dropped, "replaced": replaced, "refused": report.refused, "bucket": bucket})
        return
    answer(f"dropped {counted(dropped, 'ticket')} into s3://{bucket}/tickets/")
    if replaced:
        say(f"{counted(replaced, 'document')} gave way to a later one of the same id")


def _show(importer: FileImporter, files: list[Path], report: _Report, as_json: bool) -> None:
    """The first tickets and the counts, without any AWS."""
    first: list[str] = []
    for document in _documents(importer, files, report):
        if len(first) < SHOWN_TICKETS:
            first.append(document.content.decode("utf-8", "replace").strip())
    if as_json:
        answer_json(
            {"read": report.read, "refused": report.refused, "tickets": [_decoded(each) for each in first]}
        )
        return
    for text in first:
        answer(escaped(text))
    say(f"{counted(report.read, 'ticket')} would be dropped, {report.refused:,} refused")


def _documents(importer: FileImporter, files: list[Path], report: _Report) -> Iterator[Document]:
    """The tickets of all files, counted. What is refused is named on stderr."""
    from ticketmill.importers.imports import Refused

    for found in chain.from_iterable(map(importer.read, files)):
        if isinstance(found, Refused):
            report.refused += 1
            say(f"{found.origin}: {found.reason.code}: {found.reason.message}")
        else:
            report.read += 1
            yield found
    if not report.read and not report.refused:
        say("no ticket in " + ", ".join(map(str, files)))


def _total(importer: FileImporter, files: list[Path]) -> int | None:
    """How many tickets there are, where the names of the files tell: an export holds any number."""
    from ticketmill.importers.files import JSON_SUFFIXES, count_tickets

    known = importer.source is None and all(file.suffix in JSON_SUFFIXES for file in files)
    return (
        sum(map(count_tickets, files)) if known and (len(files) > 1 or files[0].suffix != ".json") else None
    )


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
