"""Where learning keeps everything: the objects, and the records in their items."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ticketmill.learning.directory import DirectoryLearningObjects
from ticketmill.learning.directory_items import DirectoryLearningItems
from ticketmill.learning.job_records import JobRecords, PredictionRecords
from ticketmill.learning.job_workers import JobWorkerRecords
from ticketmill.learning.ports import Datasets, LearningItems, LearningObjects, Rollouts, Runs, Versions
from ticketmill.learning.records import DatasetRecords, RolloutRecords, RunRecords, VersionRecords


@dataclass(frozen=True, slots=True)
class LearningStore:
    """One place of learning: a stack, or a folder."""

    objects: LearningObjects
    datasets: Datasets
    versions: Versions
    rollouts: Rollouts
    runs: Runs
    jobs: JobRecords
    predictions: PredictionRecords
    job_workers: JobWorkerRecords


def learning_store(objects: LearningObjects, items: LearningItems) -> LearningStore:
    """The store over objects and items of any place."""
    return LearningStore(
        objects,
        DatasetRecords(items),
        VersionRecords(items),
        RolloutRecords(items),
        RunRecords(items),
        JobRecords(items),
        PredictionRecords(items),
        JobWorkerRecords(items),
    )


def directory_store(folder: Path) -> LearningStore:
    """The store in a folder. Nothing is written yet."""
    return learning_store(DirectoryLearningObjects(folder), DirectoryLearningItems(folder))
