"""What is in the raw bucket already and is to be enriched: which objects, and why each of them.

The bucket is walked in the order of its keys, and the table is asked what it knows of each. Nothing is kept
between two runs: what the first one saw through, the second does not choose again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from ticketmill.domain.backfill import Selection
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.keys import id_of_key, raw_key
from ticketmill.domain.labels import Status
from ticketmill.domain.message import ListedObject, Upload
from ticketmill.domain.row import RawVersion, TicketRow
from ticketmill.operations.lookup import Known, Lookup
from ticketmill.pipeline.ports import RawTickets, TicketRows

PAGE_KEYS = 100  # as many rows as DynamoDB reads at once


class RawBucket(RawTickets, Protocol):
    """The raw bucket, where it is walked."""

    def walk(self, prefix: str, after: str = "") -> Iterator[ListedObject]:
        """The tickets under `prefix` whose keys come after `after`, in the order of their keys."""
        ...

    def look(self, key: str) -> ListedObject | None:
        """The object at `key`, None where there is none."""
        ...


class Reason(StrEnum):
    """Why an object is chosen."""

    MISSING = "missing"
    FAILED = "failed"
    REJECTED = "rejected"
    PARTIAL = "partial"
    OUTDATED = "outdated"
    ASKED = "asked"
    """By name, or because everything is."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One object to enrich; `ticket_id` is None where nobody had to know it."""

    key: str
    reason: Reason
    ticket_id: str | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """One object, or one ticket, that could not be judged."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some consecutive objects: how many, the key of the last one, and which of them are chosen."""

    looked_at: int
    last_key: str
    chosen: tuple[Chosen, ...] = ()
    unknown: tuple[Unknown, ...] = ()


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Backfill:
    """The raw bucket beside the table. `fingerprint` is the bundle's that would enrich now."""

    bucket_name: str
    bucket: RawBucket
    rows: TicketRows
    executor: Executor
    fingerprint: str
    max_ticket_bytes: int
    clock: Callable[[], datetime] = _now

    def pages(self, selection: Selection) -> Iterator[Page]:
        """The whole bucket, page by page, as they are asked for.

        Raises TransientFailure where it cannot be listed; a row that cannot be read makes its object unknown.
        """
        page: list[ListedObject] = []
        for found in self.bucket.walk(selection.prefix, selection.after):
            page.append(found)
            if len(page) == PAGE_KEYS:
                yield self._page(selection, page)
                page = []
        if page:
            yield self._page(selection, page)

    def named(self, selection: Selection, ticket_ids: Sequence[str]) -> tuple[Page, list[str]]:
        """The objects of those tickets as one page, and the ids that have none.

        A ticket is where its row was made from, or where its id says.
        """
        rows = self.rows.get_many(ticket_ids)
        keys = [rows[each].raw.key if each in rows else raw_key(each) for each in ticket_ids]
        found = dict(zip(ticket_ids, self.executor.map(self._look, keys), strict=True))
        objects = [each for each in found.values() if isinstance(each, ListedObject)]
        failed = [Unknown(name, str(each)) for name, each in found.items() if isinstance(each, Exception)]
        page = self._page(selection, objects)
        absent = [name for name, each in found.items() if each is None]
        return replace(page, unknown=(*page.unknown, *failed)), absent

    def count(self, selection: Selection) -> int:
        """How many objects `pages` will look at. Raises TransientFailure where S3 fails."""
        return sum(1 for _ in self.bucket.walk(selection.prefix, selection.after))

    def _look(self, key: str) -> ListedObject | TransientFailure | None:
        try:
            return self.bucket.look(key)
        except TransientFailure as failure:
            return failure

    def _page(self, selection: Selection, objects: Sequence[ListedObject]) -> Page:
        of_age = [each for each in objects if self._is_of_age(selection, each)]
        last_key = objects[-1].key if objects else ""
        if selection.everything:
            chosen = tuple(Chosen(each.key, Reason.ASKED) for each in of_age)
            return Page(len(objects), last_key, chosen)
        uploads = [Upload(self.bucket_name, each.key, each.key) for each in of_age]
        known = zip(of_age, self._known(uploads).values(), strict=True)
        judged = [self._judge(selection, *each) for each in known]
        return Page(
            len(objects),
            last_key,
            tuple(each for each in judged if isinstance(each, Chosen)),
            tuple(each for each in judged if isinstance(each, Unknown)),
        )

    def _known(self, uploads: Sequence[Upload]) -> dict[Upload, Known | TransientFailure]:
        try:
            return self._lookup.find(uploads)
        except TransientFailure as failure:
            return dict.fromkeys(uploads, failure)

    def _judge(
        self, selection: Selection, found: ListedObject, known: Known | TransientFailure
    ) -> Chosen | Unknown | None:
        if isinstance(known, TransientFailure):
            return Unknown(found.key, str(known))
        reason = reason_for(selection, found, known.row, self.fingerprint)
        return None if reason is None else Chosen(found.key, reason, known.ticket_id)

    def _is_of_age(self, selection: Selection, found: ListedObject) -> bool:
        # two clocks may disagree about what was uploaded just now
        age_s = max((self.clock() - found.last_modified).total_seconds(), 0)
        return selection.min_age_s <= age_s and (selection.max_age_s is None or age_s <= selection.max_age_s)

    @property
    def _lookup(self) -> Lookup:
        return Lookup(self.rows, self.bucket, self.executor, self.max_ticket_bytes)


def reason_for(
    selection: Selection, found: ListedObject, row: TicketRow | None, fingerprint: str
) -> Reason | None:
    """Why `found` is to be enriched, given its ticket's row; None where nothing that is selected holds.

    What a row tells of another key of the same ticket is that key's matter.
    """
    if selection.missing and (row is None or not _tells_of(row, found)):
        return Reason.MISSING
    if row is None:
        return None
    made_of_it = row.raw.key == found.key
    holds = {
        Reason.FAILED: _failed(row, found) and Status.FAILED in selection.statuses,
        Reason.REJECTED: _rejected(row, found) and Status.REJECTED in selection.statuses,
        Reason.PARTIAL: made_of_it and row.status is Status.PARTIAL and Status.PARTIAL in selection.statuses,
        Reason.OUTDATED: made_of_it
        and row.status in (Status.ENRICHED, Status.PARTIAL)
        and row.fingerprint != fingerprint
        and selection.outdated,
    }
    return next((reason for reason, does in holds.items() if does), None)


def limited(pages: Iterable[Page], limit: int) -> Iterator[Page]:
    """`pages`, cut after `limit` chosen objects; the last page then ends with the last of them."""
    left = limit
    for page in pages:
        if len(page.chosen) >= left:
            last = page.chosen[left - 1]
            yield replace(page, last_key=last.key, chosen=page.chosen[:left])
            return
        left -= len(page.chosen)
        yield page


def in_batches(pages: Iterable[Page], size: int) -> Iterator[Page]:
    """`pages` in smaller ones, of `size` chosen objects at the most: what is begun is soon done."""
    for page in pages:
        left = page
        while len(left.chosen) > size:
            batch, later = left.chosen[:size], left.chosen[size:]
            yield Page(size, batch[-1].key, batch)
            left = replace(left, looked_at=left.looked_at - size, chosen=later)
        yield left


def _tells_of(row: TicketRow, found: ListedObject) -> bool:
    """Whether a row tells of this upload, or of a later one."""
    versions = (row.raw, row.rejection.raw if row.rejection else None)
    if row.failure is not None and _failed(row, found) and row.failure.failed_at >= found.last_modified:
        return True
    return any(_covers(version, found) for version in versions if version is not None)


def _covers(version: RawVersion, found: ListedObject) -> bool:
    """Whether `version` is the listed one or came later, as far as a listing can tell."""
    if version.last_modified != found.last_modified:
        return version.last_modified > found.last_modified
    return version.key > found.key or (version.key, version.etag) == (found.key, found.etag)


def _failed(row: TicketRow, found: ListedObject) -> bool:
    """Whether the last attempt at this key failed; a row that tells of something better says so too."""
    if row.failure is None:
        return False
    return row.failure.key == found.key or (row.status is Status.FAILED and row.raw.key == found.key)


def _rejected(row: TicketRow, found: ListedObject) -> bool:
    return row.rejection is not None and row.rejection.key == found.key


def named_id(chosen: Chosen) -> str:
    """The ticket's id, or what its key says of it."""
    return chosen.ticket_id or id_of_key(chosen.key)
