"""What is known of the cached features of one encoder: their segments, and the texts of each."""

from __future__ import annotations

from typing import Any

from pydantic import Field, NonNegativeInt, ValidationError

from ticketmill.domain.records import Record

CATALOG = "catalog.json"
"""The catalog among the objects of an encoder's features."""
STATUS = "status.json"
"""The same in numbers: a catalog of many texts is long."""


class CacheStatus(Record):
    """The cached features of one encoder in numbers."""

    entries: NonNegativeInt = 0
    """Texts that are cached."""
    megabytes: float = 0.0
    """How much they take."""
    hits: NonNegativeInt = 0
    """Texts that were asked for and found, in all runs."""
    misses: NonNegativeInt = 0
    """Texts that were asked for and not found."""

    @property
    def hit_rate(self) -> float | None:
        """The share of the texts asked for that was found; None where none was asked for."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None


class CatalogEntry(Record):
    """One segment."""

    keys: tuple[str, ...]
    """The hashes of its texts, in the order of its rows."""
    size_bytes: NonNegativeInt
    """The size of its object."""
    used: NonNegativeInt
    """The turn in which a text of it was last asked for."""


class Catalog(Record):
    """The segments of one encoder's features."""

    segments: dict[str, CatalogEntry] = Field(default_factory=dict)
    """By name."""
    turn: NonNegativeInt = 0
    """Counts the runs that opened the cache: a clock that orders uses."""
    hits: NonNegativeInt = 0
    """Texts that were asked for and found, in all runs."""
    misses: NonNegativeInt = 0
    """Texts that were asked for and not found."""

    @property
    def entries(self) -> int:
        """How many texts are cached."""
        return sum(len(each.keys) for each in self.segments.values())

    @property
    def megabytes(self) -> float:
        """How much they take."""
        return sum(each.size_bytes for each in self.segments.values()) / 1e6

    @property
    def status(self) -> CacheStatus:
        """The catalog in numbers."""
        return CacheStatus(
            entries=self.entries, megabytes=round(self.megabytes, 3), hits=self.hits, misses=self.misses
        )

    def with_segment(self, name: str, entry: CatalogEntry) -> Catalog:
        """The catalog with one segment more, or with what is new of one."""
        return self.changed(segments={**self.segments, name: entry})

    def without_segment(self, name: str) -> Catalog:
        """The catalog without one segment."""
        return self.changed(segments={each: self.segments[each] for each in self.segments if each != name})

    def changed(self, **changes: Any) -> Catalog:
        """A copy with other values."""
        return self.model_copy(update=changes)


def read_catalog(body: bytes | None) -> Catalog:
    """The catalog as it is stored; an empty one where there is none, or none that can be read: it is made
    again from the segments."""
    if body is None:
        return Catalog()
    try:
        return Catalog.model_validate_json(body)
    except ValidationError:
        return Catalog()


def read_status(body: bytes | None) -> CacheStatus:
    """The numbers as they are stored; zeros where there are none, or none that can be read."""
    try:
        return CacheStatus() if body is None else CacheStatus.model_validate_json(body)
    except ValidationError:
        return CacheStatus()
