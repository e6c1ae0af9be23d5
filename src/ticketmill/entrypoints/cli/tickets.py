"""`ticketmill drop`, `show` and `enrich`: tickets in, enrichments out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ticketmill.batching import grouped, side_by_side
from ticketmill.domain.errors import TicketRejected
from ticketmill.entrypoints.cli.output import (
    ExitCode,
    answer,
    answer_json,
    counted,
    escaped,
    progress,
    say,
    table,
)

if TYPE_CHECKING:
    from ticketmill.bootstrap import Adapters
    from ticketmill.domain.enrichment import EnrichedTicket, IntentPrediction, UrgencyPrediction
    from ticketmill.domain.row import TicketRow
    from ticketmill.domain.ticket import Ticket
    from ticketmill.importers.files import Document
    from ticketmill.pipeline.enricher import Enricher
    from ticketmill.settings import Settings

# While one chunk's heads and summaries are worked out, the encoder has the other to read.
ENRICH_THREADS = 2
ENRICH_CHUNK = 64
# Bytes of documents that are gathered before they are enriched: a parsed megabyte takes up to six.
ENRICH_CHUNK_BYTES = 1 << 20
DROP_CHUNK = 256
DROP_CHUNK_BYTES = 16 << 20

Item = TypeVar("Item")
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def drop(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders, or JSON lines (.jsonl, .ndjson).")],
    as_json: AsJson = False,
) -> None:
    """Put tickets into the raw bucket, as they are: what is wrong with them, the pipeline says."""
    from ticketmill import bootstrap
    from ticketmill.importers.files import count_tickets, find_files, latest_by_key, read_file
    from ticketmill.settings import load_settings

    settings = load_settings()
    files = find_files(paths)
    place = bootstrap.connect(settings)
    put = place.raw_tickets.put
    read, keys = 0, set[int]()  # hashes, for there may be millions
    documents = chain.from_iterable(map(read_file, files))
    with (
        progress("dropped", total=sum(map(count_tickets, files))) as advance,
        ThreadPoolExecutor(settings.io_threads) as executor,
    ):
        # one after the other, and each key once in each: of several documents for one key the last one stays
        for chunk in grouped(documents, lambda each: len(each.content), DROP_CHUNK_BYTES, DROP_CHUNK):
            latest = latest_by_key(chunk)
            for done in [executor.submit(put, key, each.content) for key, each in latest.items()]:
                done.result()
                advance()
            advance(len(chunk) - len(latest))
            read += len(chunk)
            keys.update(map(hash, latest))
    dropped, replaced = len(keys), read - len(keys)
    if as_json:
        answer_json({"dropped": dropped, "replaced": replaced, "bucket": place.stack.raw_bucket})
        return
    answer(f"dropped {counted(dropped, 'ticket')} into s3://{place.stack.raw_bucket}/tickets/")
    if replaced:
        say(f"{counted(replaced, 'document')} gave way to a later one of the same id")


def show(ticket_id: str, as_json: AsJson = False) -> None:
    """Show a ticket's row and its full enrichment."""
    from ticketmill import bootstrap
    from ticketmill.domain.enrichment import EnrichedTicket
    from ticketmill.settings import load_settings

    place = bootstrap.connect(load_settings())
    row = place.rows.get(ticket_id)
    if row is None:
        say(f"no ticket {ticket_id} in {place.stack.table}")
        raise typer.Exit(ExitCode.NOT_FOUND)
    enriched = (
        EnrichedTicket.model_validate_json(place.enriched_tickets.get(row.enriched_key))
        if row.enriched_key
        else None
    )
    if as_json:
        answer_json(
            {
                "row": row.model_dump(mode="json", exclude_none=True),
                "ticket": enriched.model_dump(mode="json") if enriched else None,
            }
        )
    else:
        table(ticket_id, ("field", "value"), [*_shown(place, row), *_whole(enriched)])


def enrich(
    path: Annotated[str, typer.Argument(help="A file of one ticket or of JSON lines; - for stdin.")],
) -> None:
    """Enrich tickets without any AWS: raw JSON in, one enriched JSON line a ticket out, in order.

    A ticket that is rejected is named on stderr, and the exit code is 4.
    """
    from ticketmill import bootstrap
    from ticketmill.importers.files import find_files, read_file, read_stream
    from ticketmill.settings import load_settings

    settings = load_settings()
    if path == "-":
        documents = read_stream(sys.stdin.buffer, "stdin")
    else:
        documents = chain.from_iterable(map(read_file, find_files([Path(path)])))
    enricher = bootstrap.load_enricher(settings)
    rejected = 0
    with progress("enriched") as advance:
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
            advance(len(chunk))
    if rejected:
        raise typer.Exit(ExitCode.SOME_REJECTED)


def _enriched(
    enricher: Enricher, settings: Settings, documents: Sequence[Document]
) -> list[str | TicketRejected]:
    """A line of JSON for each document, or why it was turned down."""
    from ticketmill.domain.enrichment import EnrichedTicket
    from ticketmill.domain.ticket import parse_ticket

    parsed: list[Ticket | TicketRejected] = []
    for document in documents:
        try:
            parsed.append(parse_ticket(document.content, settings.max_ticket_bytes))
        except TicketRejected as error:
            parsed.append(error)
    enrichments = iter(enricher.enrich([each for each in parsed if not isinstance(each, TicketRejected)]))
    return [
        each
        if isinstance(each, TicketRejected)
        else EnrichedTicket(**dict(each), enrichment=next(enrichments)).model_dump_json()
        for each in parsed
    ]


def _shown(place: Adapters, row: TicketRow) -> list[tuple[str, object]]:
    def with_confidence(label: object, confidence: float | None) -> str:
        return "" if label is None else f"{label} ({confidence:.2f})"

    fields = [
        ("status", row.status),
        ("subject", row.subject),
        ("intent", with_confidence(row.intent, row.intent_confidence)),
        ("urgency", with_confidence(row.urgency, row.urgency_confidence)),
        ("stated priority", row.stated_priority),
        ("priority conflict", row.priority_conflict),
        ("sentiment", with_confidence(row.sentiment, row.sentiment_confidence)),
        ("topics", ", ".join(with_confidence(topic.label, topic.confidence) for topic in row.topics)),
        ("summary", row.summary),
        ("language", with_confidence(row.language, row.language_confidence)),
        ("needs review", ", ".join(row.review_reasons) or row.needs_review),
        ("failed stages", ", ".join(row.failed_stages)),
        ("uploaded", f"{row.received_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("raw", f"s3://{row.raw.bucket}/{row.raw.key}"),
        ("enriched", row.enriched_key and f"s3://{place.stack.enriched_bucket}/{row.enriched_key}"),
        ("bundle", row.fingerprint),
    ]
    if row.rejection:
        fields.append(("rejected", f"{row.rejection.code}: {row.rejection.message} ({row.rejection.key})"))
    if row.failure:
        tried = f"attempt {row.failure.attempts}, {row.failure.failed_at:%Y-%m-%d %H:%M:%S} UTC"
        fields.append(("failed", f"{row.failure.code}: {row.failure.message} ({tried})"))
    return [(name, value) for name, value in fields if value not in (None, "")]


def _whole(ticket: EnrichedTicket | None) -> list[tuple[str, object]]:
    """What only the full enrichment has."""
    if ticket is None:
        return []
    embedding = ticket.enrichment.embedding
    beginning = ", ".join(f"{number:.4f}" for number in embedding[:4])
    return [
        ("body", ticket.body),
        ("intent because of", _because(ticket.enrichment.intent)),
        ("urgency because of", _because(ticket.enrichment.urgency)),
        ("embedding", f"{len(embedding)} numbers: {beginning}, …"),
        ("latency", f"{ticket.enrichment.latency_ms.model_dump()} ms"),
    ]


def _because(prediction: IntentPrediction | UrgencyPrediction | None) -> str:
    phrases = prediction.evidence if prediction else ()
    return ", ".join(f"{phrase.text!r} ({phrase.weight:.2f})" for phrase in phrases)


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk


def _held_at_once(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Chunks of documents, bounded in number and, but for one that is larger, in bytes."""
    return grouped(documents, lambda document: len(document.content), ENRICH_CHUNK_BYTES, ENRICH_CHUNK)
