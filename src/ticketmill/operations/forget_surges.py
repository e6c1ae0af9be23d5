"""A ticket among those of surges, for whoever forgets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ticketmill.operations.forget import Traces
from ticketmill.operations.surge_records import SurgeRecords


@dataclass(frozen=True, slots=True)
class SurgesOfTicket:
    """Its id in the records of surges. They have no text of it but words that several tickets have."""

    records: SurgeRecords

    @property
    def name(self) -> str:
        return "surges"

    def remove(self, traces: Traces) -> int:
        found = self.left(traces)
        for surge_id in found:
            self.records.change(
                surge_id, lambda each: each.without_ticket(traces.ticket_id), datetime.now(UTC)
            )
        return len(found)

    def left(self, traces: Traces) -> list[str]:
        return [each.surge_id for each in self.records.newest(None) if traces.ticket_id in each.tickets]
