"""Versions, cards and held-out predictions for tests of the registry and of rollouts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from ticketmill.aws.learning_memory import MemoryLearningItems, MemoryLearningObjects
from ticketmill.domain.held_out import HELD_OUT_FILE, HeldOutPrediction, HeldOutPredictions, held_out_bytes
from ticketmill.domain.model_card import Competitor, Interval, LabelMetrics, ModelCard, ModelVersion
from ticketmill.domain.rollout import Decider
from ticketmill.learning.registry import register
from ticketmill.learning.store import LearningStore, learning_store

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Decider(who="ann", at=NOON)
BOB = Decider(who="bob", at=NOON, reason="The gate knows too little.")


def memory_store() -> LearningStore:
    return learning_store(MemoryLearningObjects(), MemoryLearningItems())


def card(task: str = "intent", recipe: str = "blend", encoder: str = "e1") -> ModelCard:
    return ModelCard(
        task=task,
        kind="single",
        labels=("refund", "bug"),
        dataset="d1",
        examples=200,
        groups=180,
        tier="conservative",
        recipe=recipe,
        why="It is better by more than a standard error.",
        competed=(
            Competitor(recipe="blend", families=("embedding", "layers"), score=0.9, standard_error=0.01),
        ),
        accuracy=Interval(value=0.9, low=0.87, high=0.92),
        macro_f1=0.88,
        calibration_error=0.03,
        measured_on="hold-out",
        by_label={"refund": LabelMetrics(precision=0.9, recall=0.9, f1=0.9, support=20)},
        encoder=encoder,
    )


def held_out(
    right: int,
    wrong: int,
    task: str = "intent",
    baseline: str | None = "bug",
    group_of: Callable[[int], int] = int,
) -> bytes:
    """`right` tickets about a refund that the version knows, and `wrong` ones that it takes for a bug.

    `group_of` numbers the group of a ticket; each is in a group of its own by default."""
    return held_out_bytes(
        HeldOutPredictions(
            task=task,
            kind="single",
            predictions=tuple(
                HeldOutPrediction(
                    example_id=f"T{number:04}",
                    group=f"G{group_of(number):04}",
                    right=("refund",),
                    predicted=("refund" if number < right else "bug",),
                    baseline=None if baseline is None else (baseline,),
                )
                for number in range(right + wrong)
            ),
        )
    )


def registered(
    store: LearningStore,
    job: str = "job-1",
    task: str = "intent",
    held_out_file: bytes | None = None,
    encoder: str = "e1",
) -> ModelVersion:
    """A version of a job; its files differ from those of other jobs."""
    files = {"overlay.json": f'{{"job": "{job}"}}'.encode(), "overlay.npz": b"\x00" * 64}
    if held_out_file is not None:
        files[HELD_OUT_FILE] = held_out_file
    return register(store, files, card(task, encoder=encoder), job, "ann", NOON)
