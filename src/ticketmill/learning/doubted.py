"""The labels that the newest version of each task doubts, as tickets to look at again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ticketmill.arrays import Doubles
from ticketmill.domain.dataset import Example, Origin
from ticketmill.domain.doubted import DOUBTED_FILE, DoubtedLabel, DoubtedLabels
from ticketmill.learning.registry import load_file
from ticketmill.learning.sampling import Suspect
from ticketmill.learning.store import LearningStore
from ticketmill.learning.suspects import suspects
from ticketmill.tasks.learned import Spec

MAX_SUSPECTS = 100
"""A second look at more than these of a task finds mostly labels that are right."""


def suspects_of(store: LearningStore, tasks: Iterable[str]) -> list[Suspect]:
    """The most doubtful labels of the newest version of each task that has some, task by task in turn."""
    found = [_of_newest(store, task) for task in tasks]
    longest = max(map(len, found), default=0)
    return [each[rank] for rank in range(longest) for each in found if rank < len(each)]


def doubted_labels(examples: Sequence[Example], spec: Spec, probabilities: Doubles) -> DoubtedLabels:
    """The most doubtful labels of examples, by (examples, labels) probabilities of models that did not see
    them. Labels of the shipped corpus are nobody's to look at again."""
    truth = np.array([[label in each.labels for label in spec.labels] for each in examples], np.float64)
    found = suspects(spec.labels, probabilities, truth, spec.kind, len(examples))
    doubted = [
        DoubtedLabel(
            example_id=examples[each.position].example_id,
            labels=examples[each.position].labels,
            likelier=each.likelier,
            probability=round(each.probability, 6),
        )
        for each in found
        if examples[each.position].origin != Origin.CORPUS
    ]
    return DoubtedLabels(task=spec.task, doubted=tuple(doubted[:MAX_SUSPECTS]))


def _of_newest(store: LearningStore, task: str) -> list[Suspect]:
    for version in store.versions.versions(task):
        if DOUBTED_FILE in version.files:
            known = DoubtedLabels.model_validate_json(load_file(store, version, DOUBTED_FILE))
            return [Suspect(each.example_id, task) for each in known.doubted[:MAX_SUSPECTS]]
    return []
