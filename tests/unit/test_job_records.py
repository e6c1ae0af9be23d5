"""The rows of jobs in a folder and in memory, and what interleavings do to them."""

from __future__ import annotations

from pathlib import Path

import pytest
from jobs_contract import NOON, TRAIN, JobRecordsContract

from ticketmill.aws.learning_memory import MemoryLearningItems, MemoryLearningObjects
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.job import Documents
from ticketmill.domain.keys import JOB_IDS_KEY, job_position
from ticketmill.learning.job_records import JobRecords
from ticketmill.learning.store import LearningStore, directory_store, learning_store


class TestMemoryJobs(JobRecordsContract):
    @pytest.fixture
    def store(self) -> LearningStore:
        return learning_store(MemoryLearningObjects(), MemoryLearningItems())


class TestDirectoryJobs(JobRecordsContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LearningStore:
        return directory_store(tmp_path)


def test_a_submission_that_died_between_its_two_writes_is_finished_by_the_next_one() -> None:
    items = MemoryLearningItems()
    items.put(JOB_IDS_KEY, "j1", job_position(NOON, "j1"))
    jobs = JobRecords(items)
    assert jobs.get("j1") is None
    assert jobs.submit("j1", TRAIN, NOON).job_id == "j1"
    assert len(jobs.newest()) == 1


def test_a_request_that_no_row_can_hold_is_refused() -> None:
    many = TRAIN.model_copy(
        update={"documents": Documents(tickets=tuple(f"T{at:0100}" for at in range(4000)))}
    )
    with pytest.raises(LearningRefused, match="put them into a file") as caught:
        JobRecords(MemoryLearningItems()).submit("j1", many, NOON)
    assert caught.value.code is LearningCode.JOB_MISMATCH


def test_a_job_that_nobody_submitted_is_told_by_its_id() -> None:
    with pytest.raises(LearningRefused, match="no job j9") as caught:
        JobRecords(MemoryLearningItems()).cancel("j9", NOON)
    assert caught.value.code is LearningCode.UNKNOWN_JOB
