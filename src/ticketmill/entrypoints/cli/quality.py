"""The tables of `ticketmill models train`: how heads do on tickets that they did not see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ticketmill.entrypoints.cli.output import table

if TYPE_CHECKING:
    from ticketmill.learning.quality import Quality
    from ticketmill.learning.scores import TaskScore

TASKS = ("intent", "urgency", "sentiment", "topics")


def show_quality(title: str, quality: Quality) -> None:
    """All tickets by task, the operating points of urgency, and every file."""
    _show_tasks(title, quality)
    _show_pressing(title, quality)
    table(
        f"{title}: macro-F1 by file; recall and precision of critical and high urgency, taken as one",
        ("file", "tickets", *TASKS, "recall", "precision"),
        [
            (
                each.file,
                f"{each.tickets:,}",
                *(f"{each.task(task).macro_f1:.3f}" for task in TASKS),
                f"{each.pressing.recall:.3f}",
                f"{each.pressing.precision:.3f}",
            )
            for each in quality.files
        ],
    )
    table(
        f"{title}: calibration error by file; mistakes among those told with 0.9 or more",
        ("file", *TASKS, *(f"{task} >= 0.9" for task in TASKS)),
        [
            (
                each.file,
                *(f"{each.task(task).calibration_error:.3f}" for task in TASKS),
                *(_mistakes(each.task(task)) for task in TASKS),
            )
            for each in quality.files
        ],
    )


def show_ablations(rows: Mapping[str, Quality]) -> None:
    """The quality without each block of features."""
    table(
        "Macro-F1, each business left out once (topics: accuracy of the best)",
        ("left out", *TASKS),
        [(left_out, *map(_figure, quality.overall.tasks)) for left_out, quality in rows.items()],
    )


def _figure(score: TaskScore) -> str:
    return f"{score.accuracy if score.task == 'topics' else score.macro_f1:.3f}"


def _mistakes(score: TaskScore) -> str:
    return f"{score.sure_mistakes} of {score.sure:,}"


def _show_tasks(title: str, quality: Quality) -> None:
    columns = (
        "task",
        "macro-F1",
        "accuracy",
        "calibration error",
        "confidence >= 0.9",
        "mistakes among them",
        "not for review",
        "accuracy of those",
    )
    rows = [
        (
            each.task,
            f"{each.macro_f1:.3f}",
            f"{each.accuracy:.3f}",
            f"{each.calibration_error:.3f}",
            f"{each.sure:,}",
            each.sure_mistakes,
            f"{each.coverage:.3f}",
            f"{each.covered_accuracy:.3f}",
        )
        for each in quality.overall.tasks
    ]
    table(title, columns, rows)


def _show_pressing(title: str, quality: Quality) -> None:
    shipped, nested = quality.overall.pressing, quality.nested
    table(
        f"{title}: critical and high urgency, taken as one",
        ("operating point", "recall", "precision", "urgency macro-F1"),
        [
            (
                "as shipped",
                f"{shipped.recall:.3f}",
                f"{shipped.precision:.3f}",
                f"{quality.overall.task('urgency').macro_f1:.3f}",
            ),
            (
                "chosen on the other files",
                f"{nested.pressing.recall:.3f}",
                f"{nested.pressing.precision:.3f}",
                f"{nested.macro_f1:.3f}",
            ),
        ],
    )
