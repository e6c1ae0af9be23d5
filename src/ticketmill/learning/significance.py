"""Tests of significance, and one alpha shared by several of them. NumPy and the standard library suffice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from ticketmill.arrays import Doubles

PERMUTATIONS = 999
"""So many shuffles tell a p-value from 0.001 on, which an alpha shared by eight checks needs."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test found."""

    statistic: float
    p_value: float


def energy_test(
    reference: Doubles, newest: Doubles, rng: np.random.Generator, permutations: int = PERMUTATIONS
) -> Tested:
    """Whether two sets of (tickets, dimensions) vectors come from one distribution: the energy distance,
    against that of shuffled sets."""
    distances = pairwise_distances(np.vstack([reference, newest]))
    count = len(reference)
    found = energy_distance(distances, np.arange(len(distances)) < count)
    shuffled = energy_distance(distances, shuffles(len(distances), count, rng, permutations))
    return Tested(float(found), _p_value(shuffled >= found - 1e-12))


def energy_quantile(
    reference: Doubles,
    newest: int,
    rng: np.random.Generator,
    alpha: float,
    permutations: int = PERMUTATIONS,
) -> float:
    """The energy distance that `newest` vectors of the reference's own distribution exceed in a share
    `alpha` of all draws.

    It is drawn from splits of the reference. Of samples of n and m the distance goes with 1/n + 1/m.
    """
    total = len(reference)
    count = min(newest, total // 2)
    drawn = energy_distance(pairwise_distances(reference), shuffles(total, total - count, rng, permutations))
    scale = (1 / total + 1 / newest) / (1 / (total - count) + 1 / count)
    return float(np.quantile(drawn, 1 - alpha) * scale)


def energy_distance_of(reference: Doubles, newest: Doubles) -> float:
    """The energy distance between two sets of vectors."""
    distances = pairwise_distances(np.vstack([reference, newest]))
    return float(energy_distance(distances, np.arange(len(distances)) < len(reference)))


def pairwise_distances(vectors: Doubles) -> Doubles:
    """The Euclidean distances between all pairs of rows."""
    vectors = vectors.astype(np.float64)
    squares = (vectors**2).sum(axis=1)
    distances: Doubles = np.sqrt(np.maximum(squares[:, None] + squares - 2 * vectors @ vectors.T, 0))
    return distances


def shuffles(total: int, first: int, rng: np.random.Generator, permutations: int) -> np.ndarray:
    """(permutations, total) marks: `first` of each row are True, drawn at random."""
    order = rng.random((permutations, total)).argsort(axis=1)
    return order < first


def energy_distance(distances: Doubles, marked: np.ndarray) -> Doubles:
    """The energy distance between the marked and the other rows, for each row of marks.

    All of it follows from the products of the marks with the distances: z'Dz, and z'D1.
    """
    marks = np.atleast_2d(marked).astype(np.float64)
    first = marks.sum(axis=1)
    second = len(distances) - first
    within = ((marks @ distances) * marks).sum(axis=1)
    from_first = marks @ distances.sum(axis=1)
    between = from_first - within
    others = distances.sum() - 2 * from_first + within
    distance: Doubles = 2 * between / (first * second) - within / first**2 - others / second**2
    return distance if marked.ndim == 2 else distance[0]


def share_test(
    reference: Sequence[str],
    newest: Sequence[str],
    rng: np.random.Generator,
    permutations: int = PERMUTATIONS,
) -> Tested:
    """Whether labels have the same shares in two samples: the G statistic, against shuffled labels."""
    labels, codes = np.unique([*reference, *newest], return_inverse=True)
    first = np.bincount(codes[: len(reference)], minlength=len(labels))
    totals = np.bincount(codes, minlength=len(labels))
    found = _g_statistic(first[None], totals)[0]
    shuffled = rng.multivariate_hypergeometric(totals, len(reference), size=permutations)
    return Tested(float(found), _p_value(_g_statistic(shuffled, totals) >= found - 1e-9))


def label_sets_test(
    reference: np.ndarray,
    newest: np.ndarray,
    rng: np.random.Generator,
    permutations: int = PERMUTATIONS,
) -> Tested:
    """Whether labels have the same shares in two samples of (tickets, labels) marks, where a ticket has any
    number of them: the sum of the labels' G statistics, against shuffled tickets.

    Tickets are shuffled and not labels, because labels of one ticket depend on each other.
    """
    marks = np.vstack([reference, newest]).astype(np.float64)
    total, count = len(marks), len(reference)
    first = np.vstack([np.arange(total) < count, shuffles(total, count, rng, permutations)])
    given = first.astype(np.float64) @ marks
    statistics = np.zeros(len(first))
    for label in range(marks.shape[1]):
        hits = marks[:, label].sum()
        counts = np.stack([given[:, label], count - given[:, label]], axis=1)
        statistics += _g_statistic(counts, np.array([hits, total - hits]))
    return Tested(float(statistics[0]), _p_value(statistics[1:] >= statistics[0] - 1e-9))


def proportion_test(reference: tuple[int, int], newest: tuple[int, int]) -> Tested:
    """Whether a share differs between two samples, each as hits and tickets: Fisher's exact test, two-sided
    by doubling. The statistic is the difference of the shares."""
    (hits, of), (new_hits, new_of) = reference, newest
    all_hits, total = hits + new_hits, of + new_of
    ways = [
        comb(all_hits, each) * comb(total - all_hits, new_of - each)
        for each in range(max(0, new_of - (total - all_hits)), min(all_hits, new_of) + 1)
    ]
    at = new_hits - max(0, new_of - (total - all_hits))
    tail = min(sum(ways[: at + 1]), sum(ways[at:]))
    return Tested(new_hits / new_of - hits / of, min(1.0, 2 * (tail / comb(total, new_of))))


def shortfall_test(probabilities: Sequence[float], hits: int) -> Tested:
    """Whether `hits` are fewer than events of these probabilities give: exact, by the distribution of their
    sum. The statistic is the share of hits less the mean probability."""
    ways = np.ones(1)
    for each in probabilities:
        ways = np.convolve(ways, (1 - each, each))
    statistic = hits / len(probabilities) - float(np.mean(probabilities))
    return Tested(statistic, float(min(1.0, ways[: hits + 1].sum())))


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which tests are significant, so that all of them together raise a false alarm in a share `alpha` of
    all cases: the smallest p-value is held against alpha / n, the next against alpha / (n - 1), and so on
    until one fails."""
    rejected = [False] * len(p_values)
    for rank, position in enumerate(np.argsort(p_values, kind="stable").tolist()):
        if p_values[position] > alpha / (len(p_values) - rank):
            break
        rejected[position] = True
    return rejected


def _g_statistic(first: np.ndarray, totals: np.ndarray) -> Doubles:
    """2 Σ O ln(O / E) over both samples, for each row of counts of the first one."""
    statistic = np.zeros(len(first))
    for counts in (first, totals - first):
        expected = counts.sum(axis=1, keepdims=True) * totals / totals.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic += 2 * np.where(counts > 0, counts * np.log(counts / expected), 0).sum(axis=1)
    return statistic


def _p_value(as_extreme: np.ndarray) -> float:
    """The sample itself counts as one of the shuffles, so that no p-value is 0."""
    return (1 + int(as_extreme.sum())) / (1 + len(as_extreme))
