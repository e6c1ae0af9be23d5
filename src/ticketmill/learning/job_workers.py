"""The workers that run jobs, in items: each writes its own, and removes it when it stops."""

from __future__ import annotations

from dataclasses import dataclass

from ticketmill.domain.job_worker import JobWorker
from ticketmill.domain.keys import JOB_WORKERS_KEY, document_position
from ticketmill.learning.ports import LearningItems


@dataclass(frozen=True, slots=True)
class JobWorkerRecords:
    """The workers of one place. Every method raises TransientFailure where the store fails."""

    items: LearningItems

    def beat(self, worker: JobWorker) -> None:
        """Writes the heartbeat of a worker."""
        position = document_position(worker.name)
        self.items.overwrite(JOB_WORKERS_KEY, {position: worker.model_dump_json()})

    def workers(self) -> list[JobWorker]:
        """All that have not stopped in order, the dead among them."""
        return [JobWorker.model_validate_json(body) for body in self.items.latest(JOB_WORKERS_KEY)]

    def remove(self, name: str) -> None:
        """Removes a worker that has stopped, or whose jobs others have by now."""
        self.items.delete(JOB_WORKERS_KEY, document_position(name))
