"""The branch: a copy of the encoder's upper layers, fine-tuned on labelled tickets.

It begins at the states of one of the encoder's layers and ends in one score a label. Its file holds how its
weights differ from the encoder's, in 8 bits a weight: they differ little, so this is finer than 8 bits of the
weights themselves.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Floats, npz_bytes
from ticketmill.domain.errors import SetupError

BRANCH = "branch.npz"
SHIPPED_BRANCH = Path(__file__).with_name("shipped") / BRANCH
PREFIX = "branch"
LEVELS = 127

_FIRST, _HEAD, _BIAS = "first", "head.weight", "head.bias"
_CHANGE, _SCALE = ".change", ".scale"

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """What the graph needs of a branch."""

    first: int
    """The encoder's layer whose copy is the branch's first; it reads the states before that layer.
    Their number for a branch without layers, which reads the last states."""
    layers: int
    weights: Weights
    """As a BertModel's, under `branch.layer.0` and so on."""
    head: Floats
    """(2 · hidden, labels): reads the mean and the maximum of the last states over the tokens."""
    bias: Floats
    """(labels,)"""


def branch_file(first: int, tuned: Weights, original: Weights, head: Floats, bias: Floats) -> bytes:
    """The file of a branch. Both `tuned` and `original` have names as `encoder.layer.3.output.dense.bias`."""
    arrays: dict[str, NDArray[np.generic]] = {_FIRST: np.array([first]), _HEAD: head, _BIAS: bias}
    for name, weight in tuned.items():
        change = weight - original[name]
        if change.ndim == 1:
            arrays[name] = change.astype(np.float32)
            continue
        scale = np.maximum(np.abs(change).max(axis=1, keepdims=True) / LEVELS, np.finfo(np.float32).tiny)
        arrays[f"{name}{_CHANGE}"] = np.rint(change / scale).astype(np.int8)
        arrays[f"{name}{_SCALE}"] = scale.astype(np.float32)
    return npz_bytes(arrays)


def read_branch(content: bytes, original: Weights) -> Branch:
    """The branch of `branch_file` on the encoder with the weights `original`.

    Raises SetupError where the two do not fit.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        first = int(arrays.pop(_FIRST).item())
        head, bias = arrays.pop(_HEAD).astype(np.float32), arrays.pop(_BIAS).astype(np.float32)
        tuned: dict[str, Floats] = {}
        for name, array in arrays.items():
            if name.endswith(_SCALE):
                continue
            own = name.removesuffix(_CHANGE)
            change = array * arrays[f"{own}{_SCALE}"] if own != name else array
            tuned[own] = (original[own] + change).astype(np.float32)
        layers = sorted({int(name.split(".")[2]) for name in tuned})
    except (KeyError, ValueError, IndexError, zipfile.BadZipFile) as error:
        raise SetupError(
            f"the branch does not fit the encoder ({error}): fine-tune one with `ticketmill models finetune`"
        ) from error
    return Branch(
        first,
        len(layers),
        {_renamed(name, first): weight for name, weight in tuned.items()},
        np.ascontiguousarray(head.T),
        bias,
    )


def _renamed(name: str, first: int) -> str:
    """As in `branch.layer.0.output.dense.bias` for `encoder.layer.3.output.dense.bias`."""
    _, _, layer, rest = name.split(".", 3)
    return f"{PREFIX}.layer.{int(layer) - first}.{rest}"
