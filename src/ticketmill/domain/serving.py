"""Which bundle serves: decisions in an order that every worker agrees on.

A decision has a serial, and each one raises it, also one that rolls back to an older bundle. Outputs carry
the serial of the decision that chose their bundle: no old worker replaces what a newer one made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

NO_SERIAL = 0
"""Of outputs that no decision chose. Every decision ranks above it."""


@dataclass(frozen=True, slots=True)
class ServingDecision:
    """The bundle `fingerprint` serves from here on; `decided_by` names the host or the person."""

    serial: int
    fingerprint: str
    decided_at: datetime | None = None
    decided_by: str | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """What decided an output: the decisions on the bundle and on learned versions, and the fingerprint."""

    serving_serial: int
    rollout_serial: int
    fingerprint: str

    @property
    def serials(self) -> tuple[int, int]:
        """Of two outputs of one upload the one with the greater pair stays."""
        return self.serving_serial, self.rollout_serial


@dataclass(frozen=True, slots=True)
class ServingHistory:
    """The latest decision for each bundle that ever served, by fingerprint."""

    latest: Mapping[str, ServingDecision] = field(default_factory=dict)

    @property
    def current(self) -> ServingDecision | None:
        """The decision that holds now; None before the first."""
        return max(self.latest.values(), key=lambda each: each.serial, default=None)

    def serial_of(self, fingerprint: str) -> int | None:
        """The serial that a worker with this bundle writes; None where no decision ever chose it."""
        decision = self.latest.get(fingerprint)
        return None if decision is None else decision.serial

    def next(self, fingerprint: str, decided_by: str, now: datetime) -> ServingDecision:
        """The decision that lets `fingerprint` serve from now on."""
        serial = NO_SERIAL if self.current is None else self.current.serial
        return ServingDecision(serial + 1, fingerprint, now, decided_by)
