"""The card of a fitted model: what it was made from, what competed, and how it does."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version

from ticketmill.domain.dataset import Example
from ticketmill.domain.held_out import HeldOutPredictions
from ticketmill.domain.model_card import Competitor, ModelCard, TaskKind
from ticketmill.learning.fit import FittedTask
from ticketmill.learning.judge import Judged, measure, predictions
from ticketmill.learning.training import Fitted

PACKAGES = ("ticketmill", "numpy", "scipy", "onnxruntime")


def with_card(
    fitted: FittedTask,
    trained: Sequence[Example],
    hold_out: Judged | None,
    dataset: str,
    encoder: str,
) -> Fitted:
    """What is registered. The figures are those of `hold_out`, else of the cross-validation."""
    spec = fitted.spec
    judged = hold_out or Judged([trained[at] for at in fitted.held_out.rows], fitted.held_out.probabilities)
    measures = measure(judged, spec)
    kind: TaskKind = "single" if spec.kind == "softmax" else "multi"
    card = ModelCard(
        task=spec.task,
        kind=kind,
        labels=spec.labels,
        dataset=dataset,
        examples=len(trained),
        groups=len({each.group for each in trained}),
        tier=fitted.tier,
        recipe=fitted.recipe.name,
        why=fitted.why,
        competed=tuple(
            Competitor(
                recipe=each.recipe.name,
                families=each.recipe.families,
                score=each.mean,
                standard_error=each.standard_error,
            )
            for each in fitted.competed
        ),
        accuracy=measures.accuracy,
        macro_f1=measures.macro_f1,
        calibration_error=measures.calibration_error,
        measured_on="cross-validation" if hold_out is None else "hold-out",
        by_label=measures.by_label,
        by_group=measures.by_group,
        reliability=measures.reliability,
        confusion=measures.confusion,
        encoder=encoder,
        environment={"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    )
    said = None
    if hold_out is not None:
        said = HeldOutPredictions(task=spec.task, kind=kind, predictions=predictions(hold_out, spec))
    return Fitted(fitted.files, card, said)
