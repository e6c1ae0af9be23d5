"""A stage turns a batch of encoded tickets into one prediction each. Another model is another stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.labels import Source

if TYPE_CHECKING:
    from ticketmill.arrays import Floats
    from ticketmill.domain.entities import Mention
    from ticketmill.domain.ticket import Ticket
    from ticketmill.encoder.encoder import Encoded
    from ticketmill.models.features import Features
    from ticketmill.models.transformers.runner import ModelRunner
    from ticketmill.text.entities.finder import EntityFinder
    from ticketmill.text.reading import Reading

Prediction = TypeVar("Prediction")
Output = TypeVar("Output")


@dataclass(frozen=True)
class EncodedTicket:
    """A ticket after the one pass: what the encoder gave, and the features that the heads read."""

    ticket: Ticket
    reading: Reading
    encoded: Encoded
    features: Features
    finder: EntityFinder = field(repr=False)

    @property
    def text(self) -> str:
        """The writer's own words, everything else blanked."""
        return self.reading.text

    @cached_property
    def mentions(self) -> tuple[Mention, ...]:
        """The entities of the text: found once, for the task and for the models that count them."""
        return self.finder.find(self.text)


@dataclass(frozen=True, slots=True)
class Fallback(Generic[Prediction]):
    """A prediction that stands in for one of a model that failed, and the reason."""

    prediction: Prediction
    reason: str


Stage = Callable[[Sequence[EncodedTicket]], Sequence[Prediction | Fallback[Prediction]]]
Rank = Callable[[Sequence[EncodedTicket]], "Floats"]
"""How near each label of a task is to each ticket: (tickets, labels)."""


@dataclass(frozen=True, slots=True)
class Served(Generic[Prediction]):
    """What serves a task. A person should look at a prediction whose confidence is under `review_below`."""

    stage: Stage[Prediction]
    model: str
    """Its name, as every record says it."""
    review_below: float = 0.0


@dataclass(frozen=True, slots=True)
class Loaded(Generic[Output]):
    """A named model of a task, ready to run."""

    resident_mb: float
    predict: Callable[[Sequence[EncodedTicket]], Sequence[Output]] = field(repr=False)

    def __call__(self, tickets: Sequence[EncodedTicket]) -> Sequence[Output]:
        return self.predict(tickets)


def with_fallback(
    runner: ModelRunner[EncodedTicket, Prediction], fallback: Stage[Prediction]
) -> Stage[Prediction]:
    """The stage of a named model; where it fails, `fallback` predicts and the reason is kept."""

    def predict(tickets: Sequence[EncodedTicket]) -> list[Prediction | Fallback[Prediction]]:
        results = runner.run(tickets)
        failed = list(compress(tickets, (isinstance(each, TransientFailure) for each in results)))
        substitutes = iter(fallback(failed) if failed else ())
        return [
            as_fallback(next(substitutes), each.code) if isinstance(each, TransientFailure) else each
            for each in results
        ]

    return predict


def as_fallback(substitute: Any, reason: str) -> Fallback[Any]:
    """A prediction as one that stands in, and the reason."""
    prediction = substitute.prediction if isinstance(substitute, Fallback) else substitute
    if hasattr(prediction, "source"):
        prediction = prediction.model_copy(update={"source": Source.FALLBACK})
    return Fallback(prediction, reason)


def embeddings_of(tickets: Sequence[EncodedTicket]) -> Floats:
    """The embeddings of the one pass: (tickets, dimensions)."""
    import numpy as np

    return np.stack([each.encoded.embedding for each in tickets])


def features_of(tickets: Sequence[EncodedTicket]) -> list[Features]:
    """What the heads read, ticket by ticket."""
    return [each.features for each in tickets]


def texts_of(tickets: Sequence[EncodedTicket]) -> list[str]:
    """What named models read: the writer's own words, as the encoder reads them."""
    return [each.text for each in tickets]
