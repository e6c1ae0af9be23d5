"""The quality of heads on tickets that they did not see: of the whole corpus, and of each of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Bools, Doubles
from ticketmill.domain.labels import Urgency
from ticketmill.learning.scores import (
    Judged,
    NestedPressing,
    PressingScore,
    TaskScore,
    judge,
    score_nested_pressing,
    score_pressing,
)
from ticketmill.models.heads import HeadSpec

ALL = "all"


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """Scores of n tickets by heads that did not see their group; each by task."""

    scores: dict[str, Doubles]
    """(n, labels), with the operating points"""
    truth: dict[str, Doubles]
    """(n, labels)"""
    specs: dict[str, HeadSpec]
    bias: Doubles
    """(urgencies,): the operating point that is in the scores of urgency"""
    lengths: Doubles
    """(n,)"""
    files: NDArray[np.str_]
    """(n,): the groups by which calibrations are left out"""
    styles: NDArray[np.str_]
    """(n,)"""

    def joined(self, branch: Mapping[str, Doubles], weights: Mapping[str, float]) -> LeftOut:
        """The scores with those of the branch (n, labels) added, each task's by its weight."""
        added = {task: self.scores[task] + weight * branch[task] for task, weight in weights.items()}
        return replace(self, scores={**self.scores, **added})


@dataclass(frozen=True, slots=True)
class FileQuality:
    """The quality on the tickets of one file, or of all."""

    file: str
    tickets: int
    tasks: tuple[TaskScore, ...]
    pressing: PressingScore

    def task(self, name: str) -> TaskScore:
        """The score of one task."""
        return next(each for each in self.tasks if each.task == name)


@dataclass(frozen=True, slots=True)
class Quality:
    """The whole corpus first, then its files by name."""

    files: tuple[FileQuality, ...]
    nested: NestedPressing

    @property
    def overall(self) -> FileQuality:
        """On all tickets."""
        return self.files[0]


def measure(left_out: LeftOut) -> Quality:
    """The quality on all tickets and on those of each style."""
    styles = left_out.styles
    judged = [
        judge(task, spec, left_out.scores[task], left_out.truth[task], left_out.lengths, left_out.files)
        for task, spec in left_out.specs.items()
    ]
    every = np.ones(len(styles), np.bool_)
    named = {ALL: every} | {name: styles == name for name in np.unique(styles).tolist()}
    pressing = pressing_labels(left_out.specs["urgency"])
    return Quality(
        tuple(_of_file(name, chosen, judged, left_out, pressing) for name, chosen in named.items()),
        score_nested_pressing(
            left_out.scores["urgency"] - left_out.bias, left_out.truth["urgency"], pressing, left_out.files
        ),
    )


def pressing_labels(urgency: HeadSpec) -> list[int]:
    """The positions of critical and high."""
    return [urgency.labels.index(label) for label in (Urgency.CRITICAL, Urgency.HIGH)]


def _of_file(
    name: str, chosen: Bools, judged: list[Judged], left_out: LeftOut, pressing: list[int]
) -> FileQuality:
    return FileQuality(
        file=name,
        tickets=int(chosen.sum()),
        tasks=tuple(each.score(chosen) for each in judged),
        pressing=score_pressing(
            left_out.scores["urgency"][chosen], left_out.truth["urgency"][chosen], pressing
        ),
    )
