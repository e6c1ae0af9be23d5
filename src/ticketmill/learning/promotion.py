"""The gates of one version: what it and the serving model say of the same examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ticketmill.domain.held_out import HELD_OUT_FILE, HeldOutPredictions
from ticketmill.domain.model_card import ModelVersion, version_name
from ticketmill.domain.rollout import TaskRollout
from ticketmill.learning.audits import Audits
from ticketmill.learning.comparison import Comparison, compare, pairs_of
from ticketmill.learning.gates import GateResult, GateSettings, audit_gate, held_out_gate, too_few_audits
from ticketmill.learning.registry import find_version, load_file
from ticketmill.learning.store import LearningStore


@dataclass(frozen=True, slots=True)
class PromotionGates:
    """The gates of `challenger`.

    `has_bundle_model` says whether the bundle predicts the task. Where it does not and no version serves,
    there is nothing to be worse than.
    """

    store: LearningStore
    challenger: ModelVersion
    has_bundle_model: bool
    audits: Audits
    settings: GateSettings

    def __call__(self, current: TaskRollout | None) -> Sequence[GateResult]:
        """What the gates say, given the decision that holds."""
        number = None if current is None else current.serving
        if number is None and not self.has_bundle_model:
            return (GateResult("held-out", passed=True, said="nothing predicts the task yet"),)
        champion = None
        if number is not None:
            champion = find_version(self.store, version_name(self.challenger.task, number))
        held_out = held_out_gate(comparison_of(self.store, self.challenger, champion), self.settings)
        return held_out, self._audit_gate(champion)

    def _audit_gate(self, champion: ModelVersion | None) -> GateResult:
        found = self.audits.count()
        if found < self.settings.min_audits:  # asking the models takes a while
            return too_few_audits(found, self.settings)
        return audit_gate(self.audits.beside(champion, self.challenger), self.settings)


def comparison_of(
    store: LearningStore, challenger: ModelVersion, champion: ModelVersion | None
) -> Comparison | None:
    """Both on the examples that they held out; without `champion` beside the model of the bundle. None where
    they have none in common."""
    mine = held_out_of(store, challenger)
    theirs = None if champion is None else held_out_of(store, champion)
    pairs = pairs_of(mine.predictions, None if theirs is None else theirs.predictions)
    return compare(pairs, mine.kind) if pairs else None


def held_out_of(store: LearningStore, version: ModelVersion) -> HeldOutPredictions:
    """What a version said of examples that it was not trained on; nothing for one that kept none."""
    if HELD_OUT_FILE not in version.files:
        return HeldOutPredictions(task=version.task, kind="single")
    return HeldOutPredictions.model_validate_json(load_file(store, version, HELD_OUT_FILE))
