"""What examples of a label are worth: drawn from eight businesses, measured on the ninth.

Every label of the corpus is treated as one that no head was trained on. Its prototype, the head from its
examples and the mean of all tickets come from other businesses than the scored ticket.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles
from ticketmill.learning.cross_validation import by_the_others
from ticketmill.learning.weighing import TopicScore, held_out, platt, score_topics
from ticketmill.models.prototypes import Prototypes, unit, without
from ticketmill.models.topics import Weights

COUNTS = (0, 3, 5, 10)
SEEDS = 3
HALF_WAY = 5.0
"""Examples at which a label's weights are half way from those without any; from 3 to 12 fit alike."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Products (tickets, labels) of tickets and labels, each label with `count` examples.

    `described` are products with the descriptions, `shown` with the heads from the examples, `averaged` with
    the mean of description and examples.
    """

    count: int
    described: Doubles
    shown: Doubles
    averaged: Doubles

    @property
    def columns(self) -> list[Doubles]:
        """The terms: without examples only the first counts; with more examples the others count more."""
        share = self.count / (self.count + HALF_WAY)
        return [
            self.described,
            share * self.described,
            share * self.shown,
            np.full_like(self.described, share),
        ]

    def logits(self, alone: Weights, examples: Weights) -> Doubles:
        """(tickets, labels) scores by the weights of `weigh`."""
        weights = (
            alone.prototype,
            examples.prototype - alone.prototype,
            examples.head,
            examples.bias - alone.bias,
        )
        return np.asarray(np.tensordot(weights, np.stack(self.columns), axes=1) + alone.bias)


def draw_examples(
    embeddings: Doubles, prototypes: Prototypes, truth: Doubles, domains: NDArray[np.str_]
) -> list[Drawn]:
    """For all `COUNTS`, with several draws. The examples of `prototypes` are ignored."""
    return [
        _draw(embeddings, prototypes, truth, domains, count, seed)
        for count in COUNTS
        for seed in range(SEEDS)
    ]


def fit_examples(draws: Sequence[Drawn], truth: Doubles) -> tuple[Weights, Weights]:
    """The weights without examples and with infinitely many, fitted on all draws together."""
    columns, truths = _pooled(draws, truth)
    alone, described, shown, share, bias = platt(columns, truths)
    return (
        Weights(prototype=alone, bias=bias),
        Weights(head=shown, prototype=round(alone + described, 3), bias=round(bias + share, 3)),
    )


def score_examples(draws: Sequence[Drawn], truth: Doubles, domains: NDArray[np.str_]) -> list[TopicScore]:
    """A row for each number of examples, all with one set of weights, as shipped."""
    columns, truths = _pooled(draws, truth)
    found, chosen = held_out(columns, truths, np.tile(domains, len(draws)))
    counts = np.repeat([drawn.count for drawn in draws], len(truth))
    return [
        score_topics(
            f"prototypes, heads of {count} examples" if count else "prototypes",
            *(each[counts == count] for each in (found, chosen, truths)),
        )
        for count in COUNTS
    ]


def score_averages(
    draws: Sequence[Drawn], count: int, truth: Doubles, domains: NDArray[np.str_]
) -> TopicScore:
    """The baseline: description and examples as one vector, with fixed weights."""
    same = [drawn for drawn in draws if drawn.count == count]
    sums = [np.concatenate([drawn.averaged for drawn in same])]
    truths = np.concatenate([truth] * len(same))
    found, chosen = held_out(sums, truths, np.tile(domains, len(same)))
    return score_topics(f"prototypes averaged with {count} examples", found, chosen, truths)


def _draw(
    embeddings: Doubles,
    prototypes: Prototypes,
    truth: Doubles,
    domains: NDArray[np.str_],
    count: int,
    seed: int,
) -> Drawn:
    random = np.random.default_rng([seed, count])

    def products(seen: NDArray[np.int64], unseen: NDArray[np.int64]) -> Doubles:
        centre = embeddings[seen].mean(axis=0).astype(np.float32)
        means = np.zeros((truth.shape[1], len(centre)), np.float32)
        for mean, label in zip(means, truth.T, strict=True):
            known = seen[label[seen] == 1]
            if count:
                mean[:] = embeddings[random.choice(known, min(count, len(known)), replace=False)].mean(axis=0)
        described = replace(prototypes, centre=centre)
        averaged = replace(described, vectors=unit(prototypes.vectors + unit(means)))
        vectors = np.concatenate([described.centred, unit(without(means, centre)), averaged.centred])
        return np.asarray(embeddings[unseen] @ vectors.T, np.float64)

    return Drawn(count, *np.split(by_the_others(domains, products), 3, axis=1))


def _pooled(draws: Sequence[Drawn], truth: Doubles) -> tuple[list[Doubles], Doubles]:
    columns = [np.concatenate(parts) for parts in zip(*(drawn.columns for drawn in draws), strict=True)]
    return columns, np.concatenate([truth] * len(draws))
