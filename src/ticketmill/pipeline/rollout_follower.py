"""Following the rollout: which decision a worker works under, with its versions loaded.

A worker reads the decisions again every few seconds, beside its batches, and loads what they name. A batch
takes one `Learned` at its start and keeps it.

A version that cannot be loaded is refused. Of its task the latest earlier decision that can be followed
holds, or the bundle's own model where there is none. The worker then writes the last serial under which that
one held. So it serves nothing that no decision named, and replaces nothing that others made under a later
one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from ticketmill.domain.errors import LearningRefused, TransientFailure
from ticketmill.domain.model_card import version_name
from ticketmill.domain.rollout import Rollout, TaskRollout
from ticketmill.pipeline.learned import Learned, Models
from ticketmill.tasks.learned import LearnedModel

log = logging.getLogger(__name__)

REFRESH_S = 15.0
"""Between two looks at the decisions: half of the 30 s in which a rollback must reach every batch."""

ACCESS_DENIED = "AccessDeniedException"
"""Of a role that an older version made: it knows no rollout, so that nobody follows one there."""

LoadVersion = Callable[[str, int], LearnedModel]
"""Loads a version of a task. LearningRefused or TransientFailure where it cannot be had."""
History = Callable[[str], Sequence[Rollout]]
"""The decisions on a task, the latest first."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A version that a decision names and that could not be loaded."""

    version: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Followed:
    """A decision of all tasks, as far as it can be followed, and why not further."""

    decided: Rollout
    rollout: Rollout
    models: Models = field(default_factory=dict)
    refused: tuple[Refused, ...] = ()


class Loading:
    """Loads the versions of one look at the decisions, each once; those of `known` are there already."""

    def __init__(self, load: LoadVersion, known: Models) -> None:
        self.models = dict(known)
        self.refused: dict[tuple[str, int], Refused] = {}
        self._load = load

    def has(self, task: str, number: int | None) -> bool:
        """Whether a version can predict; the bundle's own model always can."""
        if number is None or (task, number) in self.models:
            return True
        if (task, number) in self.refused:
            return False
        name = version_name(task, number)
        try:
            self.models[task, number] = self._load(task, number)
            return True
        except (LearningRefused, TransientFailure) as error:
            refused = Refused(name, error.code, str(error))
        except Exception as error:  # noqa: BLE001 - whatever a damaged file makes NumPy raise
            refused = Refused(name, "fault", f"{name} cannot be loaded: {type(error).__name__}")
        self.refused[task, number] = refused
        return False


def follow(decided: Rollout, known: Models, load: LoadVersion, history: History) -> Followed:
    """`decided`, with its versions loaded; the versions of `known` are not loaded again."""
    loading = Loading(load, known)
    followed = {task: _followed(task, decided, loading, history) for task in sorted(decided.tasks)}
    rollout = Rollout(
        serial=min((until for _, until in followed.values()), default=decided.serial),
        tasks={task: each for task, (each, _) in followed.items() if each is not None},
    )
    named = {(task, number) for task, each in decided.tasks.items() for number in each.versions}
    used = {(task, number) for task, each in rollout.tasks.items() for number in each.versions}
    return Followed(
        decided,
        rollout,
        {version: loading.models[version] for version in sorted(used & loading.models.keys())},
        tuple(loading.refused[version] for version in sorted(named & loading.refused.keys())),
    )


def _followed(
    task: str, decided: Rollout, loading: Loading, history: History
) -> tuple[TaskRollout | None, int]:
    """What is followed of the decisions on a task, and the last serial under which it held.

    None is the bundle's own model. A shadow may be missing.
    """
    until = decided.serial
    for rollout in _latest_first(task, decided, history):
        decision = rollout.tasks[task]
        loading.has(task, decision.shadow)
        # both are tried, so that a refusal names both
        if all([loading.has(task, decision.serving), loading.has(task, decision.canary)]):
            return decision, until
        until = decision.serial - 1
    return None, until


def _latest_first(task: str, decided: Rollout, history: History) -> Iterator[Rollout]:
    """The decisions on a task; earlier ones are asked for where they are needed."""
    yield decided
    yield from (each for each in history(task) if each.serial < decided.tasks[task].serial)


@dataclass
class RolloutFollower:
    """What a worker predicts with now. Called at the start of each batch.

    `refresh` looks at the decisions; where no thread calls it, as in Lambda, the call itself does when it is
    due. `learned` has what learned versions report to.
    """

    read: Callable[[], Rollout]
    history: History
    load: LoadVersion
    refresh_s: float = REFRESH_S
    learned: Learned = field(default_factory=Learned)
    refreshes_itself: bool = True
    monotonic: Callable[[], float] = time.monotonic
    _followed: Followed | None = field(default=None, init=False)
    _read_at: float = field(default=0.0, init=False)
    _refreshing: Lock = field(default_factory=Lock, init=False)

    def __call__(self) -> Learned:
        """The versions of now. TransientFailure where no decision was ever read and none can be."""
        if self._followed is None or (self.refreshes_itself and self._is_due()):
            with self._refreshing:
                if self._followed is None or self._is_due():
                    self._refresh()
        return self.learned

    @property
    def serial(self) -> int:
        """The serial that the worker writes."""
        return self.learned.rollout.serial

    @property
    def refused(self) -> tuple[Refused, ...]:
        """The versions that the latest decision names and that could not be loaded."""
        return () if self._followed is None else self._followed.refused

    def refresh(self) -> None:
        """Looks at the decisions now. TransientFailure where none was ever read and none can be."""
        with self._refreshing:
            self._refresh()

    def _is_due(self) -> bool:
        return self.monotonic() - self._read_at >= self.refresh_s

    def _refresh(self) -> None:
        try:
            followed = self._look(self._followed)
        except (TransientFailure, ValueError) as error:
            failure = _failure_of(error)
            if self._followed is not None:
                log.warning("the rollout could not be read again, the last decision holds: %s", failure)
            elif failure.code == ACCESS_DENIED:
                log.warning("%s: the bundle's own models serve; update the stack: ticketmill deploy", failure)
                self._followed = Followed(Rollout(), Rollout())
            else:
                raise failure from error
        else:
            self._tell(followed)
            self.learned = replace(self.learned, rollout=followed.rollout, models=followed.models)
            self._followed = followed
        self._read_at = self.monotonic()

    def _look(self, known: Followed | None) -> Followed:
        """What is to be followed now. What was refused before is tried again."""
        decided = self.read()
        if known is not None and known.decided == decided and not known.refused:
            return known
        return follow(decided, {} if known is None else known.models, self.load, self.history)

    def _tell(self, followed: Followed) -> None:
        known = self._followed
        for each in followed.refused:
            if known is None or each not in known.refused:
                log.warning("learned version refused, %s: %s", each.code, each.message)
        is_new = known is None or known.decided != followed.decided or known.rollout != followed.rollout
        if is_new and followed.decided.serial:
            log.info(
                "rollout %d: serial %d is followed, with %s",
                followed.decided.serial,
                followed.rollout.serial,
                ", ".join(model.name for model in followed.models.values()) or "the bundle's own models",
            )


def _failure_of(error: TransientFailure | ValueError) -> TransientFailure:
    """Of a record that this version cannot read a newer one may make sense."""
    if isinstance(error, TransientFailure):
        return error
    return TransientFailure("this version cannot read the rollout: install a newer one", "unreadable_rollout")
