"""Which of two writers of a row goes first: the past never overwrites the present.

    upload v1 ──────── upload v2 ──────────────────────────▶ time
        └─ worker A reads v1 ─ encodes ─────────── writes?    SUPERSEDED: the row holds v2
                        └─ worker B reads v2 ─ writes         WRITE

    serial 1 ───────── serial 2 ───────────────────────────▶ serving decisions, same upload
        └─ old worker encodes ──────────────────── writes?    SUPERSEDED: the row has serial 2
                        └─ new worker encodes ─ writes        WRITE

A newer upload with other content always wins. For the same content the higher serial wins; of two bundles
with one serial, which only the serial 0 can have, the first to write stays.

Two versions are ordered by LastModified. It counts whole seconds, and neither sequencers nor version ids
order two uploads of one second on every place, so there the bucket itself is asked which one it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from ticketmill.domain.labels import Status
from ticketmill.domain.message import RawObject
from ticketmill.domain.row import RawVersion, TicketRow
from ticketmill.domain.serving import ServingDecision


class Verdict(StrEnum):
    """What to do with an enrichment of an upload, given the current row."""

    WRITE = "write"
    TOUCH = "touch"
    """The enrichment of the current row holds: only its version or its serial is out of date."""
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"


IsCurrent = Callable[[RawVersion], bool]


def decide(
    row: TicketRow | None,
    raw: RawObject,
    serving: ServingDecision,
    is_current: IsCurrent,
    *,
    force: bool = False,
) -> Verdict:
    """What to do with `raw` under the bundle that `serving` chose, given the current row.

    With `force` what was done already is done again. A status of a newer ticketmill counts as done.
    """
    if row is None or not has_enrichment(row):
        return Verdict.WRITE
    version = RawVersion.of(raw)
    same_version = row.raw.is_same(version)
    if not same_version and not is_newer(version, row.raw, is_current):
        return Verdict.SUPERSEDED
    if row.content_hash != raw.content_hash:
        return Verdict.WRITE
    same_bundle = row.fingerprint == serving.fingerprint
    if serving.serial < row.serving_serial or (serving.serial == row.serving_serial and not same_bundle):
        return Verdict.SUPERSEDED if same_version else Verdict.TOUCH
    if not same_bundle or row.status == Status.PARTIAL or force:
        return Verdict.WRITE
    up_to_date = same_version and serving.serial == row.serving_serial
    return Verdict.DUPLICATE if up_to_date else Verdict.TOUCH


def has_enrichment(row: TicketRow) -> bool:
    """Whether a row tells of an enrichment, and not only of a rejection or a failure."""
    return row.status not in (Status.REJECTED, Status.FAILED)


def is_newer(version: RawVersion, than: RawVersion, is_current: IsCurrent) -> bool:
    """Whether `version` came after `than`; of two keys with one ticket id in one second, the greater key."""
    if version.last_modified != than.last_modified:
        return version.last_modified > than.last_modified
    if version.key != than.key:
        return version.key > than.key
    return is_current(version)
