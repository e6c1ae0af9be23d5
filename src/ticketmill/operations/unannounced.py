"""Objects of the raw bucket that no rule announces, so that no worker ever sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile

from ticketmill.domain.keys import PROBE_PREFIX, TICKET_SUFFIX, TICKETS_PREFIX, is_macos_metadata
from ticketmill.operations.ports import RawKeys

LOOKED_AT = 10_000
MAX_SUFFIX_CHARS = 12
OTHER = "other"
OUTSIDE = f"outside {TICKETS_PREFIX}"
_COMPRESSED = (".gz", ".zip", ".bz2", ".xz", ".zst")
_LAST_CHARACTER = "\U0010ffff"


@dataclass
class Unannounced:
    """How many objects no rule announces, by kind: `outside tickets/`, or a suffix such as `.jsonl`.

    `cut` says that the bucket has more keys than the `looked_at` ones.
    """

    looked_at: int = 0
    cut: bool = False
    kinds: Counter[str] = field(default_factory=Counter)


def unannounced(bucket: RawKeys, limit: int = LOOKED_AT) -> Unannounced:
    """Counts the objects that no rule announces among the first `limit` keys.

    Those outside `tickets/` come first, which are few in most buckets. Raises TransientFailure where the
    bucket cannot be listed.
    """
    found = Unannounced()
    for key in _keys(bucket):
        if found.looked_at == limit:
            found.cut = True
            break
        found.looked_at += 1
        kind = kind_of(key)
        if kind is not None:
            found.kinds[kind] += 1
    return found


def kind_of(key: str) -> str | None:
    """Why no rule announces an object of that key; None where one does, and for what is no ticket anyway."""
    if key.endswith("/") or key.startswith(PROBE_PREFIX) or is_macos_metadata(key):
        return None
    if not key.startswith(TICKETS_PREFIX):
        return OUTSIDE
    return None if key.endswith(TICKET_SUFFIX) else _suffix(key.rpartition("/")[2])


def _suffix(name: str) -> str:
    """As in `.JSON`, `.jsonl` and `.json.gz`."""
    stem, dot, last = name.rpartition(".")
    suffix = dot + last
    if suffix.lower() in _COMPRESSED:
        inner, dot, last = stem.rpartition(".")
        suffix = dot + last + suffix if inner else suffix
    return suffix if stem and len(suffix) <= MAX_SUFFIX_CHARS else OTHER


def _keys(bucket: RawKeys) -> Iterator[str]:
    yield from takewhile(lambda key: not key.startswith(TICKETS_PREFIX), bucket.keys())
    yield from bucket.keys(after=TICKETS_PREFIX + _LAST_CHARACTER)
    yield from bucket.keys(prefix=TICKETS_PREFIX)
