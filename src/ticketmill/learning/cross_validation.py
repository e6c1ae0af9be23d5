"""Cross-validation: scores of tickets from heads that saw no ticket of the same business."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles
from ticketmill.learning.blocks import FittedBlocks, Raw, fit_blocks, like
from ticketmill.learning.ridge import Block, Solution, gram, solve

# the weights of the tickets' errors, (tickets,) for each range of outputs
Importance = Mapping[tuple[int, int], Doubles]


def fit(
    raw: Raw, targets: Doubles, importance: Importance, without: str | None = None
) -> tuple[FittedBlocks, dict[str, Block], Solution]:
    """Heads for all outputs. `without` names a block to exclude."""
    fitted, blocks = fit_blocks(raw)
    blocks = {name: block for name, block in blocks.items() if name != without}
    own = list(blocks.values())
    products = gram(own, own)
    duals, bias = np.zeros(targets.shape), np.zeros(targets.shape[1])
    for (first, end), weights in importance.items():
        found = solve(products, targets[:, first:end], weights)
        duals[:, first:end], bias[first:end] = found
    return fitted, blocks, Solution(duals, bias)


def held_out_scores(
    raw: Raw,
    targets: Doubles,
    importance: Importance,
    domains: NDArray[np.str_],
    without: str | None = None,
) -> Doubles:
    """(tickets, outputs): each business is held out once, and everything is fitted on the others."""
    scores = np.zeros(targets.shape)
    for domain in np.unique(domains):
        seen, unseen = np.flatnonzero(domains != domain), np.flatnonzero(domains == domain)
        theirs = {outputs: weights[seen] for outputs, weights in importance.items()}
        fitted, blocks, solution = fit(raw.at(seen), targets[seen], theirs, without)
        others = like(blocks, fitted.matrices(raw.at(unseen)))
        scores[unseen] = gram(others, list(blocks.values())) @ solution.duals + solution.bias
    return scores


def by_the_others(
    domains: NDArray[np.str_], choose: Callable[[NDArray[np.int64], NDArray[np.int64]], Doubles]
) -> Doubles:
    """Rows for all tickets. `choose(seen, unseen)` gives those of one business from the others."""
    rows: Doubles | None = None
    for domain in np.unique(domains):
        seen, unseen = np.flatnonzero(domains != domain), np.flatnonzero(domains == domain)
        found = choose(seen, unseen)
        if rows is None:
            rows = np.zeros((len(domains), found.shape[1]))
        rows[unseen] = found
    if rows is None:
        raise ValueError("there is no ticket")
    return rows
