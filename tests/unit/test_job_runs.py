"""Running a job: claimed, kept by a heartbeat, stopped where it must be, and its failures told apart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from jobs_contract import NOON, OTHER, TRAIN

from ticketmill.aws.learning_memory import MemoryLearningItems
from ticketmill.domain.errors import LearningCode, LearningRefused, SetupError, TransientFailure
from ticketmill.domain.job import Job, JobErrorCode, JobKind, JobStatus
from ticketmill.learning.job_records import MAX_ATTEMPTS, JobRecords
from ticketmill.learning.job_work import Pace, Work
from ticketmill.learning.jobs import JobRunner

PACE = Pace(lease=timedelta(minutes=1), heartbeat=timedelta(milliseconds=5), look=timedelta(0))
TEXT = "my card number is in here"


@dataclass
class Clock:
    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment


@dataclass
class Place:
    """Jobs in memory, and a runner whose work a test gives."""

    items: MemoryLearningItems = field(default_factory=MemoryLearningItems)
    clock: Clock = field(default_factory=Clock)

    @property
    def records(self) -> JobRecords:
        return JobRecords(self.items)

    def submit(self) -> None:
        self.records.submit("j1", TRAIN, NOON)

    def run(self, does: Callable[[Job, Work], Mapping[str, Any]], pace: Pace = PACE) -> Job:
        return JobRunner(self.records, {JobKind.TRAIN: does}, pace, self.clock, lambda _: None)("j1")


@pytest.fixture
def place() -> Place:
    made = Place()
    made.submit()
    return made


def fails(error: Exception) -> Callable[[Job, Work], Mapping[str, Any]]:
    def does(_job: Job, _work: Work) -> Mapping[str, Any]:
        raise error

    return does


def test_a_job_ends_with_what_its_work_gave_and_is_not_run_again(place: Place) -> None:
    def does(_job: Job, work: Work) -> Mapping[str, Any]:
        work.begin("reading", 2)
        work.advance(2)
        return {"version": 1}

    done = place.run(does)
    assert (done.status, done.done, done.total, done.result) == (JobStatus.COMPLETED, 2, 2, {"version": 1})
    assert place.run(fails(AssertionError("it was run again"))) == done


def test_a_second_delivery_while_the_first_runs_leaves_it_alone(place: Place) -> None:
    def does(_job: Job, _work: Work) -> Mapping[str, Any]:
        second = place.run(fails(AssertionError("it was run twice at once")))
        assert second.status is JobStatus.RUNNING
        return {}

    assert place.run(does).status is JobStatus.COMPLETED


def test_the_heartbeat_keeps_the_lease_while_the_work_says_nothing(place: Place) -> None:
    def does(_job: Job, _work: Work) -> Mapping[str, Any]:
        renewed = threading.Event()
        for _ in range(400):
            place.clock.moment += timedelta(seconds=10)
            until = place.records.find("j1").lease_until
            assert until is not None
            if until > NOON + timedelta(minutes=2):
                break
            renewed.wait(0.005)
        else:
            raise AssertionError("nobody renewed the lease")
        return {}

    assert place.run(does).status is JobStatus.COMPLETED


def test_work_that_lost_its_lease_stops_and_writes_nothing(place: Place) -> None:
    done = []

    def does(_job: Job, work: Work) -> Mapping[str, Any]:
        place.clock.moment += timedelta(minutes=1)
        assert place.records.claim("j1", OTHER, place.clock()).owner == "other"
        work.advance()
        done.append("went on")
        return {}

    left = place.run(does, Pace(PACE.lease, timedelta(hours=1), PACE.look))
    assert (left.status, left.owner, done) == (JobStatus.RUNNING, "other", [])


def test_a_job_that_takes_too_long_has_failed_and_stops(place: Place) -> None:
    def does(_job: Job, work: Work) -> Mapping[str, Any]:
        place.clock.moment += timedelta(hours=1)
        work.advance()
        raise AssertionError("it went on")

    ended = place.run(does)
    assert ended.status is JobStatus.FAILED
    assert ended.error is not None
    assert (ended.error.code, "longer than 3,600 s" in ended.error.message) == (JobErrorCode.INTERNAL, True)


def test_a_running_job_stops_at_the_next_batch_after_somebody_cancelled(place: Place) -> None:
    batches = []

    def does(_job: Job, work: Work) -> Mapping[str, Any]:
        for number in range(10):
            if number == 3:
                place.records.cancel("j1", NOON)
            work.advance()
            batches.append(number)
        return {}

    assert place.run(does).status is JobStatus.CANCELLED
    assert batches == [0, 1, 2]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LearningRefused(LearningCode.UNKNOWN_VERSION, "train one"), JobErrorCode.MODEL),
        (LearningRefused(LearningCode.NO_DOCUMENTS, "name others"), JobErrorCode.DOCUMENT),
        (LearningRefused(LearningCode.UNKNOWN_TASK, "define it"), JobErrorCode.VALIDATION),
        (SetupError("there is no bundle"), JobErrorCode.MODEL),
    ],
)
def test_what_can_never_succeed_fails_at_once_and_says_what_to_do(
    place: Place, error: Exception, code: JobErrorCode
) -> None:
    failed = place.run(fails(error))
    assert failed.status is JobStatus.FAILED
    assert failed.error is not None
    assert (failed.error.code, failed.error.message) == (code, str(error))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TransientFailure("S3 does not answer"), JobErrorCode.STORAGE),
        (OSError(28, "No space left on device"), JobErrorCode.STORAGE),
        (ValueError(TEXT), JobErrorCode.INTERNAL),
    ],
)
def test_what_may_succeed_later_is_tried_again_and_fails_after_the_last_attempt(
    place: Place, error: Exception, code: JobErrorCode, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(MAX_ATTEMPTS - 1):
        assert place.run(fails(error)).status is JobStatus.QUEUED
    failed = place.run(fails(error))
    assert failed.status is JobStatus.FAILED
    assert failed.error is not None
    assert failed.error.code is code
    assert TEXT not in failed.error.message
    told = [each for each in caplog.records if each.levelname in ("WARNING", "ERROR")]
    assert all((each.job_id, each.correlation_id) == ("j1", "j1") for each in told)  # type: ignore[attr-defined]


def test_a_job_waits_for_another_training_of_its_task_as_long_as_it_takes(place: Place) -> None:
    waits = LearningRefused(LearningCode.JOB_RUNNING, "another one trains")
    for _ in range(2 * MAX_ATTEMPTS):
        assert place.run(fails(waits)).status is JobStatus.QUEUED
    assert place.run(lambda *_: {}).status is JobStatus.COMPLETED


def test_a_takeover_knows_what_the_attempt_before_it_found(place: Place) -> None:
    def dies(_job: Job, work: Work) -> Mapping[str, Any]:
        work.found(version=3)
        raise TransientFailure("S3 does not answer")

    place.run(dies)
    assert place.run(lambda _, work: {"again": work.known("version")}).result == {"version": 3, "again": 3}


def test_an_end_that_could_not_be_written_is_written_again(place: Place) -> None:
    class Failing(MemoryLearningItems):
        left = 3

        def put(self, partition: str, position: str, body: str, replaces: str | None = None) -> bool:
            if '"completed"' in body and self.left:
                self.left -= 1
                raise TransientFailure("DynamoDB throttles")
            return super().put(partition, position, body, replaces)

    place.items = Failing()
    place.submit()
    assert place.run(lambda *_: {}).status is JobStatus.COMPLETED


def test_who_presses_ctrl_c_gives_the_job_back(place: Place) -> None:
    def interrupted(_job: Job, _work: Work) -> Mapping[str, Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place.run(interrupted)
    job = place.records.find("j1")
    assert (job.status, job.attempts) == (JobStatus.QUEUED, 0)
