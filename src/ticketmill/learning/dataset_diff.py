"""What one dataset has and another has not."""

from __future__ import annotations

from dataclasses import dataclass

from ticketmill.domain.dataset import Example
from ticketmill.learning.snapshots import Snapshot


@dataclass(frozen=True, slots=True)
class Relabelled:
    """An example that is in both, with other labels."""

    example_id: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DatasetDiff:
    """From the first dataset to the second; ids in order."""

    before: str
    after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    relabelled: tuple[Relabelled, ...]
    rewritten: tuple[str, ...]
    """Examples with other content."""
    labels: dict[str, int]
    """Labels whose numbers of examples differ, with the difference."""
    held_out: int
    """By how many the hold-out grew."""


def diff(before: Snapshot, after: Snapshot) -> DatasetDiff:
    """What is different in `after`."""
    old, new = _by_id(before), _by_id(after)
    both = sorted(old.keys() & new.keys())
    counts = {
        label: after.manifest.labels.get(label, 0) - before.manifest.labels.get(label, 0)
        for label in sorted({*before.manifest.labels, *after.manifest.labels})
    }
    return DatasetDiff(
        before=before.manifest.name,
        after=after.manifest.name,
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        relabelled=tuple(
            Relabelled(each, old[each].labels, new[each].labels)
            for each in both
            if old[each].labels != new[each].labels
        ),
        rewritten=tuple(each for each in both if old[each].content_hash != new[each].content_hash),
        labels={label: change for label, change in counts.items() if change},
        held_out=after.manifest.held_out - before.manifest.held_out,
    )


def _by_id(snapshot: Snapshot) -> dict[str, Example]:
    return {each.example_id: each for each in snapshot.examples}
