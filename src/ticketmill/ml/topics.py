"""What a ticket is about: the topics head and the closeness to prototypes, weighed together.

A label that the head knows is scored by both, any other by its prototype alone, so that a taxonomy of one's
own works without training. All labels take one matrix product, whatever their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from ticketmill.domain.errors import SetupError
from ticketmill.domain.labels import Source
from ticketmill.ml.bundle import Bundle
from ticketmill.ml.features import Features
from ticketmill.ml.heads import Head
from ticketmill.ml.prototypes import Prototypes

BLEND_FILE = "blend.json"
SHIPPED_BLEND = Path(__file__).with_name("shipped") / BLEND_FILE

Floats = NDArray[np.float32]


class Weights(BaseModel):
    """`sigmoid(head · logit of the head + prototype · centred cosine + bias)`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    head: float = 0.0
    prototype: float
    bias: float


class Blend(BaseModel):
    """How scores become probabilities, `blend.json`; fitted by `ticketmill taxonomy fit`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    both: Weights
    """A topic that the head knows."""
    alone: Weights
    """A topic that no head knows."""
    intent_temperature: float
    """Softmax over the cosines to intents, divided by this."""
    fitted_on: str


class ScoredTopic(NamedTuple):
    """A topic of a ticket and what scored it."""

    label: str
    confidence: float
    source: Source


class TopicScorer:
    """Scores tickets against all labels of a taxonomy."""

    def __init__(self, prototypes: Prototypes, head: Head, blend: Blend) -> None:
        taxonomy = prototypes.taxonomy
        known = {label: place for place, label in enumerate(head.spec.labels)}
        self._head = head
        self._labels = taxonomy.names
        self._threshold, self._top_k = taxonomy.threshold, taxonomy.top_k
        self._with_head = [place for place, label in enumerate(self._labels) if label in known]
        self._head_places = [known[self._labels[place]] for place in self._with_head]
        prototype_weight = np.full(len(self._labels), blend.alone.prototype, np.float32)
        prototype_weight[self._with_head] = blend.both.prototype
        self._bias = np.full(len(self._labels), blend.alone.bias, np.float32)
        self._bias[self._with_head] = blend.both.bias
        self._head_weight = np.float32(blend.both.head)
        # (dimensions, labels), weighed beforehand
        self._vectors = prototypes.centred.T * prototype_weight

    def probabilities(self, embeddings: Floats, features: Sequence[Features]) -> Floats:
        """(n, dimensions) embeddings and what the head sees of n tickets to (n, labels)."""
        logits = embeddings @ self._vectors + self._bias
        if self._with_head:
            judged = self._head.probabilities(features)[:, self._head_places]
            logits[:, self._with_head] += self._head_weight * logit(judged)
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)

    def best(self, probabilities: Floats) -> tuple[ScoredTopic, ...]:
        """The topics of one ticket, (labels,): those above the taxonomy's threshold, `top_k` at most."""
        places = np.argsort(-probabilities, kind="stable")[: self._top_k]
        return tuple(
            ScoredTopic(
                self._labels[place],
                float(probabilities[place]),
                Source.HEAD if place in self._with_head else Source.PROTOTYPE,
            )
            for place in places.tolist()
            if probabilities[place] >= self._threshold
        )


class NearestIntent:
    """Intents that no head knows, by their prototypes alone: softmax over the cosines."""

    def __init__(self, prototypes: Prototypes, blend: Blend) -> None:
        self.labels = prototypes.taxonomy.names
        self.review_below = prototypes.taxonomy.threshold
        self._vectors = prototypes.vectors.T / np.float32(blend.intent_temperature)

    def probabilities(self, embeddings: Floats) -> Floats:
        """(n, dimensions) to (n, labels)."""
        logits = embeddings @ self._vectors
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), np.float32)


def logit(probabilities: Floats) -> Floats:
    """The inverse of the sigmoid, finite everywhere."""
    clipped = np.clip(probabilities, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)), np.float32)


def shipped_blend() -> dict[str, bytes]:
    """The blend that comes with the package, as a file for a bundle."""
    return {BLEND_FILE: SHIPPED_BLEND.read_bytes()}


def load_blend(bundle: Bundle) -> Blend:
    """The blend of a bundle. SetupError where it has none that this version reads."""
    try:
        return Blend.model_validate_json(bundle.path(BLEND_FILE).read_bytes())
    except ValidationError as error:
        message = f"the bundle's {BLEND_FILE} cannot be read by this version: run `ticketmill models build`"
        raise SetupError(message) from error
