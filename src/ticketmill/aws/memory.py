"""The adapters' sisters in memory: the same ports, kept in dictionaries. Tests and benchmarks run on them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from threading import Lock

from ticketmill.domain.effective_row import index_attributes, is_misindexed
from ticketmill.domain.label import Correction
from ticketmill.domain.message import ListedObject, RawObject, StoredVersion, Upload
from ticketmill.domain.row import Failure, FoundRows, RawVersion, TicketRow
from ticketmill.domain.serving import NO_SERIAL, ServingDecision, ServingHistory


@dataclass
class MemoryRawTickets:
    """A versioned bucket of raw tickets."""

    bucket: str = "raw"
    objects: dict[str, RawObject] = field(default_factory=dict)
    versions: int = 0

    def put(self, key: str, body: bytes, at: datetime | None = None) -> RawObject:
        """Stores a new version of the object, uploaded `at` (now where it is not said)."""
        self.versions += 1
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        moment = (at or datetime.now(UTC)).replace(microsecond=0)
        stored = RawObject(self.bucket, key, f"v{self.versions}", etag, moment, len(body), body)
        self.objects[key] = stored
        return stored

    def fetch(self, upload: Upload, max_bytes: int) -> RawObject | None:
        found = self.objects.get(upload.key)
        if found is None or found.size_bytes <= max_bytes:
            return found
        return replace(found, body=None)

    def is_current(self, version: RawVersion) -> bool:
        found = self.objects.get(version.key)
        return found is not None and found.version_id == version.version_id

    def walk(self, prefix: str, after: str = "") -> Iterator[ListedObject]:
        for key in sorted(self.objects):
            if key.startswith(prefix) and key > after:
                yield self._listed(key)

    def keys(self, prefix: str = "", after: str = "") -> Iterator[str]:
        return (key for key in sorted(self.objects) if key.startswith(prefix) and key > after)

    def look(self, key: str) -> ListedObject | None:
        return self._listed(key) if key in self.objects else None

    def stored_versions(self, prefix: str, limit: int) -> list[StoredVersion]:
        current = [each for key, each in self.objects.items() if key.startswith(prefix)]
        return [
            StoredVersion(each.key, each.version_id, each.last_modified, each.size_bytes)
            for each in current[:limit]
        ]

    def _listed(self, key: str) -> ListedObject:
        found = self.objects[key]
        return ListedObject(key, found.etag, found.last_modified)


@dataclass
class MemoryEnrichedTickets:
    """A bucket of enriched tickets."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, body: bytes) -> None:
        self.objects[key] = body

    def get(self, key: str) -> bytes:
        return self.objects[key]

    def find(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def stored_versions(self, prefix: str, limit: int) -> list[StoredVersion]:
        found = [(key, body) for key, body in self.objects.items() if key.startswith(prefix)]
        return [
            StoredVersion(key, None, datetime.min.replace(tzinfo=UTC), len(body))
            for key, body in found[:limit]
        ]


@dataclass
class MemoryTicketRows:
    """A table of rows."""

    rows: dict[str, TicketRow] = field(default_factory=dict)
    facets: dict[str, frozenset[str]] = field(default_factory=dict)
    """What the index holds of each row that was written here."""
    writes: int = 0
    lock: Lock = field(default_factory=Lock)

    def get_many(self, ticket_ids: Iterable[str]) -> FoundRows:
        found = {each: self.rows[each] for each in ticket_ids if each in self.rows}
        misindexed = [
            each for each, row in found.items() if is_misindexed(row, self.facets.get(each, _facets(row)))
        ]
        return FoundRows(found, misindexed=misindexed)

    def get(self, ticket_id: str) -> TicketRow | None:
        return self.rows.get(ticket_id)

    def put(self, row: TicketRow, replaces: TicketRow | None) -> bool:
        with self.lock:
            current = self.rows.get(row.ticket_id)
            written = row.model_copy(update=_unknown_of(current))
            if (current and current.revision) != (replaces and replaces.revision):
                return current == written  # sent again because its answer was lost
            self._store(written)
            return True

    def replace(self, row: TicketRow, replaces: TicketRow) -> bool:
        """Writes what people say of a ticket; what others wrote since must not be there."""
        with self.lock:
            current = self.rows.get(row.ticket_id)
            if current is None or current.revision != replaces.revision:
                return False
            self._store(current.model_copy(update={"person": row.person, "revision": row.revision}))
            self.facets[row.ticket_id] = _facets(row)
            return True

    def delete(self, ticket_id: str) -> bool:
        with self.lock:
            self.facets.pop(ticket_id, None)
            return self.rows.pop(ticket_id, None) is not None

    def _store(self, row: TicketRow) -> None:
        self.rows[row.ticket_id] = row
        self.facets[row.ticket_id] = _facets(row)
        self.writes += 1

    def note_failure(self, ticket_id: str, failure: Failure, made_from: str | None = None) -> bool:
        with self.lock:
            current = self.rows.get(ticket_id)
            if current is None or made_from not in (None, current.raw.key):
                return False
            self.rows[ticket_id] = current.model_copy(update={"failure": failure})
            self.writes += 1
            return True


def _facets(row: TicketRow) -> frozenset[str]:
    return frozenset(index_attributes(row)["facets"])


def _unknown_of(row: TicketRow | None) -> dict[str, object]:
    """The attributes of a row that the pipeline does not own."""
    return {**(row.model_extra or {}), "person": row.person} if row else {}


@dataclass
class MemoryLabelJournal:
    """A label journal in step with `rows`."""

    rows: MemoryTicketRows = field(default_factory=MemoryTicketRows)
    corrections: dict[str, list[Correction]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def of_ticket(self, ticket_id: str) -> list[Correction]:
        return list(self.corrections.get(ticket_id, ()))

    def walk(self) -> Iterator[Correction]:
        return chain.from_iterable(map(self.of_ticket, list(self.corrections)))

    def append(self, corrections: Sequence[Correction], row: TicketRow, replaces: TicketRow) -> bool:
        with self.lock:
            kept = self.corrections.get(row.ticket_id, [])
            first, last = len(kept) + 1, len(kept) + len(corrections)
            if [each.number for each in corrections] != list(range(first, last + 1)):
                return bool(corrections) and kept[-len(corrections) :] == list(corrections)  # sent again
            if not self.rows.replace(row, replaces):
                return False
            self.corrections[row.ticket_id] = [*kept, *corrections]
            return True

    def remove(self, ticket_id: str) -> int:
        with self.lock:
            return len(self.corrections.pop(ticket_id, ()))


@dataclass
class MemoryDeliveries:
    """Deliveries of webhooks that are forgotten with the process."""

    noted: set[tuple[str, str]] = field(default_factory=set)

    def is_known(self, source: str, delivery_id: str) -> bool:
        return (source, delivery_id) in self.noted

    def note(self, source: str, delivery_id: str) -> None:
        self.noted.add((source, delivery_id))


@dataclass
class MemoryServingDecisions:
    """The serving decisions of a place."""

    kept: ServingHistory = field(default_factory=ServingHistory)
    lock: Lock = field(default_factory=Lock)

    def history(self) -> ServingHistory:
        return self.kept

    def add(self, decision: ServingDecision) -> bool:
        with self.lock:
            current = self.kept.current
            if decision.serial != (current.serial if current else NO_SERIAL) + 1:
                return False
            self.kept = ServingHistory({**self.kept.latest, decision.fingerprint: decision})
            return True


@dataclass(frozen=True, slots=True)
class _Move:
    from_key: str
    to_key: str
    token: str


@dataclass
class MemoryCheckpoints:
    """Checkpoints that end with the process."""

    moves: dict[str, _Move] = field(default_factory=dict)
    """The last move of each run."""
    lock: Lock = field(default_factory=Lock)

    def advance(self, run: str, token: str, from_key: str, to_key: str) -> bool:
        with self.lock:
            last = self.moves.get(run)
            if (
                last is not None
                and last.to_key != from_key
                and (last.token, last.from_key) != (token, from_key)
            ):
                return False
            self.moves[run] = _Move(from_key, to_key, token)
        return True
