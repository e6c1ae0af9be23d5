"""A learned version of a task as a stage: an overlay's probabilities, and the prediction that they make."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ticketmill.bisection import bisect
from ticketmill.domain.labels import Source
from ticketmill.domain.model_card import version_name
from ticketmill.tasks.classification import DECIMALS
from ticketmill.tasks.margin import of_thresholds
from ticketmill.tasks.stage import EncodedTicket, Fallback, Stage, as_fallback

if TYPE_CHECKING:
    from ticketmill.arrays import Floats
    from ticketmill.models.heads import Kind

log = logging.getLogger(__name__)

LEARNED_MODEL_FAILED = "learned_model"
"""The reason of a fallback from a learned version."""


class Spec(Protocol):
    """What an overlay says of itself."""

    @property
    def task(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def review_below(self) -> float: ...
    @property
    def threshold(self) -> float: ...


class Overlay(Protocol):
    """Weights over the one pass. `softmax` labels exclude each other, `sigmoid` labels do not."""

    @property
    def spec(self) -> Spec: ...
    def probabilities(self, tickets: Sequence[EncodedTicket], /) -> Floats:
        """n tickets to (n, labels)."""
        ...


class Chosen(NamedTuple):
    """What a learned version says of a ticket."""

    labels: tuple[tuple[str, float], ...]
    """The labels with their probabilities, most probable first: one, or as many as pass the threshold."""
    scores: dict[str, float]
    """The probability of each label."""
    margin: float | None = None
    """Of a task with several labels: how far the nearest probability is from its threshold."""

    @property
    def names(self) -> tuple[str, ...]:
        """The labels alone."""
        return tuple(label for label, _ in self.labels)

    @property
    def confidence(self) -> float | None:
        """The probability of the label; None for several, and for none."""
        return self.labels[0][1] if len(self.labels) == 1 else None

    @property
    def best(self) -> tuple[str, float]:
        """The most probable label of a task with one."""
        return self.labels[0]


OfLearned = Callable[[EncodedTicket, Chosen], Any]
"""What makes a prediction of a task of what a learned version says."""


@dataclass(frozen=True)
class LearnedModel:
    """A version of a task's learned model, loaded."""

    task: str
    number: int
    overlay: Overlay

    @cached_property
    def name(self) -> str:
        """As in `intent/v3`."""
        return version_name(self.task, self.number)

    @property
    def is_single(self) -> bool:
        """Whether exactly one label is right."""
        return self.overlay.spec.kind == "softmax"

    @property
    def review_below(self) -> float:
        """A person should look at a label that is less sure."""
        return self.overlay.spec.review_below

    def choose(self, tickets: Sequence[EncodedTicket]) -> list[Chosen]:
        """What it says of each ticket."""
        spec = self.overlay.spec
        rows = self.overlay.probabilities(tickets).astype(float).round(DECIMALS)
        if self.is_single:
            best = rows.argmax(axis=1).tolist()
            return [
                Chosen(((spec.labels[first], row[first]),), dict(zip(spec.labels, row, strict=True)))
                for first, row in zip(best, rows.tolist(), strict=True)
            ]
        return [
            Chosen(
                tuple(sorted(_above(spec, row), key=lambda pair: (-pair[1], pair[0]))),
                dict(zip(spec.labels, row, strict=True)),
                of_thresholds(row, spec.threshold),
            )
            for row in rows.tolist()
        ]

    def stage(self, of_learned: OfLearned) -> Stage[Any]:
        """The stage that it serves."""
        return lambda tickets: [of_learned(*each) for each in zip(tickets, self.choose(tickets), strict=True)]


def _above(spec: Spec, row: Sequence[float]) -> list[tuple[str, float]]:
    return [pair for pair in zip(spec.labels, row, strict=True) if pair[1] >= spec.threshold]


def with_own_stage(name: str, learned: Stage[Any], own: Stage[Any]) -> Stage[Any]:
    """`learned`; for a ticket that it fails on, the bundle's own stage predicts and the reason is kept."""

    def predict(tickets: Sequence[EncodedTicket]) -> list[Any]:
        results = bisect(tickets, learned)
        failed = [each for each, result in zip(tickets, results, strict=True) if _has_failed(result)]
        for each, error in zip(failed, filter(_has_failed, results), strict=True):
            log.error("%s failed for %s: %s", name, each.ticket.ticket_id, type(error).__name__)
        substitutes = iter(own(failed) if failed else ())
        return [
            as_fallback(next(substitutes), LEARNED_MODEL_FAILED) if _has_failed(result) else result
            for result in results
        ]

    return predict


def _has_failed(result: object) -> bool:
    return isinstance(result, Exception)


def labels_of(prediction: Any) -> tuple[tuple[str, ...], float | None]:
    """The labels that a prediction says, and the confidence of a single one.

    Labels that stand in for a prediction, such as a ticket's own tags, are none.
    """
    if isinstance(prediction, Fallback):
        prediction = prediction.prediction
    if isinstance(prediction, tuple):
        return tuple(each.label for each in prediction if each.source != Source.FALLBACK), None
    if hasattr(prediction, "names"):
        return prediction.names, prediction.confidence
    return (str(prediction.label),), prediction.confidence
