"""Which of two writers of a row goes first: the past never overwrites the present.

    upload v1 ──────── upload v2 ──────────────────────────▶ time
        └─ worker A reads v1 ─ encodes ─────────── writes?    SUPERSEDED: the row holds v2
                        └─ worker B reads v2 ─ writes         WRITE

Two versions are ordered by LastModified. It counts whole seconds, and neither sequencers nor version ids
order two uploads of one second on every place, so there the bucket itself is asked which one it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from ticketmill.domain.labels import Status
from ticketmill.domain.message import RawObject
from ticketmill.domain.row import RawVersion, TicketRow


class Verdict(StrEnum):
    """What to do with an enrichment of an upload, seen from the row that stands."""

    WRITE = "write"
    TOUCH = "touch"
    """The same content was enriched by the same bundle: only the row's version is out of date."""
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"


IsCurrent = Callable[[RawVersion], bool]


def decide(row: TicketRow | None, raw: RawObject, fingerprint: str | None, is_current: IsCurrent) -> Verdict:
    """What to do with `raw` under the bundle `fingerprint`, given the row that stands."""
    if row is None or row.status in (Status.REJECTED, Status.FAILED):
        return Verdict.WRITE
    version = RawVersion.of(raw)
    same_version = row.raw == version
    if not same_version and not is_newer(version, row.raw, is_current):
        return Verdict.SUPERSEDED
    done = row.status is Status.ENRICHED
    if done and row.content_hash == raw.content_hash and row.fingerprint == fingerprint:
        return Verdict.DUPLICATE if same_version else Verdict.TOUCH
    return Verdict.WRITE


def is_newer(version: RawVersion, than: RawVersion, is_current: IsCurrent) -> bool:
    """Whether `version` came after `than`; of two keys with one ticket id in one second, the greater key."""
    if version.last_modified != than.last_modified:
        return version.last_modified > than.last_modified
    if version.key != than.key:
        return version.key > than.key
    return is_current(version)
