"""Model cards and versions for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from learned_versions import NOON

from ticketmill.domain.held_out import HELD_OUT_FILE
from ticketmill.domain.model_card import (
    Competitor,
    CurvePoint,
    GroupMetrics,
    Interval,
    LabelMetrics,
    ModelCard,
    ModelVersion,
    ReliabilityBin,
)
from ticketmill.learning.registry import register
from ticketmill.learning.store import LearningStore

LABELS = ("bug_report", "login_issue", "payment_issue")


def sample_card(task: str = "intent", labels: Sequence[str] = LABELS, **given: Any) -> ModelCard:
    """A card with all that it can have; `given` says what is unlike the usual."""
    count = len(labels)
    usual: dict[str, Any] = {
        "task": task,
        "kind": "single",
        "labels": tuple(labels),
        "dataset": "d" * 32,
        "examples": 300,
        "groups": 240,
        "tier": "conservative",
        "recipe": "layers",
        "why": "layers is better than embedding by more than a standard error",
        "competed": (
            Competitor(recipe="embedding", families=("embedding",), score=0.81, standard_error=0.01),
            Competitor(recipe="layers", families=("embedding", "layers"), score=0.86, standard_error=0.01),
        ),
        "accuracy": Interval(value=0.86, low=0.82, high=0.9),
        "macro_f1": 0.84,
        "calibration_error": 0.03,
        "measured_on": "hold-out",
        "by_label": {
            label: LabelMetrics(precision=0.9, recall=0.8, f1=0.6 + 0.3 * at / count, support=20 + at)
            for at, label in enumerate(labels)
        },
        "by_group": {"acme": GroupMetrics(accuracy=0.9, support=20)},
        "reliability": (
            ReliabilityBin(confidence=0.45, accuracy=0.5, share=0.2),
            ReliabilityBin(confidence=0.9, accuracy=0.88, share=0.8),
        ),
        "confusion": tuple(
            tuple(
                17 if row == column else (2 if column == (row + 1) % count else 0) for column in range(count)
            )
            for row in range(count)
        ),
        "curve": (
            CurvePoint(examples=60, accuracy=Interval(value=0.7, low=0.64, high=0.76)),
            CurvePoint(examples=300, accuracy=Interval(value=0.86, low=0.82, high=0.9)),
        ),
        "encoder": "f00d",
        "environment": {"python": "3.11"},
    }
    return ModelCard(**{**usual, **given})


def register_sample(
    store: LearningStore,
    task: str = "intent",
    number: int = 1,
    held_out: bytes | None = None,
    **given: Any,
) -> ModelVersion:
    """Registers a version of a sample card as `number`; `given` says what is unlike the usual."""
    card = sample_card(task, **{"dataset": f"{number:032x}", **given})
    files = {"overlay.npz": b"arrays"}
    if held_out is not None:
        files[HELD_OUT_FILE] = held_out
    version = register(store, files, card, f"job-{task}-{number}", "ann", NOON)
    assert version.number == number
    return version
