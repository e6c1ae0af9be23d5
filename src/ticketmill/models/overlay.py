"""An overlay: a learned model of one task as linear weights over what the one pass gives.

A model of the tier `maximum` may add the scores of a second encoder, fine-tuned on the task. It is stored as
plain arrays (`overlay.npz`) beside a manifest (`overlay.json`), never as pickles.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from ticketmill.arrays import Floats
from ticketmill.domain.errors import SetupError
from ticketmill.models.features import products
from ticketmill.models.finetuned import (
    FAMILY,
    MODEL_FILE,
    TOKENIZER_FILE,
    FineTunedEncoder,
    FineTunedSpec,
    text_with_source,
)
from ticketmill.models.heads import Kind, activate
from ticketmill.models.ngrams import Values, weighed
from ticketmill.models.overlay_features import CLIPPED_AT, DENSE, SPARSE, ReadTicket, of_unit_length, pooled
from ticketmill.models.tokens import BUCKET_BITS, Ints

OVERLAY_FILE = "overlay.json"
OVERLAY_ARRAYS = "overlay.npz"

Arrays = Mapping[str, NDArray[np.generic]]
Number = TypeVar("Number", np.float32, np.float64)


class ShippedHead(BaseModel):
    """The head of the bundle that a model corrects: the model's scores are added to its probabilities.

    `first` is the column of its first label in the family `head_scores`, `branch_first` that of the branch's
    first label for the task. The rest is its calibration, as in `HeadSpec`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: int
    branch_first: int | None = None
    branch_weight: float = 0.0
    temperature: float
    length_slope: float = 0.0

    def probabilities(self, head_scores: Floats, lengths: NDArray[np.floating], labels: int) -> Floats:
        """(n, labels), from (n, columns) of `head_scores` and (n,) lengths in characters."""
        scores = head_scores[:, self.first : self.first + labels]
        if self.branch_first is not None:
            branch = head_scores[:, self.branch_first : self.branch_first + labels]
            scores = scores + np.float32(self.branch_weight) * branch
        spreads = self.temperature * np.asarray(lengths, np.float64) ** self.length_slope
        return activate(scores / spreads[:, None], "softmax")


class OverlaySpec(BaseModel):
    """What the arrays mean. `softmax` labels exclude each other, `sigmoid` labels do not.

    Scores are divided by `temperature · length ** length_slope` to calibrate them, the length in characters;
    before that, where `exponent` is not 1, `bent` to it.
    A person should check a best label with a confidence under `review_below`. A sigmoid label counts from
    `threshold` on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    task: str
    kind: Kind
    labels: tuple[str, ...]
    families: tuple[str, ...]
    sources: tuple[str, ...] = ()
    """The sources that are told apart."""
    weights_by_source: bool = False
    """Whether every family has weights for each source beside the shared ones: the outputs are then the
    labels, and the labels again for each source."""
    shipped: ShippedHead | None = None
    """The head that the model corrects; null for a model that stands alone."""
    fine_tuned: FineTunedSpec | None = None
    """The second encoder; null for a model of the one pass alone."""
    temperature: float
    length_slope: float = 0.0
    exponent: float = 1.0
    threshold: float = 0.5
    review_below: float = 0.0


class Columns:
    """The dense families of n tickets, each computed once, whichever parts ask for it."""

    def __init__(self, tickets: Sequence[ReadTicket]) -> None:
        self.tickets = tickets
        self._found: dict[str, Floats] = {}

    def of(self, family: str) -> Floats:
        """(tickets, columns)"""
        if family not in self._found:
            self._found[family] = DENSE[family](self.tickets)
        return self._found[family]


class Dense(NamedTuple):
    """A family of columns, standardised where it has a mean."""

    family: str
    weights: Floats
    """(columns, labels)"""
    mean: Floats | None
    spread: Floats | None

    def scores(self, found: Columns) -> Floats:
        """(tickets, labels)"""
        columns = found.of(self.family)
        if self.mean is not None and self.spread is not None:
            columns = standardised(columns, self.mean, self.spread)
        return columns @ self.weights


class Quadratic(NamedTuple):
    """Embedding and layers around their mean, of unit length, and products of pairs of their directions."""

    mean: Floats
    projection: Floats
    """(columns, directions)"""
    linear: Floats
    """(columns, labels)"""
    weights: Floats
    """(products, labels)"""

    def scores(self, found: Columns) -> Floats:
        """(tickets, labels)"""
        around = of_unit_length(pooled(found.of("embedding"), found.of("layers")) - self.mean)
        scores = around @ self.linear + products(around @ self.projection) @ self.weights
        return np.asarray(scores, np.float32)


class Sparse(NamedTuple):
    """A family of hashed n-grams."""

    family: str
    rows: Ints
    """(buckets,): the row of each bucket's weights, -1 for none"""
    weights: Floats
    """(rows, labels)"""

    def scores(self, columns: Columns) -> Floats:
        """(tickets, labels)"""
        found: dict[int, Floats] = {}
        for each in columns.tickets:
            reading = each.features.reading
            if id(reading) not in found:
                text, bucket, value = SPARSE[self.family](reading)
                known = np.flatnonzero(self.rows[bucket] >= 0)
                values = Values(text[known], self.rows[bucket[known]], value[known])
                found[id(reading)] = weighed(values, self.weights, len(reading.scores))
        return np.stack(
            [found[id(each.features.reading)][each.features.position] for each in columns.tickets]
        )


class Overlay:
    """One task over what the pass gives: `probabilities = activate(calibrated scores)`."""

    def __init__(self, spec: OverlaySpec, arrays: Arrays, fine_tuned: FineTunedEncoder | None = None) -> None:
        """Raises KeyError or ValueError when the arrays or `fine_tuned` do not fit `spec`."""
        self.spec = spec
        self._fine_tuned = fine_tuned
        self._bias = _f32(arrays["bias"])
        self._dense: list[Dense] = [_dense(family, arrays) for family in spec.families if family in DENSE]
        self._sparse: list[Sparse] = [_sparse(family, arrays) for family in spec.families if family in SPARSE]
        self._sources = _f32(arrays["source.weights"]) if "source" in spec.families else None
        self._quadratic = [_quadratic(arrays)] if "quadratic" in spec.families else []
        unknown = set(spec.families) - {*DENSE, *SPARSE, "quadratic", "source", FAMILY}
        if unknown:
            raise ValueError(f"this version knows no family {', '.join(sorted(unknown))}")
        widths = {part.weights.shape[1] for part in self._parts()}
        outputs = len(spec.labels) * (1 + len(spec.sources) * spec.weights_by_source)
        if {*widths, len(self._bias)} != {outputs}:
            raise ValueError("the arrays of an overlay do not fit its labels")
        if self._sources is not None and self._sources.shape != (len(spec.sources), outputs):
            raise ValueError("the arrays of an overlay do not fit its sources")
        if (fine_tuned.labels if fine_tuned else None) != (len(spec.labels) if spec.fine_tuned else None):
            raise ValueError("the fine-tuned encoder of an overlay does not fit its labels")

    def probabilities(self, tickets: Sequence[ReadTicket]) -> Floats:
        """n tickets to (n, labels)."""
        if not tickets:
            return np.zeros((0, len(self.spec.labels)), np.float32)
        lengths = np.array([each.features.length for each in tickets], np.float32)
        spreads = self.spec.temperature * lengths**self.spec.length_slope
        return activate(bent(self.scores(tickets), self.spec.exponent) / spreads[:, None], self.spec.kind)

    def scores(self, tickets: Sequence[ReadTicket]) -> Floats:
        """(n, labels): linear in the features, before any calibration."""
        total, columns = np.tile(self._bias, (len(tickets), 1)), Columns(tickets)
        for part in self._parts():
            total += part.scores(columns)
        spec, count = self.spec, len(self.spec.labels)
        found = total[:, :count]
        for number, each in enumerate(tickets):
            source = each.ticket.metadata.source
            if source is None or source not in spec.sources:
                continue
            at = spec.sources.index(source)
            if self._sources is not None:
                total[number] += self._sources[at]
            if spec.weights_by_source:
                found[number] += total[number, count * (1 + at) : count * (2 + at)]
        if spec.fine_tuned is not None and self._fine_tuned is not None:
            texts = [
                text_with_source(each.text, each.ticket.metadata.source, spec.sources) for each in tickets
            ]
            found = found + np.float32(spec.fine_tuned.weight) * self._fine_tuned.scores(texts)
        if spec.shipped is None:
            return found
        lengths = np.array([each.features.length for each in tickets])
        return found + spec.shipped.probabilities(columns.of("head_scores"), lengths, count)

    def _parts(self) -> list[Dense | Quadratic | Sparse]:
        return [*self._dense, *self._quadratic, *self._sparse]


def load_overlay(files: Mapping[str, bytes]) -> Overlay:
    """The overlay in a version's files. Raises SetupError when this version cannot read them."""
    try:
        spec = OverlaySpec.model_validate_json(files[OVERLAY_FILE])
        with np.load(io.BytesIO(files[OVERLAY_ARRAYS]), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return Overlay(spec, arrays, _fine_tuned(spec, files))
    except (KeyError, ValueError, IndexError, TypeError, AttributeError, EOFError, OSError) as error:
        raise SetupError(_unreadable(error)) from error
    except (zipfile.BadZipFile, zlib.error, ValidationError) as error:
        raise SetupError(_unreadable(error)) from error


def bent(scores: NDArray[Number], exponent: float) -> NDArray[Number]:
    """(n, labels): scores around their mean, each to a power and with its sign.

    An exponent under 1 spreads those in the middle: rare features that say all, such as a line of a form,
    make scores that no temperature alone can calibrate. The order of the labels stays.
    """
    if exponent == 1.0:
        return scores
    around = scores - scores.mean(axis=1, keepdims=True)
    return np.asarray(np.sign(around) * np.abs(around) ** exponent, scores.dtype)


def standardised(columns: Floats, mean: Floats, spread: Floats) -> Floats:
    """Columns as standard deviations from their mean, cut at `CLIPPED_AT`."""
    return np.asarray(np.clip((columns - mean) / spread, -CLIPPED_AT, CLIPPED_AT), np.float32)


def _fine_tuned(spec: OverlaySpec, files: Mapping[str, bytes]) -> FineTunedEncoder | None:
    if spec.fine_tuned is None:
        return None
    return FineTunedEncoder(files[MODEL_FILE], files[TOKENIZER_FILE], spec.fine_tuned.max_tokens)


def _unreadable(error: Exception) -> str:
    return (
        f"the files of a learned model cannot be read by this version ({type(error).__name__}): "
        "train the task again"
    )


def _dense(family: str, arrays: Arrays) -> Dense:
    mean, spread = arrays.get(f"{family}.mean"), arrays.get(f"{family}.spread")
    return Dense(
        family,
        _f32(arrays[f"{family}.weights"]),
        None if mean is None else _f32(mean),
        None if spread is None else _f32(spread),
    )


def _quadratic(arrays: Arrays) -> Quadratic:
    return Quadratic(
        *(_f32(arrays[f"quadratic.{name}"]) for name in ("mean", "projection", "linear", "weights"))
    )


def _sparse(family: str, arrays: Arrays) -> Sparse:
    buckets = arrays[f"{family}.buckets"]
    weights = _f32(arrays[f"{family}.weights"]) * _f32(arrays[f"{family}.scales"])[:, None]
    if buckets.dtype != np.uint16 or len(buckets) != len(weights):
        raise ValueError(f"the buckets of {family} are not what this version reads")
    rows = np.full(1 << BUCKET_BITS, -1, np.int64)
    rows[buckets.astype(np.int64)] = np.arange(len(buckets))
    return Sparse(family, rows, weights)


def _f32(array: NDArray[np.generic]) -> Floats:
    return array.astype(np.float32)
