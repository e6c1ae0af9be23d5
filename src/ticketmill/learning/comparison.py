"""Two models of one task on the same held-out examples, with intervals.

Examples of one group are alike, so groups are resampled and not examples (a paired cluster bootstrap).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ticketmill.arrays import Bools, Doubles
from ticketmill.domain.held_out import HeldOutPrediction
from ticketmill.domain.model_card import Interval, TaskKind

RESAMPLES = 2000
SEED = 20_261_121
_CHUNK = 200  # resamples at once, which bounds the memory
_CONFIDENCE = (2.5, 97.5)  # percent


@dataclass(frozen=True, slots=True)
class LabelComparison:
    """How two models predict one label: its F1."""

    support: int
    """Examples that have the label."""
    champion: float
    challenger: float
    difference: Interval
    """Challenger less champion."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two models do on the same examples: by accuracy, or by micro-F1 of several labels."""

    measure: str
    examples: int
    groups: int
    equal_groups: float
    """Groups of equal size that tell as much: (Σ n)² / Σ n² of their sizes (Kish, Survey Sampling, 1965)."""
    champion: Interval
    challenger: Interval
    difference: Interval
    """Challenger less champion."""
    only_champion: int
    """Examples that the champion alone has right, with every label."""
    only_challenger: int
    """Examples that the challenger alone has right."""
    p_value: float
    """Of the exact McNemar test: how probable so uneven a split is, were both as good."""
    by_label: dict[str, LabelComparison]


@dataclass(frozen=True, slots=True)
class Pair:
    """One example, and what both models say of it."""

    group: str
    right: tuple[str, ...]
    champion: tuple[str, ...]
    challenger: tuple[str, ...]


def pairs_of(
    challenger: Sequence[HeldOutPrediction], champion: Sequence[HeldOutPrediction] | None
) -> list[Pair]:
    """The examples that both versions held out; without a champion's, those that the bundle's own model
    predicted. What is right is what the challenger's dataset says, which is the newer one."""
    if champion is None:
        return [
            Pair(each.group, each.right, each.baseline, each.predicted)
            for each in challenger
            if each.baseline is not None
        ]
    said: Mapping[str, tuple[str, ...]] = {each.example_id: each.predicted for each in champion}
    return [
        Pair(each.group, each.right, said[each.example_id], each.predicted)
        for each in challenger
        if each.example_id in said
    ]


def compare(pairs: Sequence[Pair], kind: TaskKind) -> Comparison:
    """Compares two models on at least one example. The same examples give the same intervals."""
    labels = sorted({label for pair in pairs for label in (*pair.right, *pair.champion, *pair.challenger)})
    right = _indicators([pair.right for pair in pairs], labels)
    champion = _indicators([pair.champion for pair in pairs], labels)
    challenger = _indicators([pair.challenger for pair in pairs], labels)
    names, groups, sizes = np.unique([pair.group for pair in pairs], return_inverse=True, return_counts=True)
    sums = _by_group(right, champion, challenger, groups.astype(int), len(names))
    once = np.ones((1, len(names)))
    point, resampled = _figures(sums, once, kind), _resampled(sums, len(names), kind)
    champion_right = (champion == right).all(axis=1)
    challenger_right = (challenger == right).all(axis=1)
    only_champion = int((champion_right & ~challenger_right).sum())
    only_challenger = int((challenger_right & ~champion_right).sum())
    return Comparison(
        measure="accuracy" if kind == "single" else "micro-F1",
        examples=len(pairs),
        groups=len(names),
        equal_groups=float(sizes.sum() ** 2 / (sizes**2).sum()),
        champion=_interval(point["champion"], resampled["champion"]),
        challenger=_interval(point["challenger"], resampled["challenger"]),
        difference=_interval(
            point["challenger"] - point["champion"], resampled["challenger"] - resampled["champion"]
        ),
        only_champion=only_champion,
        only_challenger=only_challenger,
        p_value=mcnemar(only_champion, only_challenger),
        by_label=_by_label(labels, right, point, resampled),
    )


def mcnemar(one: int, other: int) -> float:
    """The two-sided exact p of a split of `one + other` disagreements, were each side as probable."""
    return min(1.0, 2 * at_least(max(one, other), one + other))


def at_least(count: int, of: int) -> float:
    """The probability of at least `count` heads among `of` tosses."""
    ways = sum(math.comb(of, heads) for heads in range(count, of + 1))
    return float(ways / 2**of)


def _indicators(said: Sequence[tuple[str, ...]], labels: Sequence[str]) -> Bools:
    """(examples, labels)"""
    columns = {label: column for column, label in enumerate(labels)}
    found = np.zeros((len(said), len(labels)), dtype=bool)
    for row, names in enumerate(said):
        found[row, [columns[name] for name in names]] = True
    return found


def _by_group(
    right: Bools, champion: Bools, challenger: Bools, groups: Any, count: int
) -> dict[str, Doubles]:
    """What is summed over examples, by group: (groups, labels), and (groups, 1) of what has no label."""

    def summed(values: Any) -> Doubles:
        totals = np.zeros((count, values.shape[1]))
        np.add.at(totals, groups, values)
        return totals

    sums = {"support": summed(right), "examples": summed(np.ones((len(right), 1)))}
    for name, said in (("champion", champion), ("challenger", challenger)):
        sums[f"{name} hits"] = summed(right & said)
        sums[f"{name} given"] = summed(said)
    return sums


def _figures(sums: Mapping[str, Doubles], weights: Doubles, kind: TaskKind) -> dict[str, Doubles]:
    """For weights (resamples, groups): by model (resamples, 1), by model and label (resamples, labels)."""
    found = {}
    support = weights @ sums["support"]
    for name in ("champion", "challenger"):
        hits, given = weights @ sums[f"{name} hits"], weights @ sums[f"{name} given"]
        all_hits = hits.sum(axis=1, keepdims=True)
        if kind == "single":  # one label is right, so that an example is right where its label is hit
            found[name] = _ratio(all_hits, weights @ sums["examples"])
        else:
            found[name] = _ratio(2 * all_hits, (given + support).sum(axis=1, keepdims=True))
        found[f"{name} by label"] = _ratio(2 * hits, given + support)
    return found


def _resampled(sums: Mapping[str, Doubles], groups: int, kind: TaskKind) -> dict[str, Doubles]:
    generator = np.random.default_rng(SEED)
    chunks = []
    for _ in range(RESAMPLES // _CHUNK):
        weights = generator.multinomial(groups, np.full(groups, 1 / groups), size=_CHUNK).astype(float)
        chunks.append(_figures(sums, weights, kind))
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _by_label(
    labels: Sequence[str], right: Bools, point: Mapping[str, Doubles], resampled: Mapping[str, Doubles]
) -> dict[str, LabelComparison]:
    champion, challenger = point["champion by label"][0], point["challenger by label"][0]
    differences = resampled["challenger by label"] - resampled["champion by label"]
    return {
        label: LabelComparison(
            support=int(right[:, column].sum()),
            champion=float(champion[column]),
            challenger=float(challenger[column]),
            difference=_interval(challenger[column] - champion[column], differences[:, column]),
        )
        for column, label in enumerate(labels)
    }


def _interval(value: Any, resampled: Doubles) -> Interval:
    low, high = np.percentile(resampled, _CONFIDENCE)
    return Interval(value=float(np.squeeze(value)), low=float(low), high=float(high))


def _ratio(above: Doubles, below: Doubles) -> Doubles:
    """0 where there is nothing to count."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
