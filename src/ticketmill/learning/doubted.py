"""The labels that the newest version of each task doubts, as tickets to look at again."""

from __future__ import annotations

from collections.abc import Iterable

from ticketmill.domain.doubted import DOUBTED_FILE, DoubtedLabels
from ticketmill.learning.registry import load_file
from ticketmill.learning.sampling import Suspect
from ticketmill.learning.store import LearningStore

MAX_SUSPECTS = 100
"""A second look at more than these of a task finds mostly labels that are right."""


def suspects_of(store: LearningStore, tasks: Iterable[str]) -> list[Suspect]:
    """The most doubtful labels of the newest version of each task that has some, task by task in turn."""
    found = [_of_newest(store, task) for task in tasks]
    longest = max(map(len, found), default=0)
    return [each[rank] for rank in range(longest) for each in found if rank < len(each)]


def _of_newest(store: LearningStore, task: str) -> list[Suspect]:
    for version in store.versions.versions(task):
        if DOUBTED_FILE in version.files:
            known = DoubtedLabels.model_validate_json(load_file(store, version, DOUBTED_FILE))
            return [Suspect(each.example_id, task) for each in known.doubted[:MAX_SUSPECTS]]
    return []
