"""What the commands on learned versions share: where they lie, who decides, and how they are told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ticketmill.domain.model_card import Interval, ModelVersion
    from ticketmill.domain.rollout import Decider, TaskRollout
    from ticketmill.learning.rollout import RolloutDesk
    from ticketmill.learning.store import LearningStore
    from ticketmill.settings import Settings

StoreFolder = Annotated[
    Path | None, typer.Option("--store", help="A folder in the place of the stack: no AWS is needed.")
]
VersionName = Annotated[str, typer.Argument(metavar="VERSION", help="As in intent/v3.")]
TaskName = Annotated[str, typer.Argument(metavar="TASK", help="As in intent.")]
Reason = Annotated[str, typer.Option(help="Why, in a sentence: the history keeps it.")]
Who = Annotated[str | None, typer.Option(help="Who decides; TICKETMILL_PERSON, or the login name.")]


def open_store(settings: Settings, folder: Path | None) -> LearningStore:
    """The store that a command works on."""
    from ticketmill import bootstrap

    return bootstrap.open_learning_store(settings, folder)


def open_desk(settings: Settings, folder: Path | None) -> RolloutDesk:
    """What decides on that store, for this machine's bundle."""
    from ticketmill import bootstrap
    from ticketmill.learning.rollout import RolloutDesk

    return RolloutDesk(
        open_store(settings, folder), bootstrap.encoder_here(settings), settings.canary_percents
    )


def decider(settings: Settings, who: str | None, reason: str = "") -> Decider:
    """Who decides now."""
    from ticketmill.domain.rollout import Decider
    from ticketmill.entrypoints.cli.person import name_of_person

    return Decider(who=name_of_person(settings, who), at=datetime.now(UTC), reason=reason)


def told_state(version: ModelVersion, decision: TaskRollout | None) -> str:
    """As in `serving`, `canary 25%` and `retired`; nothing for a version that only lies there."""
    if version.retired:
        return "retired"
    if decision is None:
        return ""
    states = {
        decision.previous: "before it",
        decision.shadow: "shadow",
        decision.canary: f"canary {decision.canary_percent}%",
        decision.serving: "serving",
    }
    return states.get(version.number, "")


def told_model(task: str, number: int | None) -> str:
    """A version's name; what predicts without one: a task of your own has no model in the bundle."""
    from ticketmill.domain.model_card import version_name
    from ticketmill.tasks.table import BY_NAME

    if number is not None:
        return version_name(task, number)
    return "the model of the bundle" if task in BY_NAME else "nothing"


def told_decision(decision: TaskRollout) -> str:
    """What holds for a task, in a line."""
    return f"{decision.task}: {', '.join(_parts(decision))} (serial {decision.serial})"


def _parts(decision: TaskRollout) -> Iterator[str]:
    from ticketmill.domain.model_card import version_name

    def named(number: int) -> str:
        return version_name(decision.task, number)

    yield f"{told_model(decision.task, decision.serving)} serves"
    if decision.canary is not None:
        yield f"{named(decision.canary)} predicts for {decision.canary_percent}% of the tickets"
    if decision.shadow is not None:
        yield f"{named(decision.shadow)} is the shadow"


def told_interval(interval: Interval, signed: bool = False) -> str:
    """As in `0.912 (0.890 to 0.931)`."""
    form = "+.3f" if signed else ".3f"
    return f"{interval.value:{form}} ({interval.low:{form}} to {interval.high:{form}})"
