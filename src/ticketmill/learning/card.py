"""The card of a fitted model: what it was made from, what competed, and how it does."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version

from ticketmill.domain.dataset import Example
from ticketmill.domain.held_out import HeldOutPredictions
from ticketmill.domain.model_card import Competitor, ModelCard, TaskKind
from ticketmill.learning.fine_tuned_part import FIRST_TIER, RECIPE
from ticketmill.learning.fit import FittedTask
from ticketmill.learning.judge import Judged, measure, predictions
from ticketmill.learning.recipes import Score
from ticketmill.learning.training import Fitted
from ticketmill.models.finetuned import FAMILY

PACKAGES = ("ticketmill", "numpy", "scipy", "onnxruntime")


def with_card(
    fitted: FittedTask,
    trained: Sequence[Example],
    hold_out: Judged | None,
    dataset: str,
    encoder: str,
    not_tuned: str = "",
) -> Fitted:
    """What is registered. The figures are those of `hold_out`, else of the cross-validation.

    `not_tuned` says why no fine-tuned encoder competed, for a dataset that is large enough for one.
    """
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
        competed=(*map(_competitor, fitted.competed), *_absent(fitted, not_tuned)),
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


def _competitor(score: Score) -> Competitor:
    recipe = score.recipe
    return Competitor(
        recipe=recipe.name,
        families=recipe.families,
        score=score.mean,
        standard_error=score.standard_error,
    )


def _absent(fitted: FittedTask, why: str) -> list[Competitor]:
    """The fine-tuned encoder, where it is missing among those that competed."""
    if fitted.tier != FIRST_TIER or RECIPE in {each.recipe.name for each in fitted.competed} or not why:
        return []
    return [Competitor(recipe=RECIPE, families=(FAMILY,), score=0.0, standard_error=0.0, note=why)]
