"""What learned versions do in a batch: a rollout that the worker follows, with its versions loaded."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ticketmill.domain.rollout import Arm, Rollout, TaskRollout
from ticketmill.tasks.learned import LearnedModel, OfLearned, labels_of, with_own_stage
from ticketmill.tasks.stage import EncodedTicket, Fallback, Stage
from ticketmill.tasks.table import BY_NAME

log = logging.getLogger(__name__)

Models = Mapping[tuple[str, int], LearnedModel]
"""Loaded versions, by task and number."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A ticket that a shadow scored beside the model that serves."""

    ticket_id: str
    served_by: str
    served: tuple[str, ...]
    served_confidence: float | None
    says: tuple[str, ...]
    confidence: float | None

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return set(self.served) == set(self.says)


@dataclass(frozen=True, slots=True)
class Predicted:
    """Tickets of one batch that one version of a task predicted; None is the bundle's own model."""

    task: str
    decision: int
    """The serial of the decision."""
    version: int | None
    tickets: int
    failed: int
    seconds: float


OnPredicted = Callable[[Predicted], None]
OnCompared = Callable[[LearnedModel, Sequence[Compared]], None]


def _ignore(*_told: object) -> None:
    return None


@dataclass(frozen=True)
class Learned:
    """The versions of a rollout. `rollout` names none that `models` lacks, but for shadows.

    `on_predicted` and `on_compared` are called within the batch: they must not wait for anything.
    """

    rollout: Rollout = field(default_factory=Rollout)
    models: Models = field(default_factory=dict)
    on_predicted: OnPredicted = _ignore
    on_compared: OnCompared = _ignore

    @property
    def own_tasks(self) -> list[str]:
        """The tasks of your own that have a decision."""
        return [task for task in self.rollout.tasks if task not in BY_NAME]

    def model_for(self, task: str, ticket_id: str) -> LearnedModel | None:
        """The version that predicts a task for a ticket; None for the bundle's own model."""
        decision = self.rollout.tasks.get(task)
        number = None if decision is None else decision.version_for(ticket_id)
        return None if number is None else self.models[task, number]

    def names_for(self, ticket_id: str) -> dict[str, str]:
        """The names of the versions that predict for a ticket, by task."""
        versions = self.rollout.versions_for(ticket_id)
        return {task: self.models[task, number].name for task, number in versions.items()}

    def arms_for(self, ticket_id: str) -> dict[str, Arm | str]:
        """The tasks whose prediction for a ticket a canary makes."""
        tasks = self.rollout.tasks.items()
        return {task: Arm.CANARY for task, each in tasks if each.arm_of(ticket_id) is Arm.CANARY}

    def stage(self, task: str, of_learned: OfLearned, own: Stage[Any]) -> Stage[Any]:
        """The stage of a task: each ticket by its version, or by `own` where that is the bundle's model."""
        decision = self.rollout.tasks.get(task)
        if decision is None:
            return own

        def predict(tickets: Sequence[EncodedTicket]) -> list[Any]:
            by_version: dict[int | None, list[int]] = {}
            for index, each in enumerate(tickets):
                model = self.model_for(task, each.ticket.ticket_id)
                by_version.setdefault(None if model is None else model.number, []).append(index)
            results: dict[int, Any] = {}
            for version, indices in by_version.items():
                stage = own
                if version is not None:
                    model = self.models[task, version]
                    stage = with_own_stage(model.name, model.stage(of_learned), own)
                predicted = self._timed(decision, version, stage, [tickets[index] for index in indices])
                results |= zip(indices, predicted, strict=True)
            return [results[index] for index in range(len(tickets))]

        return predict

    def compare(
        self,
        task: str,
        tickets: Sequence[EncodedTicket],
        predictions: Sequence[Any],
        served_by: Callable[[str], str],
    ) -> None:
        """Scores tickets with the shadow of a task, where it has one, beside what serves.

        `served_by` names the model of a ticket. A prediction that failed or fell back is compared with
        nothing. A shadow that fails fails for itself alone.
        """
        decision = self.rollout.tasks.get(task)
        shadow = None if decision is None or decision.shadow is None else decision.shadow
        model = None if shadow is None else self.models.get((task, shadow))
        made = [
            pair
            for pair in zip(tickets, predictions, strict=True)
            if pair[1] is not None and not isinstance(pair[1], Fallback)
        ]
        if model is None or not made:
            return
        try:
            scored = model.choose([ticket for ticket, _ in made])
        except Exception as error:  # noqa: BLE001 - a shadow decides nothing, whatever is wrong with it
            log.error("shadow %s failed for %d tickets: %s", model.name, len(made), type(error).__name__)
            return
        compared = []
        for (ticket, prediction), chosen in zip(made, scored, strict=True):
            ticket_id = ticket.ticket.ticket_id
            compared.append(
                Compared(
                    ticket_id, served_by(ticket_id), *labels_of(prediction), chosen.names, chosen.confidence
                )
            )
        self.on_compared(model, compared)

    def _timed(
        self,
        decision: TaskRollout,
        version: int | None,
        stage: Stage[Any],
        tickets: Sequence[EncodedTicket],
    ) -> Sequence[Any]:
        started = time.perf_counter()
        results = stage(tickets)
        seconds = time.perf_counter() - started
        failed = sum(isinstance(each, Fallback) for each in results)
        self.on_predicted(Predicted(decision.task, decision.serial, version, len(tickets), failed, seconds))
        return results


NOTHING_LEARNED = Learned()
"""Of a place without rollouts: the bundle's models serve."""
