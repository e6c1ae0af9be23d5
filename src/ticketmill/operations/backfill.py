"""Which objects of the raw bucket to enrich again, and why each of them.

A backfill walks the bucket in the order of its keys and asks the table what it knows of each object. It keeps
nothing between two runs: the second does not choose again what the first has finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice

from ticketmill.domain.backfill import Selection
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.intake import parse_ticket
from ticketmill.domain.keys import id_of_key, raw_key
from ticketmill.domain.labels import Status
from ticketmill.domain.message import ListedObject, Upload
from ticketmill.domain.row import RawVersion, TicketRow, partial_retry_due
from ticketmill.operations.lookup import Known, Lookup
from ticketmill.operations.ports import RawBucket
from ticketmill.pipeline.ports import ParseTicket, TicketRows

PAGE_KEYS = 100  # as many rows as DynamoDB reads at once


Announce = Callable[[str, bool], str]
"""The message that announces the object at a key; the second argument forces a new enrichment."""


class Reason(StrEnum):
    """Why an object is chosen."""

    MISSING = "missing"
    FAILED = "failed"
    REJECTED = "rejected"
    PARTIAL = "partial"
    OUTDATED = "outdated"
    ASKED = "asked"
    """By name, or because everything is selected."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One object to enrich; `ticket_id` is None where it was not looked up."""

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
    """Compares the raw bucket with the table.

    `fingerprint_of` gives the fingerprint that a ticket would be enriched under now.
    """

    bucket_name: str
    bucket: RawBucket
    rows: TicketRows
    executor: Executor
    fingerprint_of: Callable[[str], str]
    max_ticket_bytes: int
    parse: ParseTicket = parse_ticket
    clock: Callable[[], datetime] = _now

    def pages(self, selection: Selection, *, only_due: bool = False) -> Iterator[Page]:
        """The bucket, page by page, as they are taken.

        With `only_due`, a partial record is left out until its next retry is due. Raises TransientFailure
        where the bucket cannot be listed; a row that cannot be read makes its object unknown.
        """
        now = self.clock()
        fixed = selection.at(now)
        objects = self.bucket.walk(selection.prefix, selection.after)
        while page := list(islice(objects, PAGE_KEYS)):
            yield self._page(fixed, page, retries_due_by=now if only_due else None)

    def named(self, selection: Selection, ticket_ids: Sequence[str]) -> tuple[Page, list[str]]:
        """The objects of those tickets as one page, and the ids that have none.

        A ticket is where its row was made from, or where its id says.
        """
        rows = self.rows.get_many(ticket_ids)
        keys = [rows[each].raw.key if each in rows else raw_key(each) for each in ticket_ids]
        found = dict(zip(ticket_ids, self.executor.map(self._look, keys), strict=True))
        objects = [each for each in found.values() if isinstance(each, ListedObject)]
        failed = [Unknown(name, str(each)) for name, each in found.items() if isinstance(each, Exception)]
        page = self._page(selection.at(self.clock()), objects)
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

    def _page(
        self, selection: Selection, objects: Sequence[ListedObject], retries_due_by: datetime | None = None
    ) -> Page:
        in_time = [each for each in objects if selection.covers(each.last_modified)]
        last_key = objects[-1].key if objects else ""
        if selection.everything:
            return Page(len(objects), last_key, tuple(Chosen(each.key, Reason.ASKED) for each in in_time))
        known = self._known([Upload(self.bucket_name, each.key, each.key) for each in in_time])
        chosen: list[Chosen] = []
        unknown: list[Unknown] = []
        for found, of_it in zip(in_time, known.values(), strict=True):
            if isinstance(of_it, TransientFailure):
                unknown.append(Unknown(found.key, str(of_it)))
            elif reason := reason_for(selection, found, of_it.row, self.fingerprint_of, retries_due_by):
                chosen.append(Chosen(found.key, reason, of_it.ticket_id))
        return Page(len(objects), last_key, tuple(chosen), tuple(unknown))

    def _known(self, uploads: Sequence[Upload]) -> dict[Upload, Known | TransientFailure]:
        try:
            return self._lookup.find(uploads)
        except TransientFailure as failure:
            return dict.fromkeys(uploads, failure)

    @property
    def _lookup(self) -> Lookup:
        return Lookup(self.rows, self.bucket, self.executor, self.max_ticket_bytes, self.parse)


def reason_for(
    selection: Selection,
    found: ListedObject,
    row: TicketRow | None,
    fingerprint_of: Callable[[str], str],
    retries_due_by: datetime | None = None,
) -> Reason | None:
    """Why to enrich `found`, given its ticket's row; None where nothing that is selected holds.

    What a row says of another key of the same ticket is not this object's concern. Partial records whose next
    retry is due after `retries_due_by` are left out; None leaves out none.
    """
    statuses = selection.statuses
    if row is None or not _tells_of(row, found):
        if selection.missing:
            return Reason.MISSING
        if row is None:
            return None
    if _failed(row, found) and Status.FAILED in statuses:
        return Reason.FAILED
    if _rejected(row, found) and Status.REJECTED in statuses:
        return Reason.REJECTED
    if row.raw.key != found.key:
        return None
    due = retries_due_by is None or partial_retry_due(row, retries_due_by)
    if row.status is Status.PARTIAL and Status.PARTIAL in statuses and due:
        return Reason.PARTIAL
    enriched = row.status in (Status.ENRICHED, Status.PARTIAL)
    if selection.outdated and enriched and row.fingerprint != fingerprint_of(row.ticket_id):
        return Reason.OUTDATED
    return None


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
    """`pages` in smaller ones, of `size` chosen objects at most, so that each is soon done."""
    for page in pages:
        left = page
        while len(left.chosen) > size:
            batch, later = left.chosen[:size], left.chosen[size:]
            yield Page(size, batch[-1].key, batch)
            left = replace(left, looked_at=left.looked_at - size, chosen=later)
        yield left


def _tells_of(row: TicketRow, found: ListedObject) -> bool:
    """Whether a row says anything of this upload, or of a later one."""
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
