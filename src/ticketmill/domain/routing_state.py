"""How far the changes of the rows are routed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ticketmill.domain.change import Change

CLOSED = "closed"
"""The position in a shard that was read to its end."""


@dataclass(frozen=True, slots=True)
class RoutingState:
    """Positions in the shards of one stream of changes."""

    stream: str
    """The stream."""
    since: datetime
    """When routing began. Earlier changes are not routed."""
    positions: Mapping[str, str] = field(default_factory=dict)
    """By shard the last change that was routed, or CLOSED."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of the stream. Its parent comes before it."""

    shard_id: str
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class TimedChange:
    """A change of a row, and when the row was written."""

    change: Change
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Some records of a shard, in their order."""

    changes: tuple[TimedChange, ...]
    """Those of the records that change a ticket."""
    records: int
    """How many records there were."""
    position: str | None
    """After the page; None before the first record."""
    is_last: bool
    """Whether the shard has ended."""
