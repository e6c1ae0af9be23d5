"""What happened to a ticket: its uploads, its enrichments and its corrections, in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ticketmill.domain.keys import enriched_prefix
from ticketmill.domain.label import Correction
from ticketmill.domain.message import StoredVersion
from ticketmill.domain.row import TicketRow


class HistoryKind(StrEnum):
    """What kind of thing happened."""

    UPLOADED = "uploaded"
    ENRICHED = "enriched"
    REJECTED = "rejected"
    FAILED = "failed"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """One thing that happened. Only the fields of its kind are set."""

    at: datetime
    kind: HistoryKind
    key: str | None = None
    """The object that was uploaded or written."""
    version_id: str | None = None
    size_bytes: int | None = None
    is_current: bool | None = None
    """Whether the row was made from it, or points to it."""
    code: str | None = None
    message: str | None = None
    correction: Correction | None = None


class Versions(Protocol):
    """The objects of a bucket with all their versions."""

    def stored_versions(self, prefix: str, limit: int) -> list[StoredVersion]:
        """Up to `limit` versions of the objects whose keys begin with `prefix`."""
        ...


class Corrected(Protocol):
    """The corrections of a ticket."""

    def of_ticket(self, ticket_id: str) -> list[Correction]: ...


@dataclass(frozen=True, slots=True)
class TicketHistory:
    """Buckets and journal, asked together."""

    raw: Versions
    enriched: Versions
    journal: Corrected

    def of(self, row: TicketRow, limit: int = 200) -> list[HistoryEvent]:
        """What happened to the ticket of `row`, the newest first: at most `limit` of each kind."""
        uploads = (each for each in self.raw.stored_versions(row.raw.key, limit) if each.key == row.raw.key)
        enrichments = self.enriched.stored_versions(enriched_prefix(row.ticket_id), limit)
        events = [
            *(_event(HistoryKind.UPLOADED, each, each.version_id == row.raw.version_id) for each in uploads),
            *(_event(HistoryKind.ENRICHED, each, each.key == row.enriched_key) for each in enrichments),
            *_troubles(row),
            *(
                HistoryEvent(each.at, HistoryKind.CORRECTED, correction=each)
                for each in self.journal.of_ticket(row.ticket_id)[-limit:]
            ),
        ]
        return sorted(events, key=lambda event: event.at, reverse=True)


def _event(kind: HistoryKind, version: StoredVersion, is_current: bool) -> HistoryEvent:
    return HistoryEvent(version.at, kind, version.key, version.version_id, version.size_bytes, is_current)


def _troubles(row: TicketRow) -> Iterable[HistoryEvent]:
    """The last rejection and the last failure: the row keeps no earlier ones."""
    if row.rejection:
        reason = row.rejection
        yield HistoryEvent(
            reason.rejected_at, HistoryKind.REJECTED, reason.key, code=reason.code, message=reason.message
        )
    if row.failure:
        failed = row.failure
        yield HistoryEvent(
            failed.failed_at, HistoryKind.FAILED, failed.key, code=failed.code, message=failed.message
        )
