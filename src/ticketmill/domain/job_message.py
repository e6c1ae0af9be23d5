"""Messages of the queues of jobs: one job, or a training that a schedule asks for and that becomes one."""

from __future__ import annotations

import json

from pydantic import ValidationError

from ticketmill.domain.job import JobId
from ticketmill.domain.records import Frozen


class TrainingMessage(Frozen):
    """Trains one task, or every task that has labels."""

    task: str | None = None
    """The task; null for all."""
    if_due: bool = True
    """Whether it is trained only where a trigger asks for it."""
    who: str = "schedule"
    """Who asks: a person, or `schedule`."""

    def body(self) -> str:
        """As a message's body."""
        return json.dumps({"train": self.model_dump()})


class JobMessage(Frozen):
    """Delivers a job to whoever runs it."""

    job_id: JobId
    """The job. What is asked for lies in its row."""

    def body(self) -> str:
        """As a message's body."""
        return json.dumps({"job": self.model_dump()})


class BadJobMessage(ValueError):
    """A message that asks for nothing of ours."""


def read_job_message(body: str) -> JobMessage | TrainingMessage:
    """What a message asks for. BadJobMessage where it is none, in words that quote nothing of it."""
    try:
        document = json.loads(body)
        if "job" in document:
            return JobMessage.model_validate(document["job"])
        return TrainingMessage.model_validate(document["train"])
    except (ValueError, TypeError, KeyError, ValidationError) as error:
        raise BadJobMessage(
            'expected {"job": {"job_id": …}} or {"train": {"task": …, "if_due": …, "who": …}}, found '
            f"something else ({type(error).__name__})"
        ) from None
