"""Your own tasks as readers know them, and lists of tickets by their labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from threading import Lock

from ticketmill.domain.dataset import TaskDefinition

KEPT_S = 30.0
"""How old the definitions may be that a server works with, in seconds."""

Definitions = Mapping[str, TaskDefinition]
"""Your own tasks by name."""


NO_TASKS: Definitions = {}


class OwnTasks(Mapping[str, TaskDefinition]):
    """The definitions by name. They are read when they are first asked for, and again after `kept_s`."""

    def __init__(
        self,
        read: Callable[[], Iterable[TaskDefinition]],
        kept_s: float = KEPT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._kept_s = kept_s
        self._clock = clock
        self._lock = Lock()
        self._known: dict[str, TaskDefinition] = {}
        self._read_at: float | None = None

    def __getitem__(self, name: str) -> TaskDefinition:
        return self._current()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def _current(self) -> Definitions:
        with self._lock:
            now = self._clock()
            if self._read_at is None or now - self._read_at >= self._kept_s:
                self._known = {each.name: each for each in sorted(self._read(), key=lambda each: each.name)}
                self._read_at = now
            return self._known


class UnknownOwnLabel(ValueError):
    """A filter by a task or a label that is not there. The message says what there is."""


def labels_by_task(given: Iterable[str], own: Definitions) -> dict[str, tuple[str, ...]]:
    """What filters such as `product_line=router` ask for, by task. UnknownOwnLabel where there is no such."""
    wanted: dict[str, tuple[str, ...]] = {}
    for each in given:
        task, equals, label = each.partition("=")
        if not equals:
            raise UnknownOwnLabel(f'"{each}" names no label; write as in product_line=router')
        if task not in own:
            known = f"there are: {', '.join(own)}" if own else "`ticketmill tasks add` adds one"
            raise UnknownOwnLabel(f'there is no task "{task}" of your own{_near(task, own)}; {known}')
        labels = own[task].labels
        if label not in labels:
            raise UnknownOwnLabel(
                f'{task} has no label "{label}"{_near(label, labels)}; there are: {", ".join(labels)}'
            )
        wanted[task] = (*wanted.get(task, ()), label)
    return wanted


def check_task_names(names: Iterable[str], ours: Iterable[str], own: Definitions) -> None:
    """Refuses what is neither one of `ours` nor one of your own tasks, by UnknownOwnLabel."""
    known = tuple(ours)
    for name in names:
        if name not in known and name not in own:
            every = (*known, *own)
            raise UnknownOwnLabel(
                f'there is no task "{name}"{_near(name, every)}; there are: {", ".join(every)}'
            )


def _near(word: str, known: Iterable[str]) -> str:
    found = get_close_matches(word, list(known), n=1)
    return f' (did you mean "{found[0]}"?)' if found else ""
