"""Folds by group, about the same share of every label in each."""

from __future__ import annotations

import numpy as np

from ticketmill.learning.held_out_folds import folds_of


def test_a_group_is_never_on_both_sides() -> None:
    groups = [f"thread-{at // 3}" for at in range(300)]
    folds = folds_of(groups, np.arange(300) % 4, 5)
    assert all(len(set(folds[at : at + 3])) == 1 for at in range(0, 300, 3))
    assert set(folds) == set(range(5))


def test_every_fold_has_every_label() -> None:
    labels = np.repeat(np.arange(10), 5)
    folds = folds_of([str(at) for at in range(50)], labels, 5)
    assert all(set(labels[folds == fold]) == set(range(10)) for fold in range(5))


def test_a_handful_of_groups_are_kinds_and_stand_on_both_sides() -> None:
    groups = [f"repository-{at % 5}" for at in range(200)]
    folds = folds_of(groups, np.zeros(200, np.int64), 5)
    assert len({group for group, fold in zip(groups, folds, strict=True) if fold == 0}) == 5
