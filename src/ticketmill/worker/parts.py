"""What the threads of one worker share."""

from __future__ import annotations

from dataclasses import dataclass

from ticketmill.pipeline.ports import Queue
from ticketmill.worker.buffer import Buffer
from ticketmill.worker.dependencies import Dependencies
from ticketmill.worker.leases import Leases
from ticketmill.worker.liveness import Liveness
from ticketmill.worker.pace import Pace
from ticketmill.worker.statistics import Statistics


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one worker; each may be used by several threads."""

    queue: Queue
    pace: Pace
    leases: Leases
    buffer: Buffer
    dependencies: Dependencies
    statistics: Statistics
    liveness: Liveness
