"""What a ticket is about: a weighted sum of the topics head and the similarity to prototypes.

A label that the trained head knows is scored by both. Any other label is scored by its prototype and, if it
has examples, by the head made from them: a custom taxonomy works without training. One matrix product scores
all labels; the weights are folded into the matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from ticketmill.arrays import Floats
from ticketmill.domain.errors import SetupError
from ticketmill.domain.labels import Source
from ticketmill.domain.taxonomy import Taxonomy
from ticketmill.encoder.bundle import Bundle
from ticketmill.models.features import Features
from ticketmill.models.heads import Head, activate
from ticketmill.models.prototypes import Prototypes

BLEND_FILE = "blend.json"
SHIPPED = Path(__file__).with_name("shipped")


class Weights(BaseModel):
    """`sigmoid(head · score of the head + prototype · centred cosine + bias)`.

    The score of the trained head is its logit; that of a head made from examples is its centred cosine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    head: float = 0.0
    prototype: float
    bias: float


class Blend(BaseModel):
    """How scores become probabilities, `blend.json`; fitted by `ticketmill taxonomy fit`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[2] = 2
    both: Weights
    """A topic that the trained head knows."""
    alone: Weights
    """A topic that no head knows."""
    examples: Weights
    """A topic with infinitely many examples; n of them count `n / (n + half_way)` of the way from `alone`."""
    half_way: float
    intent_temperature: float
    """Intents: softmax over the logits that they would have as topics, divided by this."""
    fitted_on: str


class ScoredTopic(NamedTuple):
    """A topic of a ticket, and what scored it."""

    label: str
    confidence: float
    source: Source


class TopicScorer:
    """Scores tickets against all labels of a taxonomy."""

    def __init__(self, prototypes: Prototypes, head: Head, blend: Blend) -> None:
        taxonomy = prototypes.taxonomy
        known = {label: position for position, label in enumerate(head.spec.labels)}
        self._head = head
        self._labels = taxonomy.names
        self.threshold, self._top_k = taxonomy.threshold, taxonomy.top_k
        self._with_head = [position for position, label in enumerate(self._labels) if label in known]
        self._head_positions = [known[self._labels[position]] for position in self._with_head]
        self._judged = {*self._with_head, *np.flatnonzero(_example_counts(taxonomy)).tolist()}
        weights, bias = weigh(prototypes, blend)
        # beside the trained head, prototypes and examples share the weight that was fitted for prototypes
        weights[self._with_head] *= np.float32(blend.both.prototype / blend.alone.prototype)
        bias[self._with_head] = blend.both.bias
        self._head_weight = np.float32(blend.both.head)
        self._vectors, self._bias = weights.T, bias

    def probabilities(self, embeddings: Floats, features: Sequence[Features]) -> Floats:
        """(n, dimensions) embeddings, and the head's features of n tickets, to (n, labels)."""
        logits = embeddings @ self._vectors + self._bias
        if self._with_head:
            judged = self._head.probabilities(features)[:, self._head_positions]
            logits[:, self._with_head] += self._head_weight * logit(judged)
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)

    def best(self, probabilities: Floats) -> tuple[ScoredTopic, ...]:
        """The topics of one ticket, from (labels,) scores: at most `top_k` above the taxonomy's threshold."""
        positions = np.argsort(-probabilities, kind="stable")[: self._top_k]
        return tuple(
            ScoredTopic(
                self._labels[position],
                float(probabilities[position]),
                Source.HEAD if position in self._judged else Source.PROTOTYPE,
            )
            for position in positions.tolist()
            if probabilities[position] >= self.threshold
        )


class NearestIntent:
    """Intents that the trained head does not know, by prototypes and examples, with softmax."""

    def __init__(self, prototypes: Prototypes, blend: Blend) -> None:
        self.labels = prototypes.taxonomy.names
        self.review_below = prototypes.taxonomy.threshold
        counts = _example_counts(prototypes.taxonomy)
        self.sources = tuple(Source.HEAD if count else Source.PROTOTYPE for count in counts.tolist())
        weights, bias = weigh(prototypes, blend)
        temperature = np.float32(blend.intent_temperature)
        self._vectors, self._bias = weights.T / temperature, bias / temperature

    def probabilities(self, embeddings: Floats) -> Floats:
        """(n, dimensions) to (n, labels)."""
        return activate(embeddings @ self._vectors + self._bias, "softmax")


def weigh(prototypes: Prototypes, blend: Blend) -> tuple[Floats, Floats]:
    """Weights (labels, dimensions) and biases (labels,) from an embedding to logits.

    For all labels, as if the trained head knew none of them.
    """
    counts = _example_counts(prototypes.taxonomy)
    share = counts / (counts + np.float32(blend.half_way))
    alone, examples = blend.alone, blend.examples
    prototype = alone.prototype + share * (examples.prototype - alone.prototype)
    bias = alone.bias + share * (examples.bias - alone.bias)
    weights = prototype[:, None] * prototypes.centred + (share * examples.head)[:, None] * prototypes.examples
    return np.asarray(weights, np.float32), np.asarray(bias, np.float32)


def _example_counts(taxonomy: Taxonomy) -> Floats:
    return np.array([len(label.examples) for label in taxonomy.labels], np.float32)


def logit(probabilities: Floats) -> Floats:
    """The inverse of the sigmoid, finite everywhere."""
    clipped = np.clip(probabilities, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)), np.float32)


def shipped_blend() -> dict[str, bytes]:
    """The blend that comes with the package, as a file for a bundle."""
    return {BLEND_FILE: (SHIPPED / BLEND_FILE).read_bytes()}


def load_blend(bundle: Bundle) -> Blend:
    """The blend of a bundle. Raises SetupError when this version cannot read it."""
    try:
        return Blend.model_validate_json(bundle.path(BLEND_FILE).read_bytes())
    except ValidationError as error:
        message = f"the bundle's {BLEND_FILE} cannot be read by this version: run `ticketmill models build`"
        raise SetupError(message) from error
