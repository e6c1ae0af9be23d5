"""A message of the training queue: what a schedule or a person asks a trainer for."""

from __future__ import annotations

import json

from pydantic import ValidationError

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


class BadTrainingMessage(ValueError):
    """A message that asks for no training."""


def read_training_message(body: str) -> TrainingMessage:
    """What a message asks for. BadTrainingMessage where it is none, in words that quote nothing of it."""
    try:
        document = json.loads(body)
        return TrainingMessage.model_validate(document["train"])
    except (ValueError, TypeError, KeyError, ValidationError) as error:
        raise BadTrainingMessage(
            'expected {"train": {"task": …, "if_due": …, "who": …}}, found something else '
            f"({type(error).__name__})"
        ) from None
