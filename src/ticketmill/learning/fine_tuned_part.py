"""What a fine-tuned encoder adds to a model: its scores of held-out texts, and how much they count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ticketmill.arrays import Doubles, Floats
from ticketmill.learning.fusion import fit_shares
from ticketmill.models.finetuned import FineTunedSpec
from ticketmill.models.heads import Kind
from ticketmill.models.tokens import Ints

FIRST_TIER = "maximum"
"""The first tier in which it competes."""
RECIPE = "fine-tuned"

Split = tuple[Ints, Ints]
"""The texts that are seen, and those that are not."""


class FineTuned(NamedTuple):
    """A fine-tuned encoder."""

    scores: Doubles
    """(texts, labels), in log odds: each by an encoder that did not see it; zeros for what no split leaves
    unseen"""
    files: dict[str, bytes]
    max_tokens: int


FineTune = Callable[[Sequence[str], Floats, Kind, Sequence[Split]], FineTuned]
"""Fine-tunes on texts with their (texts, labels) truth, and scores the unseen texts of each split."""


class AddedEncoder(NamedTuple):
    """What the overlay's files gain."""

    spec: FineTunedSpec
    files: dict[str, bytes]


def splits_of(folds: Ints, held: Sequence[int]) -> list[Split]:
    """Two folds at a time are held out where all are in turn: each training takes minutes."""
    parts = [held[at : at + 2] for at in range(0, len(held), 2)]
    return [(np.flatnonzero(~np.isin(folds, part)), np.flatnonzero(np.isin(folds, part))) for part in parts]


def added_to(
    scores: Doubles, tuned: FineTuned, rows: Ints, truth: Doubles, kind: Kind
) -> tuple[AddedEncoder, Doubles]:
    """The encoder beside a model whose `scores` are those of the held-out `rows`, and the joined scores."""
    own = tuned.scores[rows]
    _, shares = fit_shares(np.stack([scores, own]), truth, kind)
    # the model's own weights stay as they are: calibration follows
    weight = float(shares[1] / shares[0])
    spec = FineTunedSpec(weight=weight, max_tokens=tuned.max_tokens)
    return AddedEncoder(spec, tuned.files), scores + weight * own
