"""The full enrichment of a ticket, and the raw ticket where there is none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.enrichment import EnrichedTicket, read_enriched
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Upload
from ticketmill.entrypoints.web.parts import WebParts

GONE = frozenset({"NoSuchKey", "NotFound", "404"})
MAX_RAW_BYTES = 1 << 20
MAX_NUMBERS = 16
"""Longer lists of numbers, as an embedding, are told by their length."""


@dataclass(frozen=True, slots=True)
class FullRecord:
    """What S3 has of a ticket. `missing` says what to do where a part is not there."""

    enriched: EnrichedTicket | None = None
    document: Any = None
    """The enriched or the raw object, as it is stored."""
    missing: str = ""


def full_record(parts: WebParts, row: EffectiveRow) -> FullRecord:
    """The full enrichment that a row points to, or else its raw ticket, as people may see them."""
    if row.enriched_key is None:
        return FullRecord(document=_raw(parts, row), missing="This ticket has no enrichment.")
    try:
        content = parts.records.get(row.enriched_key)
    except (KeyError, TransientFailure) as failure:
        if isinstance(failure, TransientFailure) and failure.code not in GONE:
            raise
        again = f"ticketmill backfill --ids {row.ticket_id} --force"
        return FullRecord(
            document=_raw(parts, row), missing=f"The enriched object is gone. Make it again: {again}"
        )
    try:
        return FullRecord(parts.mask.ticket(read_enriched(content)), parts.mask.document(json.loads(content)))
    except ValueError:
        return FullRecord(missing="Another version of ticketmill wrote the enriched object: upgrade.")


def _raw(parts: WebParts, row: EffectiveRow) -> Any:
    """The raw object, as JSON where it is some; None where it is gone, too large, or no object."""
    found = parts.raw_tickets.fetch(Upload(row.raw.bucket, row.raw.key, row.raw.key), MAX_RAW_BYTES)
    if found is None or found.body is None:
        return None
    try:
        document = json.loads(found.body)
    except ValueError:
        return parts.mask.text(found.body.decode("utf-8", "replace"))
    return parts.mask.document(document) if isinstance(document, dict) else None


def pretty(document: Any) -> str:
    """The document for people: long lists of numbers are told by their length."""
    return json.dumps(_short(document), indent=2, ensure_ascii=False)


def _short(value: Any) -> Any:
    match value:
        case dict():
            return {name: _short(each) for name, each in value.items()}
        case list() if len(value) > MAX_NUMBERS and all(isinstance(each, int | float) for each in value):
            return f"({len(value)} numbers)"
        case list():
            return [_short(each) for each in value]
    return value
