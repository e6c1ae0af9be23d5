"""`ticketmill enrich`: tickets in, enrichments out, without any AWS."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
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
    from ticketmill.domain.ticket import Ticket
    from ticketmill.importers.files import Document
    from ticketmill.pipeline.enricher import Enricher
    from ticketmill.settings import Settings

# While one chunk's heads and summaries are worked out, the encoder has the other.
ENRICH_THREADS = 2
ENRICH_CHUNK = 64
# Bytes of documents that are gathered before they are enriched: a parsed megabyte takes up to six.
ENRICH_CHUNK_BYTES = 1 << 20

EPILOG = examples(
    "ticketmill enrich ticket.json",
    "cat tickets.jsonl | ticketmill enrich - > enriched.jsonl",
)


def enrich(
    path: Annotated[str, typer.Argument(help="A file of one ticket or of JSON lines; - for stdin.")],
) -> None:
    """Enrich tickets without any AWS: raw JSON in, one enriched JSON line a ticket out, in order.

    The bundle's own models predict, whatever learned versions serve in a stack. A ticket that is rejected is
    named on stderr, and the exit code is 4.
    """
    if not path:
        raise typer.BadParameter("expected a file, or - for stdin", param_hint="PATH")
    from ticketmill import bootstrap
    from ticketmill.batching import side_by_side
    from ticketmill.settings import load_settings

    settings = load_settings()
    documents, total = _documents(path)
    enricher = bootstrap.load_enricher(settings)
    looked_at = rejected = 0
    with stopping_at_once(), progress("enriched", total) as advance:
        chunks = side_by_side(
            _held_at_once(documents), partial(_enriched, enricher, settings), ENRICH_THREADS
        )
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


def _enriched(
    enricher: Enricher, settings: Settings, documents: Sequence[Document]
) -> list[str | TicketRejected]:
    """A line of JSON for each document, or why it was turned down."""
    from ticketmill.bootstrap import make_intake
    from ticketmill.domain.enrichment import EnrichedTicket

    intake = make_intake(settings)
    parsed: list[Ticket | TicketRejected] = []
    for document in documents:
        try:
            parsed.append(intake.parse(document.content, settings.max_ticket_bytes))
        except TicketRejected as error:
            parsed.append(error)
    enrichments = iter(enricher.enrich([each for each in parsed if not isinstance(each, TicketRejected)]))
    return [
        each
        if isinstance(each, TicketRejected)
        else EnrichedTicket(**dict(each), enrichment=next(enrichments)).model_dump_json()
        for each in parsed
    ]


def _held_at_once(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Chunks of documents, bounded in number and, but for one that is larger, in bytes."""
    from ticketmill.batching import grouped

    return grouped(documents, lambda document: len(document.content), ENRICH_CHUNK_BYTES, ENRICH_CHUNK)
