"""Linear heads: turn one encoder pass, and the text's words, into labels.

Stored as plain arrays (`heads.npz`) beside a manifest (`heads.json`), never as pickles. `ticketmill models
train` makes the shipped ones.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ticketmill.arrays import Floats
from ticketmill.domain.errors import SetupError
from ticketmill.models.evidence import Phrase
from ticketmill.models.features import FeatureMap, Features

ARRAYS_FILE = "heads.npz"
MANIFEST_FILE = "heads.json"
SHIPPED_HEADS = Path(__file__).with_name("shipped")

Kind = Literal["softmax", "sigmoid"]

# what NumPy, zipfile and pydantic raise for files that are truncated, changed, or of another kind
_UNREADABLE = (
    KeyError,
    ValueError,
    IndexError,
    TypeError,
    AttributeError,
    EOFError,
    OSError,
    zipfile.BadZipFile,
    zlib.error,
)


class BranchSpec(BaseModel):
    """How the branch's scores join a task's own: each is multiplied by `weight` and added, and the sum has a
    calibration of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float
    temperature: float
    length_slope: float = 0.0


class HeadSpec(BaseModel):
    """One task. `softmax` labels exclude each other, `sigmoid` labels do not.

    Scores are divided by `temperature · length ** length_slope` to calibrate them, the length in characters:
    with a negative slope short texts get less confidence. A person should check a best label with a
    confidence under `review_below`. A sigmoid label counts from `threshold` on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    labels: tuple[str, ...]
    temperature: float
    length_slope: float = 0.0
    review_below: float = 0.0
    threshold: float = 0.5
    branch: BranchSpec | None = None


class HeadsManifest(BaseModel):
    """What the arrays mean: the hidden layers that they use, and the tasks, whose labels are the outputs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[3]
    layers: tuple[int, ...]
    tasks: dict[str, HeadSpec]
    trained_on: str


class Head:
    """One task over its own outputs of the feature map: `probabilities = activate(calibrated scores)`."""

    def __init__(self, spec: HeadSpec, feature_map: FeatureMap, first: int) -> None:
        """`first` is the index of the first label among the outputs."""
        self.spec = spec
        self.first = first
        self._map = feature_map

    def probabilities(self, features: Sequence[Features]) -> Floats:
        """n tickets to (n, labels)."""
        return activate(self.scores(features) / self._spreads(features)[:, None], self.spec.kind)

    def scores(self, features: Sequence[Features]) -> Floats:
        """(n, labels): linear in the features, with the operating point, before any calibration.

        Where the encoder has a branch that knows the task, with the branch's scores.
        """
        own = slice(self.first, self.first + len(self.spec.labels))
        branch = self.spec.branch
        return np.stack(
            [
                each.scores[own] + np.float32(branch.weight) * each.branch[own]
                if branch is not None and each.branch is not None
                else each.scores[own]
                for each in features
            ]
        )

    def evidence(self, features: Features, label: str) -> list[Phrase]:
        """Up to three phrases of the text with most weight for `label`, in log odds."""
        output = self.first + self.spec.labels.index(label)
        spread = float(self._spreads([features])[0])
        return [Phrase(text, weight / spread) for text, weight in self._map.evidence(features, output)]

    def _spreads(self, features: Sequence[Features]) -> Floats:
        """(n,): what the scores are divided by."""
        lengths = np.array([each.length for each in features], np.float32)
        has_branch = bool(features) and features[0].branch is not None
        fitted = self.spec.branch if has_branch and self.spec.branch is not None else self.spec
        return np.asarray(fitted.temperature * lengths**fitted.length_slope, np.float32)


def activate(logits: NDArray[np.floating], kind: Kind) -> Floats:
    """(n, labels) logits to probabilities, for exclusive or for independent labels."""
    if kind == "sigmoid":
        # beyond 80 float32 overflows; the probability is 0 or 1 long before
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -80, 80))), np.float32)
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), np.float32)


class Heads:
    """All tasks' heads over one feature map."""

    def __init__(self, manifest: HeadsManifest, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Raises ValueError when arrays and manifest do not match."""
        self._layers = list(manifest.layers)
        self._map = FeatureMap(arrays)
        sizes = [len(spec.labels) for spec in manifest.tasks.values()]
        if sum(sizes) != self._map.outputs or self._map.inputs % max(len(self._layers), 1):
            raise ValueError("the heads do not fit their manifest")
        firsts = np.cumsum([0, *sizes]).tolist()
        self.tasks = {
            task: Head(spec, self._map, first)
            for (task, spec), first in zip(manifest.tasks.items(), firsts, strict=False)
        }

    def read(
        self,
        texts: Sequence[str],
        layers: Floats,
        branch: Floats | None = None,
        with_forms: Sequence[str] | None = None,
    ) -> list[Features]:
        """The features of `texts`; the means of their hidden layers are (texts, all layers, hidden).

        `branch` has the scores of the encoder's branch, (texts, labels), where it has one. `with_forms` are
        the texts with what their forms say, where they are other than `texts`.
        """
        pooled = layers[:, self._layers, :].reshape(len(texts), self._map.inputs)
        return self._map.read(texts, pooled, branch, with_forms)


def load_heads(files: Mapping[str, bytes]) -> Heads:
    """The heads in a bundle's files. Raises SetupError when this version cannot read them."""
    try:
        manifest = HeadsManifest.model_validate_json(files[MANIFEST_FILE])
        with np.load(io.BytesIO(files[ARRAYS_FILE]), allow_pickle=False) as stored:
            return Heads(manifest, {name: stored[name] for name in stored.files})
    except _UNREADABLE as error:
        message = "the bundle's heads cannot be read by this version: run `ticketmill models build`"
        raise SetupError(message) from error


def shipped_heads() -> dict[str, bytes]:
    """The heads that come with the package, as files for a bundle."""
    return {name: (SHIPPED_HEADS / name).read_bytes() for name in (ARRAYS_FILE, MANIFEST_FILE)}
