"""The families of features of many texts, and the parts of a model that are fitted on them.

Everything that is fitted (means, spreads, frequencies, weights) is fitted on the rows that it is given, so
that a held-out text is as new to a part as a ticket will be to the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles, Floats
from ticketmill.domain.dataset import Example
from ticketmill.domain.entities import Mention
from ticketmill.domain.ticket import Ticket, TicketMetadata
from ticketmill.learning.annotations import CUSTOMER, THREAD
from ticketmill.learning.hold_out import ALONE
from ticketmill.learning.logistic import fit_logistic
from ticketmill.learning.ridge import scipy_part
from ticketmill.models.features import Features
from ticketmill.models.heads import Heads, Kind
from ticketmill.models.ngrams import Values
from ticketmill.models.overlay import standardised
from ticketmill.models.overlay_features import DENSE, LAYERS_SHARE, SPARSE
from ticketmill.models.tokens import BUCKET_BITS, Ints
from ticketmill.text.entities.finder import EntityFinder
from ticketmill.text.reading import Reading

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

WEIGHTS = {
    "embedding": 1.0,
    "layers": LAYERS_SHARE,
    "vectors": 0.4,
    "statistics": 0.2,
    "rules": 0.2,
    "entities": 0.2,
    "head_scores": 0.4,
    "source": 0.3,
}
"""What each family's columns are multiplied by: how far the penalty lets it go."""
STANDARDISED = {"statistics", "rules", "entities", "head_scores"}
MIN_TEXTS = 2
"""An n-gram of one text describes that text rather than its label."""
NGRAM_PENALTY = 0.3
"""Of the ridge regression over n-grams, in units of a text's mean square."""
PRIOR_WORDS = 100.0
"""The prior of the keywords weighs as much as so many words."""
CERTAIN = 1.0
"""Log odds of fewer standard errors do not count."""
CG_STEPS = 25
CHUNK = 256
_FINDER = EntityFinder()
_UNNAMED = (ALONE, THREAD, CUSTOMER)

Arrays = dict[str, NDArray[np.generic]]


class Encodings(Protocol):
    """What the encoder says of n texts."""

    @property
    def layers(self) -> NDArray[np.floating]:
        """(n, layers, hidden)"""
        ...

    @property
    def branch(self) -> NDArray[np.floating] | None: ...

    @property
    def embeddings(self) -> Floats: ...


Encode = Callable[[Sequence[str]], Encodings]


class PooledPass(NamedTuple):
    """A text's means over its tokens."""

    embedding: Floats
    layers: Floats


@dataclass(frozen=True, eq=False)
class TrainingTicket:
    """A text as a stage would get it, without what overlays do not read."""

    ticket: Ticket
    text: str
    encoded: PooledPass
    features: Features

    @cached_property
    def mentions(self) -> tuple[Mention, ...]:
        """The entities of the text."""
        return _FINDER.find(self.text)


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The families of n texts."""

    dense: dict[str, Floats]
    """(n, columns) by family"""
    sparse: dict[str, csr_matrix]
    """(n, buckets) by family"""
    lengths: Doubles
    """(n,): characters"""

    def __len__(self) -> int:
        return len(self.lengths)


def tickets_of(
    tickets: Sequence[Ticket], readings: Sequence[Reading], encodings: Encodings, heads: Heads
) -> Iterable[list[TrainingTicket]]:
    """The tickets as stages get them, some hundreds at a time; `encodings` are those of their texts."""
    texts = [each.text for each in readings]
    with_forms = [each.with_forms(ticket.text) for ticket, each in zip(tickets, readings, strict=True)]
    embeddings = encodings.embeddings
    for start in range(0, len(texts), CHUNK):
        part = slice(start, start + CHUNK)
        layers = np.asarray(encodings.layers[part], np.float32)
        branch = None if encodings.branch is None else np.asarray(encodings.branch[part], np.float32)
        features = heads.read(texts[part], layers, branch, with_forms[part])
        passes = map(PooledPass, embeddings[part], layers)
        yield [
            TrainingTicket(*each) for each in zip(tickets[part], texts[part], passes, features, strict=True)
        ]


def ticket_of(example: Example) -> Ticket:
    """The example as a ticket. Its group stands for a source that nobody told."""
    return Ticket(
        ticket_id="example",  # what names an example may not name a ticket, and no family reads it
        subject=example.subject,
        body=example.body,
        metadata=TicketMetadata(source=example.source or _named_group(example.group)),
    )


def _named_group(group: str) -> str | None:
    """A group that people named; not one that a customer, a thread or a single example is."""
    return None if group.startswith(_UNNAMED) else group


def read_inputs(chunks: Iterable[list[TrainingTicket]], sources: Sequence[str] = ()) -> Inputs:
    """All families of the tickets; `sources` are the channels that are told apart."""
    dense: dict[str, list[Floats]] = {family: [] for family in (*DENSE, "source")}
    # keywords are told from the counts of words
    sparse: dict[str, list[csr_matrix]] = {family: [] for family in SPARSE if family != "keywords"}
    lengths: list[float] = []
    for chunk in chunks:
        for family, columns in DENSE.items():
            dense[family].append(columns(chunk))
        dense["source"].append(_one_hot([each.ticket.metadata.source for each in chunk], sources))
        for family, parts in sparse.items():
            parts.append(_matrix(SPARSE[family](chunk[0].features.reading), len(chunk)))
        lengths += [each.features.length for each in chunk]
    return Inputs(
        {family: np.concatenate(own) for family, own in dense.items()},
        {family: scipy_part("sparse").vstack(own, format="csr") for family, own in sparse.items()},
        np.array(lengths, np.float64),
    )


class DensePart(NamedTuple):
    """Linear weights over some dense families."""

    weights: dict[str, Floats]
    """(columns, labels) by family"""
    spreads: dict[str, tuple[Floats, Floats]]
    """Mean and spread of the standardised families."""
    bias: Floats

    def scores(self, inputs: Inputs, rows: Ints) -> Doubles:
        """(rows, labels)"""
        total = np.tile(self.bias, (len(rows), 1))
        for family, weights in self.weights.items():
            columns = inputs.dense[family][rows]
            if family in self.spreads:
                columns = standardised(columns, *self.spreads[family])
            total += columns @ weights
        return total.astype(np.float64)

    def arrays(self, share: float) -> Arrays:
        """What the overlay keeps, with the scores times `share`."""
        found: Arrays = {"bias": (share * self.bias).astype(np.float32)}
        for family, weights in self.weights.items():
            found[f"{family}.weights"] = (share * weights).astype(np.float16)
        for family, (mean, spread) in self.spreads.items():
            found[f"{family}.mean"], found[f"{family}.spread"] = mean, spread
        return found


class LabelNames(NamedTuple):
    """The labels' own names as texts: an example more for each label."""

    inputs: Inputs
    labels: Ints
    """(names,): the number of each one's label."""
    weight: float


class Fit(NamedTuple):
    """What parts are fitted to: the families, (n, labels) truth, and whether labels exclude each other."""

    inputs: Inputs
    truth: Floats
    kind: Kind
    names: LabelNames | None = None


def fit_dense(fit: Fit, rows: Ints, families: Sequence[str], inverse_penalty: float) -> DensePart:
    """Logistic regression over the families' columns."""
    spreads = {
        family: spread_of(fit.inputs.dense[family][rows]) for family in families if family in STANDARDISED
    }
    columns = _columns(fit.inputs, rows, families, spreads)
    truth, weights = fit.truth[rows], np.ones(len(rows), np.float32)
    if fit.names is not None:
        own = _columns(fit.names.inputs, np.arange(len(fit.names.labels)), families, spreads)
        columns = np.vstack([columns, own])
        truth = np.vstack([truth, np.eye(truth.shape[1], dtype=np.float32)[fit.names.labels]])
        weights = np.append(weights, np.full(len(own), fit.names.weight, np.float32))
    mean = columns.mean(axis=0)
    found = fit_logistic(columns - mean, truth, weights, fit.kind, inverse_penalty)
    bias, parts, first = found[-1] - mean @ found[:-1], {}, 0
    for family in families:
        width = fit.inputs.dense[family].shape[1]
        parts[family] = found[first : first + width] * _factor(family, width)
        first += width
    return DensePart(parts, spreads, bias.astype(np.float32))


class NgramPart(NamedTuple):
    """Linear weights over n-grams."""

    family: str
    buckets: Ints
    weights: Floats
    """(buckets, labels)"""

    def scores(self, inputs: Inputs, rows: Ints) -> Doubles:
        """(rows, labels)"""
        counts = inputs.sparse["words" if self.family == "keywords" else self.family]
        return np.asarray(counts[rows][:, self.buckets] @ self.weights, np.float64)

    def arrays(self, share: float) -> Arrays:
        """What the overlay keeps: a byte a weight, and a scale for each n-gram."""
        weights = share * self.weights
        scales = np.maximum(np.abs(weights).max(axis=1, initial=0), 1e-12) / 127
        return {
            f"{self.family}.buckets": self.buckets.astype(np.uint16),
            f"{self.family}.weights": np.round(weights / scales[:, None]).astype(np.int8),
            f"{self.family}.scales": scales.astype(np.float32),
        }


def fit_ngrams(fit: Fit, rows: Ints, family: str) -> NgramPart:
    """Ridge regression over n-grams, each times its rarity; solved over texts by conjugate gradients."""
    counts = fit.inputs.sparse[family][rows]
    buckets, rarity = rarities(counts, MIN_TEXTS)
    scaled = counts[:, buckets] @ scipy_part("sparse").diags(rarity)
    square = float(scaled.multiply(scaled).sum()) / max(len(rows), 1)
    targets = fit.truth[rows] - fit.truth[rows].mean(axis=0)
    duals = _solved(scaled.tocsr(), targets, NGRAM_PENALTY * max(square, 1e-9))
    return NgramPart(family, buckets, np.asarray(scaled.T @ duals, np.float32) * rarity[:, None])


def rarities(counts: csr_matrix, least: int) -> tuple[Ints, Floats]:
    """The buckets that at least so many texts have, and log((1 + texts) / (1 + texts that have it)) + 1."""
    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    buckets = np.flatnonzero(texts >= least)
    return buckets, (np.log((1 + counts.shape[0]) / (1 + texts[buckets])) + 1).astype(np.float32)


def fit_keywords(fit: Fit, rows: Ints) -> NgramPart:
    """The words that stand out in a label: log odds against all other texts, with a prior of the words'
    frequencies (Monroe et al., Fightin' Words, 2008). A text's score is the density of its label's words."""
    counts = fit.inputs.sparse["words"][rows]
    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    buckets = np.flatnonzero(texts >= MIN_TEXTS)
    within = np.asarray(counts[:, buckets].T @ fit.truth[rows], np.float64)
    total = np.asarray(counts[:, buckets].sum(axis=0), np.float64).ravel()[:, None]
    prior = total / max(float(total.sum()), 1e-9) * PRIOR_WORDS
    inside, outside = within + prior, total - within + prior
    sums = inside.sum(axis=0) - inside, outside.sum(axis=0) - outside
    odds = np.log(inside / np.maximum(sums[0], 1e-9)) - np.log(outside / np.maximum(sums[1], 1e-9))
    certainty = odds / np.sqrt(1 / inside + 1 / outside)
    return NgramPart("keywords", buckets, np.where(abs(certainty) >= CERTAIN, odds, 0).astype(np.float32))


def _solved(matrix: csr_matrix, targets: Floats, penalty: float) -> Floats:
    """(n, labels): (matrix · matrixᵀ + penalty)⁻¹ targets, every label by conjugate gradients."""
    found = np.zeros_like(targets)
    residual = targets.copy()
    step = residual.copy()
    square = (residual**2).sum(axis=0)
    transposed = matrix.T.tocsr()
    for _ in range(CG_STEPS):
        product = matrix @ (transposed @ step) + np.float32(penalty) * step
        rate = square / np.maximum((step * product).sum(axis=0), 1e-30)
        found += rate * step
        residual -= rate * product
        last, square = square, (residual**2).sum(axis=0)
        step = residual + (square / np.maximum(last, 1e-30)) * step
    return found


def _columns(
    inputs: Inputs, rows: Ints, families: Sequence[str], spreads: dict[str, tuple[Floats, Floats]]
) -> Floats:
    parts = []
    for family in families:
        columns = inputs.dense[family][rows]
        if family in spreads:
            columns = standardised(columns, *spreads[family])
        parts.append(columns * _factor(family, columns.shape[1]))
    return np.concatenate(parts, axis=1)


def _factor(family: str, width: int) -> np.float32:
    return np.float32(WEIGHTS[family] / (np.sqrt(width) if family in STANDARDISED else 1.0))


def spread_of(columns: Floats) -> tuple[Floats, Floats]:
    """Mean and spread of each column."""
    mean, spread = columns.mean(axis=0, dtype=np.float64), columns.std(axis=0, dtype=np.float64)
    return mean.astype(np.float32), (spread + 1e-3).astype(np.float32)


def _one_hot(words: Sequence[str | None], known: Sequence[str]) -> Floats:
    return np.array([[float(word == each) for each in known] for word in words], np.float32).reshape(
        len(words), len(known)
    )


def _matrix(values: Values, texts: int) -> csr_matrix:
    return scipy_part("sparse").csr_matrix(
        (values.value, (values.text.astype(np.int32), values.row.astype(np.int32))),
        shape=(texts, 1 << BUCKET_BITS),
    )
