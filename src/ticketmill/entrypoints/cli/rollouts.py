"""`ticketmill models shadow|canary|promote|rollback|stop|retire`: which learned version predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ticketmill.entrypoints.cli.learned import (
    Reason,
    StoreFolder,
    TaskName,
    VersionName,
    Who,
    decider,
    open_desk,
    told_decision,
)
from ticketmill.entrypoints.cli.output import AsJson, answer, answer_json, say

if TYPE_CHECKING:
    from pathlib import Path

    from ticketmill.domain.model_card import ModelVersion
    from ticketmill.domain.rollout import TaskRollout
    from ticketmill.learning.rollout import RolloutDesk
    from ticketmill.settings import Settings

SEEN_WITHIN = "Workers see it within 30 seconds."


def shadow(
    version: VersionName,
    reason: Reason = "",
    who: Who = None,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let a version score every ticket beside what serves. It decides nothing."""
    settings, desk, found = _opened(version, store)
    _answer(desk.shadow(found, decider(settings, who, reason)), as_json)


def canary(
    version: VersionName,
    percent: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="Share of the tickets; without it the next of the steps."),
    ] = None,
    reason: Reason = "",
    who: Who = None,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let a version predict for a share of the tickets: 5, 25, 50 and 100 percent, a step a call.

    A ticket stays on its side while the share grows. TICKETMILL_CANARY_STEPS has other steps.
    """
    settings, desk, found = _opened(version, store)
    _answer(desk.canary(found, decider(settings, who, reason), percent), as_json)


def promote(
    version: VersionName,
    force: Annotated[
        bool, typer.Option("--force", help="Although a gate fails; needs --reason, which the history keeps.")
    ] = False,
    reason: Reason = "",
    who: Who = None,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let a version serve, where it passes its gates.

    It must not be worse than what serves on the examples that both held out, and at least 200 audits must not
    speak against it. Exit code 6 where a gate fails; the message has the numbers.
    """
    from ticketmill import bootstrap

    if force and not reason.strip():
        raise typer.BadParameter("--force needs a reason, which the history keeps", param_hint="--reason")
    settings, desk, found = _opened(version, store)
    gates = bootstrap.promotion_gates(settings, desk.store, found, with_stack=store is None)
    promoted = desk.promote(found, decider(settings, who, reason.strip()), gates, forced=force)
    if not as_json:
        for gate in promoted.gates:
            say(f"{gate.gate}: {'passed' if gate.passed else 'failed'}, {gate.said}")
    _answer(promoted.decision, as_json)


def rollback(
    task: TaskName,
    to_bundle: Annotated[
        bool, typer.Option("--to-bundle", help="To the model of the bundle, whatever served before.")
    ] = False,
    reason: Reason = "",
    who: Who = None,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """End a task's canary; without one, let what served before serve again."""
    from ticketmill.settings import load_settings

    settings = load_settings()
    desk = open_desk(settings, store)
    _answer(desk.roll_back(task, decider(settings, who, reason), to_bundle), as_json)


def stop(
    task: TaskName, reason: Reason = "", who: Who = None, store: StoreFolder = None, as_json: AsJson = False
) -> None:
    """End a task's shadow and canary; what serves goes on."""
    from ticketmill.settings import load_settings

    settings = load_settings()
    desk = open_desk(settings, store)
    _answer(desk.stop(task, decider(settings, who, reason)), as_json)


def retire(
    version: VersionName,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Keep a version from ever serving. Its files stay."""
    _, desk, found = _opened(version, store)
    changed = desk.retire(found, retired=not undo)
    if as_json:
        answer_json(changed.model_dump(mode="json"))
    else:
        answer(f"{changed.name} {'is retired' if changed.retired else 'may serve again'}")


def _opened(version: str, store: Path | None) -> tuple[Settings, RolloutDesk, ModelVersion]:
    """The settings, the desk of a store, and the version that a person names there."""
    from ticketmill.learning.registry import find_version
    from ticketmill.settings import load_settings

    settings = load_settings()
    desk = open_desk(settings, store)
    return settings, desk, find_version(desk.store, version)


def _answer(decision: TaskRollout, as_json: bool) -> None:
    if as_json:
        answer_json(decision.model_dump(mode="json"))
    else:
        answer(f"{told_decision(decision)}. {SEEN_WITHIN}")
