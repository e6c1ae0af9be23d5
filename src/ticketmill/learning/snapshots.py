"""Datasets as they are kept: the manifest among the datasets, the examples and their sides as objects.

A snapshot is named by the hash of its examples and never changed. The objects are written before the
manifest, so that what a manifest names is there.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ticketmill.domain.dataset import Dataset, Example
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.keys import dataset_file
from ticketmill.learning.hold_out import Sides
from ticketmill.learning.ports import Datasets, LearningObjects

EXAMPLES_FILE = "examples.jsonl.gz"
SIDES_FILE = "sides.json.gz"
FILES = (EXAMPLES_FILE, SIDES_FILE)
NAME_DIGITS = 32
SHOWN_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A dataset with its examples in the order of their ids."""

    manifest: Dataset
    examples: tuple[Example, ...]
    sides: Sides

    @property
    def trained(self) -> list[Example]:
        """What may be trained on."""
        return [each for each in self.examples if not each.held_out]

    @property
    def held_out(self) -> list[Example]:
        """What judges."""
        return [each for each in self.examples if each.held_out]


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The datasets of one place."""

    datasets: Datasets
    objects: LearningObjects

    def save(self, snapshot: Snapshot) -> Dataset:
        """Keeps a snapshot; its manifest as it is then. Of one that is there already the examples stay, and
        what is known beside them is joined: sides, and the later time."""
        manifest, sides = snapshot.manifest, snapshot.sides
        known = self.named(manifest.task, manifest.name)
        if known is not None:
            sides = sides.joined(self._sides(known))
            latest = max(filter(None, (known.built_at, manifest.built_at)), default=None)
            manifest = manifest.model_copy(update={"built_at": latest, "parent": known.parent})
        examples_key = dataset_file(manifest.task, manifest.name, EXAMPLES_FILE)
        if self.objects.get(examples_key) is None:
            self.objects.put(examples_key, gzip.compress(lines_of(snapshot.examples), mtime=0))
        self._put_sides(manifest, sides)
        self.datasets.replace_dataset(manifest)
        return manifest

    def named(self, task: str, name: str) -> Dataset | None:
        """The manifest of a dataset by its whole name."""
        return next((each for each in self.datasets.datasets(task) if each.name == name), None)

    def rewrite(self, snapshot: Snapshot) -> None:
        """Replaces what a snapshot says beside its examples, with all older versions of it."""
        manifest = snapshot.manifest
        self.objects.delete([dataset_file(manifest.task, manifest.name, SIDES_FILE)])
        self._put_sides(manifest, snapshot.sides)
        self.datasets.replace_dataset(snapshot.manifest)

    def load(self, manifest: Dataset) -> Snapshot:
        """The snapshot of a manifest. LearningRefused where its objects are gone or are not those that were
        written."""
        lines = self._read(manifest, EXAMPLES_FILE)
        if name_of(manifest.task, lines) != manifest.name:
            raise LearningRefused(
                LearningCode.UNKNOWN_DATASET,
                f"the examples of dataset {manifest.name} are not those that it was made from: build it "
                f"again by `ticketmill dataset build --task {manifest.task}`",
            )
        examples = tuple(Example.model_validate_json(line) for line in lines.splitlines())
        return Snapshot(manifest, examples, self._sides(manifest))

    def newest(self, task: str) -> Dataset | None:
        """The manifest of a task's latest dataset."""
        return next(iter(self.datasets.datasets(task)), None)

    def find(self, task: str, name: str | None = None) -> Dataset:
        """The dataset whose name begins with `name`, the newest without. LearningRefused where there is none,
        or where several begin so."""
        known = self.datasets.datasets(task)
        found = [each for each in known if each.name.startswith(name or "")]
        if name is None and found:
            return found[0]
        if len(found) == 1:
            return found[0]
        what = f"{len(found)} datasets begin with {name}" if found else f"no dataset {name or ''}".rstrip()
        names = ", ".join(each.name[:SHOWN_DIGITS] for each in known[:5])
        there = f"; there are {names}" if known else "; `ticketmill dataset build` makes one"
        raise LearningRefused(LearningCode.UNKNOWN_DATASET, f"{what} of {task}{there}")

    def remove(self, manifest: Dataset) -> None:
        """Removes a dataset: the manifest first, so that none names objects that are gone."""
        self.datasets.remove_dataset(manifest)
        self.objects.delete([dataset_file(manifest.task, manifest.name, file) for file in FILES])

    def _sides(self, manifest: Dataset) -> Sides:
        return Sides.model_validate_json(self._read(manifest, SIDES_FILE))

    def _put_sides(self, manifest: Dataset, sides: Sides) -> None:
        ordered = {"held_out": sorted(sides.held_out), "trained": sorted(sides.trained)}
        body = gzip.compress(json.dumps(ordered).encode(), mtime=0)
        self.objects.put(dataset_file(manifest.task, manifest.name, SIDES_FILE), body)

    def _read(self, manifest: Dataset, file: str) -> bytes:
        body = self.objects.get(dataset_file(manifest.task, manifest.name, file))
        if body is None:
            raise LearningRefused(
                LearningCode.UNKNOWN_DATASET,
                f"dataset {manifest.name} has no {file} any more: build it again by "
                f"`ticketmill dataset build --task {manifest.task}`",
            )
        return gzip.decompress(body)


def lines_of(examples: Iterable[Example]) -> bytes:
    """Examples as JSON lines: the same examples are the same bytes."""
    return b"".join(each.model_dump_json(exclude_defaults=True).encode() + b"\n" for each in examples)


def name_of(task: str, lines: bytes) -> str:
    """The name of the dataset of a task with these examples."""
    return hashlib.sha256(task.encode() + b"\n" + lines).hexdigest()[:NAME_DIGITS]


def counts_of(examples: Sequence[Example]) -> dict[str, int]:
    """How many examples have each label, the most frequent first."""
    counts: dict[str, int] = {}
    for label in (label for each in examples for label in each.labels):
        counts[label] = counts.get(label, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
