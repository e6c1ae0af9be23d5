"""Finds the queues of jobs, and submits jobs to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Protocol

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.job import Job, JobKind, JobRequest
from ticketmill.domain.job_message import JobMessage
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.aws.clients import Clients
    from ticketmill.learning.job_records import JobRecords

QueueName = Literal["training", "prediction"]
OUTPUTS: Mapping[str, QueueName] = {"TrainingQueueUrl": "training", "PredictionQueueUrl": "prediction"}
"""The outputs of infra/learning-service.yaml that name the queues."""


class Sender(Protocol):
    """A queue that jobs are sent to."""

    def send(self, body: str) -> None:
        """Sends one message. TransientFailure where it cannot be sent."""
        ...


@dataclass(frozen=True, slots=True)
class JobDesk:
    """Submits jobs: the row first, then the message, so that what is delivered is there."""

    records: JobRecords
    queues: Mapping[QueueName, Sender]

    def has_queue(self, kind: JobKind) -> bool:
        """Whether somebody else runs jobs of a kind."""
        return queue_of(kind) in self.queues

    def submit(self, job_id: str, request: JobRequest) -> Job:
        """The job of an id, with a message on its way where there is a queue. The same request again sends
        another message, for one that was lost; a job that has ended is not delivered any more.

        LearningRefused where the id has another request; TransientFailure where the message cannot be sent:
        submit it again.
        """
        from ticketmill.learning.job_records import is_final

        job = self.records.submit(job_id, request, datetime.now(UTC))
        if self.has_queue(request.kind) and not is_final(job):
            try:
                self.queues[queue_of(request.kind)].send(JobMessage(job_id=job_id).body())
            except TransientFailure as failure:
                told = f"job {job_id} is kept, and nobody is told of it yet: {failure}; submit it again"
                raise TransientFailure(told, failure.code, failure.dependency) from failure
        return job


def make_job_desk(settings: Settings, records: JobRecords, clients: Clients | None = None) -> JobDesk:
    """The desk of a stack, with its queues."""
    from ticketmill.aws.clients import connect
    from ticketmill.aws.sqs import SqsQueue

    clients = clients or connect()
    urls = job_queue_urls(settings, clients)
    return JobDesk(records, {name: SqsQueue(clients.sqs, url) for name, url in urls.items()})


def queue_of(kind: JobKind) -> QueueName:
    """The queue of a kind: a training takes minutes, and would keep all others waiting."""
    return "training" if kind is JobKind.TRAIN else "prediction"


def job_queue_urls(settings: Settings, clients: Clients) -> dict[QueueName, str]:
    """The queues that there are: those of the settings, else the outputs of the stack NAME-learning."""
    named: dict[QueueName, str | None] = {
        "training": settings.training_queue_url,
        "prediction": settings.prediction_queue_url,
    }
    if any(named.values()):
        return {name: url for name, url in named.items() if url}
    from ticketmill.aws.clients import at_setup
    from ticketmill.deploy.stack import describe

    with at_setup("looking for the queues of jobs", "or set TICKETMILL_TRAINING_QUEUE_URL"):
        found = describe(clients, f"{settings.stack}-learning")
    outputs = {} if found is None else {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}
    return {name: outputs[output] for output, name in OUTPUTS.items() if output in outputs}
