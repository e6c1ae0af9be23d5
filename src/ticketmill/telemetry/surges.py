"""How many surges are open, for CloudWatch: an alarm watches it."""

from __future__ import annotations

from typing import TextIO

from prometheus_client import CollectorRegistry, Gauge

from ticketmill.telemetry.emf import EmfLines

OPEN = "ticketmill_surges_open"


class SurgeLines:
    """Lines in CloudWatch's embedded metric format, one a look."""

    def __init__(self, stack: str, stream: TextIO | None = None) -> None:
        registry = CollectorRegistry()
        self._open = Gauge(OPEN, "Surges that nobody has spoken of.", registry=registry)
        self._lines = EmfLines(registry, stack, stream)

    def write(self, open_surges: int) -> None:
        """Writes how many surges are open."""
        self._open.set(open_surges)
        self._lines.write()
