"""`ticketmill enrich`: tickets in, enrichments out, without a queue: a filter, or a bulk run."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.domain.errors import SetupError, TicketRejected
from ticketmill.entrypoints.cli.output import (
    ExitCode,
    answer,
    counted,
    escaped,
    examples,
    progress,
    say,
    stopping_at_once,
)

if TYPE_CHECKING:
    from ticketmill.domain.enrichment import EnrichedTicket
    from ticketmill.importers.files import Document
    from ticketmill.pipeline.documents import DocumentEnricher

# While one chunk's heads and summaries are worked out, the encoder has the other.
ENRICH_THREADS = 2
ENRICH_CHUNK = 64
# Bytes of documents that are gathered before they are enriched: a parsed megabyte takes up to six.
ENRICH_CHUNK_BYTES = 1 << 20
PART_KIB = 128
"""Some 250 tickets: what a bulk run loses of each core when it is killed, and by what its cores end apart."""

EPILOG = examples(
    "ticketmill enrich ticket.json",
    "cat tickets.jsonl | ticketmill enrich - > enriched.jsonl",
    "ticketmill enrich 's3://exports/2026/*.jsonl' --to s3://lake/tickets --engine ray --format parquet",
)


class Engine(StrEnum):
    """What a bulk run works on."""

    LOCAL = "local"
    RAY = "ray"


class OutputFormat(StrEnum):
    """What a bulk run stores."""

    JSONL = "jsonl"
    PARQUET = "parquet"


def enrich(
    path: Annotated[
        str,
        typer.Argument(
            help="A file of one ticket or of JSON lines; - for stdin. With --to also Parquet, a folder, a "
            "pattern with * or **, or s3://BUCKET/…"
        ),
    ],
    to: Annotated[
        str | None, typer.Option(help="In bulk: the folder or s3://BUCKET/PREFIX for what comes out.")
    ] = None,
    engine: Annotated[Engine, typer.Option(help="In bulk: this process, or Ray.")] = Engine.LOCAL,
    form: Annotated[
        OutputFormat, typer.Option("--format", help="In bulk: JSON lines or Parquet.")
    ] = OutputFormat.JSONL,
    part_kib: Annotated[
        int, typer.Option(min=1, max=1 << 20, help="In bulk: input of one part, in KiB.")
    ] = PART_KIB,
    stack: Annotated[
        bool, typer.Option("--stack", help="In bulk: with the learned versions that serve in the stack now.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="In bulk: print the summary as JSON.")] = False,
) -> None:
    """Enrich tickets without a queue: raw JSON in, one enriched JSON line a ticket out, in order.

    The bundle's own models predict, whatever learned versions serve in a stack. A ticket that is rejected is
    named on stderr, and the exit code is 4.

    With --to in bulk: the input is cut into parts, and each becomes an object. A run that ended early goes on
    where it is started again. Learned versions predict with --stack.
    """
    if not path:
        raise typer.BadParameter("expected a file, or - for stdin", param_hint="PATH")
    if to is None:
        if engine is Engine.RAY or form is OutputFormat.PARQUET or stack or as_json:
            raise typer.BadParameter("--engine, --format, --stack and --json need --to", param_hint="--to")
        _filter(path)
    elif path == "-":
        raise typer.BadParameter("stdin cannot be read twice: name files", param_hint="PATH")
    else:
        from ticketmill.entrypoints.cli.bulk import enrich_in_bulk

        with_ray = engine is Engine.RAY
        enrich_in_bulk(path, to, form.value, part_kib, with_ray=with_ray, with_stack=stack, as_json=as_json)


def _filter(path: str) -> None:
    """From a file or stdin to stdout."""
    from ticketmill.batching import side_by_side
    from ticketmill.bootstrap.bulk import follow_bundle, make_documents
    from ticketmill.settings import load_settings

    settings = load_settings()
    documents, total = _documents(path)
    enricher = make_documents(settings, follow_bundle(settings))
    looked_at = rejected = 0
    with stopping_at_once(), progress("enriched", total) as advance:
        chunks = side_by_side(_held_at_once(documents), partial(enriched, enricher), ENRICH_THREADS)
        for chunk, answers in chunks:
            for document, outcome in zip(chunk, answers, strict=True):
                if isinstance(outcome, TicketRejected):
                    rejected += 1
                    say(f"{document.origin}: {outcome.code}: {outcome.message}")
                else:
                    answer(escaped(outcome))
            looked_at += len(chunk)
            advance(len(chunk))
    if not looked_at:
        say(f"no ticket in {'stdin' if path == '-' else path}")
    if rejected:
        say(f"{counted(rejected, 'ticket was', 'tickets were')} rejected")
        raise typer.Exit(ExitCode.SOME_REJECTED)


def _documents(path: str) -> tuple[Iterator[Document], int | None]:
    """The tickets, and how many there are where that can be counted beforehand."""
    from ticketmill.importers.files import LINES_SUFFIXES, find_files, read_file, read_stream

    if path == "-":
        if sys.stdin is None:
            raise SetupError("stdin is closed: name a file, or pipe tickets into `ticketmill enrich -`")
        if sys.stdin.isatty():
            say("reading tickets from the terminal; Ctrl-D ends them")
        return read_stream(sys.stdin.buffer, "stdin"), None
    files = find_files([Path(path)])
    counts = [_count_lines(file) if file.suffix in LINES_SUFFIXES else 1 for file in files]
    known = [count for count in counts if count is not None]
    return chain.from_iterable(map(read_file, files)), sum(known) if len(known) == len(counts) else None


def _count_lines(file: Path) -> int | None:
    """The lines that are not empty; None where they cannot be read twice, as those of a pipe, or at all."""
    if not file.is_file():
        return None
    try:
        with file.open("rb") as lines:
            return sum(1 for line in lines if line.strip())
    except OSError:  # whoever reads it in earnest says so
        return None


def enriched(enricher: DocumentEnricher, documents: Sequence[Document]) -> list[str | TicketRejected]:
    """A line of JSON for each document, or why it was turned down."""
    return [_line(each) for each in enricher.enrich([document.content for document in documents])]


def _line(outcome: EnrichedTicket | Exception) -> str | TicketRejected:
    if isinstance(outcome, TicketRejected):
        return outcome
    if isinstance(outcome, Exception):
        raise outcome
    return outcome.model_dump_json()


def _held_at_once(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Chunks of documents, bounded in number and, but for one that is larger, in bytes."""
    from ticketmill.batching import grouped

    return grouped(documents, lambda document: len(document.content), ENRICH_CHUNK_BYTES, ENRICH_CHUNK)
