"""Linear heads: what turns the pooled hidden layers of one encoder pass into labels.

Stored as plain arrays (`heads.npz`) beside a manifest (`heads.json`), never as pickles. `ticketmill models
train` makes the shipped ones.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ticketmill.domain.errors import SetupError

ARRAYS_FILE = "heads.npz"
MANIFEST_FILE = "heads.json"
SHIPPED_HEADS = Path(__file__).with_name("shipped")

Floats = NDArray[np.float32]

# what pydantic, NumPy and zipfile raise over files that are not ours, or not whole
_UNREADABLE = (AttributeError, EOFError, KeyError, OSError, ValueError, zipfile.BadZipFile, zlib.error)


class HeadSpec(BaseModel):
    """One task. `softmax` labels exclude each other, `sigmoid` ones do not.

    Logits are divided by `temperature` to calibrate; a best label under `review_below` wants a person's eye;
    a sigmoid label counts from `threshold` on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["softmax", "sigmoid"]
    labels: tuple[str, ...]
    temperature: float
    review_below: float = 0.0
    threshold: float = 0.5


class HeadsManifest(BaseModel):
    """What the arrays mean: the hidden layers that are concatenated as features, and the tasks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    layers: tuple[int, ...]
    tasks: dict[str, HeadSpec]
    trained_on: str


class Head:
    """One linear head: `probabilities = squash((features @ weights + bias) / temperature)`."""

    def __init__(self, spec: HeadSpec, weights: Floats, bias: Floats) -> None:
        """`weights` has shape (features, labels), `bias` (labels,). SetupError where they do not fit."""
        if weights.shape[1:] != bias.shape or bias.shape != (len(spec.labels),):
            raise SetupError("the heads do not fit their manifest: run `ticketmill models build`")
        self.spec = spec
        self._weights = weights / np.float32(spec.temperature)
        self._bias = bias / np.float32(spec.temperature)

    def probabilities(self, features: Floats) -> Floats:
        """(n, features) to (n, labels)."""
        logits = features @ self._weights + self._bias
        if self.spec.kind == "sigmoid":
            # by tanh, since exp overflows where a label is out of the question
            return np.asarray(0.5 + 0.5 * np.tanh(0.5 * logits), np.float32)
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), np.float32)


class Heads:
    """All tasks' heads over the same features."""

    def __init__(self, manifest: HeadsManifest, arrays: Mapping[str, Floats]) -> None:
        self._layers = list(manifest.layers)
        self.tasks = {
            task: Head(spec, arrays[f"{task}.weights"], arrays[f"{task}.bias"])
            for task, spec in manifest.tasks.items()
        }

    def features(self, layers: Floats) -> Floats:
        """Pooled hidden layers (n, all layers, hidden) to features (n, chosen layers · hidden)."""
        chosen = layers[:, self._layers, :]
        return chosen.reshape(len(layers), -1)


def load_heads(files: Mapping[str, bytes]) -> Heads:
    """The heads in the files of a bundle. SetupError where they are not what this version reads."""
    try:
        manifest = HeadsManifest.model_validate_json(files[MANIFEST_FILE])
        stored = np.load(io.BytesIO(files[ARRAYS_FILE]), allow_pickle=False)
        return Heads(manifest, {name: stored[name] for name in stored.files})
    except _UNREADABLE as error:
        message = "the bundle's heads cannot be read by this version: run `ticketmill models build`"
        raise SetupError(message) from error


def shipped_heads() -> dict[str, bytes]:
    """The heads that come with the package, as files for a bundle."""
    return {name: (SHIPPED_HEADS / name).read_bytes() for name in (ARRAYS_FILE, MANIFEST_FILE)}
