"""Which of two writers of a row goes first: the past never overwrites the present.

    upload v1 ──────── upload v2 ──────────────────────────▶ time
        └─ worker A reads v1 ─ encodes ─────────── writes?    SUPERSEDED: the row holds v2
                        └─ worker B reads v2 ─ writes         WRITE

    serial 1 ───────── serial 2 ───────────────────────────▶ decisions, same upload
        └─ old worker encodes ──────────────────── writes?    SUPERSEDED: the row has serial 2
                        └─ new worker encodes ─ writes        WRITE

A newer upload with other content always wins. For the same content the higher pair of serials wins, that of
the bundle's decision first, that of the rollout's second. Where two outputs with one pair differ, the first
to write stays: a worker that cannot follow a decision writes the pair of the one before.

Two versions are ordered by LastModified. It counts whole seconds, and neither sequencers nor version ids
order two uploads of one second on every place, so there the bucket itself is asked which one it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from ticketmill.domain.labels import Status
from ticketmill.domain.message import RawObject
from ticketmill.domain.row import RawVersion, TicketRow
from ticketmill.domain.serving import Provenance


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
    provenance: Provenance,
    is_current: IsCurrent,
    *,
    force: bool = False,
) -> Verdict:
    """What to do with `raw` under the decisions of `provenance`, given the current row.

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
    same_models = row.fingerprint == provenance.fingerprint
    current = row.serving_serial, row.rollout_serial
    if provenance.serials < current or (provenance.serials == current and not same_models):
        return Verdict.SUPERSEDED if same_version else Verdict.TOUCH
    if not same_models or row.status == Status.PARTIAL or force:
        return Verdict.WRITE
    up_to_date = same_version and provenance.serials == current
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
