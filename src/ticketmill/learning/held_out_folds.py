"""Folds of labelled texts, by group: a thread, a customer or near-duplicates are never on both sides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ticketmill.models.tokens import Ints

SEED = 0
MIN_GROUPS = 50
"""Fewer groups are no threads but kinds, such as repositories or shops, that tickets to come have as well:
they are on both sides of a split, and the text alone is held out."""


def folds_of(groups: Sequence[str], labels: Ints, folds: int) -> Ints:
    """(n,): the fold of each text, about the same share of every label (n,) in each fold.

    Groups are dealt in an order that depends on nothing but a seed, each to the fold that has fewest of its
    label.
    """
    names = list(groups)
    if len(set(names)) < min(MIN_GROUPS, len(names)):
        names = [str(number) for number in range(len(names))]
    members: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        members.setdefault(name, []).append(number)
    dealt = list(members.values())
    dealt = [dealt[at] for at in np.random.default_rng(SEED).permutation(len(dealt))]
    dealt.sort(key=len, reverse=True)
    counts = np.zeros((int(labels.max(initial=0)) + 1, folds))
    sizes = np.zeros(folds)
    found = np.zeros(len(names), np.int64)
    for rows in dealt:
        own = np.bincount(labels[rows], minlength=len(counts))
        fold = int(np.lexsort((sizes, own @ counts))[0])
        found[rows] = fold
        counts[:, fold] += own
        sizes[fold] += len(rows)
    return found
