"""What an overlay says of examples, and the measures of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ticketmill.arrays import Bools, Doubles, Floats
from ticketmill.domain.dataset import Example
from ticketmill.domain.held_out import HeldOutPrediction
from ticketmill.domain.model_card import GroupMetrics, Interval, LabelMetrics, ReliabilityBin
from ticketmill.learning.calibration import calibration_error, reliability
from ticketmill.learning.families import Encode, ticket_of, tickets_of
from ticketmill.learning.measures import LabelMeasures, measure_classes, measure_tags
from ticketmill.models.heads import Heads
from ticketmill.models.overlay_features import ReadTicket
from ticketmill.tasks.learned import Spec
from ticketmill.text.reading import read_ticket

MAX_GROUPS = 20
Z_95 = 1.96


class Judging(Protocol):
    """What a version's files make: an overlay, or a model of parts."""

    @property
    def spec(self) -> Spec: ...
    def probabilities(self, tickets: Sequence[ReadTicket], /) -> Floats:
        """n tickets to (n, labels)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What was said of n examples: by the overlay, and by the bundle's own model where it has the task."""

    examples: Sequence[Example]
    probabilities: Doubles
    """(n, labels)"""
    baseline: Sequence[tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Measures:
    """How the overlay does on them."""

    accuracy: Interval
    """The share that is right; of several labels, their micro-F1."""
    macro_f1: float
    calibration_error: float
    by_label: dict[str, LabelMetrics]
    by_group: dict[str, GroupMetrics]
    reliability: tuple[ReliabilityBin, ...]
    confusion: tuple[tuple[int, ...], ...]


def judge(overlay: Judging, examples: Sequence[Example], encode: Encode, heads: Heads) -> Judged:
    """Runs `overlay` over `examples`, which it was not trained on, as the worker would."""
    tickets = [ticket_of(each) for each in examples]
    readings = [read_ticket(ticket) for ticket in tickets]
    encodings = encode([each.text for each in readings])
    spec, head = overlay.spec, heads.tasks.get(overlay.spec.task)
    rows, baseline = [np.zeros((0, len(spec.labels)))], []
    for chunk in tickets_of(tickets, readings, encodings, heads):
        rows.append(overlay.probabilities(chunk).astype(np.float64))
        if head is not None:
            of_bundle = head.probabilities([each.features for each in chunk]).astype(np.float64)
            limit = None if head.spec.kind == "softmax" else head.spec.threshold
            baseline += said(of_bundle, head.spec.labels, limit)
    return Judged(examples, np.concatenate(rows), baseline if head is not None else None)


def said(probabilities: Doubles, labels: Sequence[str], threshold: float | None) -> list[tuple[str, ...]]:
    """The labels of each row, most probable first: the best one, or all from `threshold` on."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    if threshold is None:
        return [(labels[row[0]],) for row in order]
    return [
        tuple(labels[at] for at in row if own[at] >= threshold)
        for row, own in zip(order, probabilities, strict=True)
    ]


def given(judged: Judged, spec: Spec) -> list[tuple[str, ...]]:
    """The labels that the overlay gives each example."""
    return said(judged.probabilities, spec.labels, None if spec.kind == "softmax" else spec.threshold)


def predictions(judged: Judged, spec: Spec) -> tuple[HeldOutPrediction, ...]:
    """Example by example, for comparisons."""
    baseline: Sequence[tuple[str, ...] | None] = judged.baseline or [None] * len(judged.examples)
    return tuple(
        HeldOutPrediction(
            example_id=each.example_id,
            group=each.group,
            right=each.labels,
            predicted=predicted,
            baseline=before,
        )
        for each, predicted, before in zip(judged.examples, given(judged, spec), baseline, strict=True)
    )


def measure(judged: Judged, spec: Spec) -> Measures:
    """The figures of a card."""
    truth, labels = [each.labels for each in judged.examples], given(judged, spec)
    right = np.array([set(one) == set(other) for one, other in zip(truth, labels, strict=True)])
    if spec.kind == "softmax":
        return _classes(judged, spec, truth, labels, right)
    vocabulary = sorted({*spec.labels, *(label for each in truth for label in each)})
    tagged = measure_tags(vocabulary, truth, labels)
    known = np.array([[label in each for label in spec.labels] for each in truth])
    return Measures(
        accuracy=interval(tagged.micro_f1, max(sum(map(len, truth)), 1)),
        macro_f1=tagged.macro_f1,
        calibration_error=calibration_error(judged.probabilities.ravel(), known.ravel()),
        by_label=_by_label(tagged.labels),
        by_group=_by_group(judged.examples, right),
        reliability=_bins(judged.probabilities.ravel(), known.ravel()),
        confusion=(),
    )


def interval(share: float, count: int) -> Interval:
    """A share of `count` with its 95% interval (Wilson, 1927)."""
    middle = (share + Z_95**2 / (2 * count)) / (1 + Z_95**2 / count)
    spread = math.sqrt(share * (1 - share) / count + Z_95**2 / (4 * count**2)) * Z_95 / (1 + Z_95**2 / count)
    return Interval(value=share, low=max(middle - spread, 0.0), high=min(middle + spread, 1.0))


def _classes(
    judged: Judged,
    spec: Spec,
    truth: Sequence[tuple[str, ...]],
    labels: Sequence[tuple[str, ...]],
    right: Bools,
) -> Measures:
    confidence = judged.probabilities.max(axis=1)
    others = {each[0] for each in truth} - set(spec.labels)
    found = measure_classes(
        [*spec.labels, *sorted(others)], [each[0] for each in truth], [each[0] for each in labels], confidence
    )
    return Measures(
        accuracy=interval(found.accuracy, len(truth)),
        macro_f1=found.macro_f1,
        calibration_error=found.calibration_error,
        by_label=_by_label(found.labels),
        by_group=_by_group(judged.examples, right),
        reliability=_bins(confidence, right),
        confusion=found.confusion,
    )


def _by_label(measures: Sequence[LabelMeasures]) -> dict[str, LabelMetrics]:
    return {
        each.label: LabelMetrics(
            precision=each.precision, recall=each.recall, f1=each.f1, support=each.support
        )
        for each in measures
    }


def _by_group(examples: Sequence[Example], right: Bools) -> dict[str, GroupMetrics]:
    sizes = Counter(each.group for each in examples)
    largest = sorted(
        (group for group, size in sizes.items() if size > 1), key=lambda each: (-sizes[each], each)
    )
    rows: dict[str, list[bool]] = {group: [] for group in largest[:MAX_GROUPS]}
    for each, is_right in zip(examples, right.tolist(), strict=True):
        if each.group in rows:
            rows[each.group].append(is_right)
    return {
        group: GroupMetrics(accuracy=sum(own) / len(own), support=len(own)) for group, own in rows.items()
    }


def _bins(confidence: Doubles, right: Bools) -> tuple[ReliabilityBin, ...]:
    return tuple(
        ReliabilityBin(confidence=mean, accuracy=accuracy, share=share)
        for mean, accuracy, share in reliability(confidence, right)
    )
