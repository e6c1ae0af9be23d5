"""What the rows of jobs keep to, in a stack, in a folder and in memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ticketmill.domain.document import DocumentPrediction
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.job import Documents, JobError, JobErrorCode, JobKind, JobRequest, JobStatus
from ticketmill.learning.job_records import (
    MAX_ATTEMPTS,
    JobFilter,
    JobRecords,
    Lease,
    LeaseLost,
    PredictionRecords,
    Progress,
)
from ticketmill.learning.store import LearningStore

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ONE, OTHER = Lease("one", MINUTE), Lease("other", MINUTE)
TRAIN = JobRequest(kind=JobKind.TRAIN, task="intent", documents=Documents(dataset="newest"))
INDEX = JobRequest(kind=JobKind.INDEX, project="shop", documents=Documents(uri="rows.jsonl"))


class JobRecordsContract:
    """A subclass gives the fixture `store`, with nothing in it."""

    @pytest.fixture
    def jobs(self, store: LearningStore) -> JobRecords:
        return store.jobs

    @pytest.fixture
    def predictions(self, store: LearningStore) -> PredictionRecords:
        return store.predictions

    @pytest.fixture
    def job(self, jobs: JobRecords) -> str:
        return jobs.submit("j1", TRAIN, NOON).job_id

    def test_the_same_request_again_is_the_same_job(self, jobs: JobRecords) -> None:
        job = jobs.submit("j1", TRAIN, NOON)
        assert (job.status, job.attempts, job.created_at) == (JobStatus.QUEUED, 0, NOON)
        by_somebody_else = TRAIN.model_copy(update={"who": "bob", "correlation_id": "c2"})
        assert jobs.submit("j1", by_somebody_else, NOON + MINUTE) == job
        assert jobs.get("j1") == job
        assert jobs.get("j2") is None

    def test_another_request_under_an_id_that_is_taken_is_refused(self, jobs: JobRecords, job: str) -> None:
        with pytest.raises(LearningRefused, match="with another request") as caught:
            jobs.submit(job, INDEX, NOON)
        assert caught.value.code is LearningCode.JOB_MISMATCH
        assert jobs.find(job).request == TRAIN

    def test_of_many_who_submit_one_id_at_once_all_have_one_job(self, jobs: JobRecords) -> None:
        moments = [NOON + MINUTE * number for number in range(6)]
        with ThreadPoolExecutor(len(moments)) as pool:
            found = list(pool.map(lambda at: jobs.submit("j1", TRAIN, at), moments))
        assert len({each.created_at for each in found}) == 1
        assert len(jobs.newest()) == 1

    def test_jobs_are_listed_newest_first_by_what_is_asked_for(self, jobs: JobRecords, job: str) -> None:
        jobs.submit("j2", INDEX, NOON + MINUTE)
        jobs.submit("j3", TRAIN.model_copy(update={"task": "team"}), NOON + 2 * MINUTE)
        jobs.cancel(job, NOON)
        assert [each.job_id for each in jobs.newest()] == ["j3", "j2", "j1"]
        assert [each.job_id for each in jobs.newest(limit=1)] == ["j3"]
        assert [each.job_id for each in jobs.newest(JobFilter(kind=JobKind.TRAIN))] == ["j3", "j1"]
        assert [each.job_id for each in jobs.newest(JobFilter(task="intent"))] == ["j1"]
        assert [each.job_id for each in jobs.newest(JobFilter(status=JobStatus.QUEUED))] == ["j3", "j2"]

    def test_a_job_is_claimed_by_one_worker_while_its_lease_holds(self, jobs: JobRecords, job: str) -> None:
        mine = jobs.claim(job, ONE, NOON)
        assert (mine.status, mine.owner, mine.attempts) == (JobStatus.RUNNING, "one", 1)
        theirs = jobs.claim(job, OTHER, NOON + timedelta(seconds=59))
        assert theirs == mine

    def test_of_many_who_claim_at_once_one_has_the_job(self, jobs: JobRecords, job: str) -> None:
        leases = [Lease(f"worker-{number}", MINUTE) for number in range(6)]
        with ThreadPoolExecutor(len(leases)) as pool:
            owners = {each.owner for each in pool.map(lambda lease: jobs.claim(job, lease, NOON), leases)}
        assert len(owners) == 1
        assert jobs.find(job).attempts == 1

    def test_a_lease_that_ended_is_taken_over_and_who_lost_it_writes_nothing(
        self, jobs: JobRecords, job: str
    ) -> None:
        jobs.claim(job, ONE, NOON)
        taken = jobs.claim(job, OTHER, NOON + MINUTE)
        assert (taken.owner, taken.attempts) == ("other", 2)
        error = JobError(code=JobErrorCode.INTERNAL, message="late")
        writes: list[Callable[[], object]] = [
            lambda: jobs.renew(job, ONE, Progress(), NOON),
            lambda: jobs.complete(job, ONE, {}, NOON),
            lambda: jobs.fail(job, ONE, error, NOON),
            lambda: jobs.release(job, ONE, is_attempt=True),
            lambda: jobs.cancelled(job, ONE, NOON),
        ]
        for write in writes:
            with pytest.raises(LeaseLost):
                write()
        assert jobs.find(job) == taken

    def test_a_heartbeat_extends_the_lease_and_tells_the_progress(self, jobs: JobRecords, job: str) -> None:
        jobs.claim(job, ONE, NOON)
        progress = Progress(3, 7, "reading", {"dataset": "d1"})
        renewed = jobs.renew(job, ONE, progress, NOON + timedelta(seconds=50))
        assert (renewed.done, renewed.total, renewed.stage) == (3, 7, "reading")
        assert jobs.claim(job, OTHER, NOON + timedelta(seconds=100)).owner == "one"
        taken = jobs.claim(job, OTHER, NOON + timedelta(seconds=110))
        assert (taken.owner, taken.result) == ("other", {"dataset": "d1"})

    def test_a_job_whose_workers_died_too_often_has_failed(self, jobs: JobRecords, job: str) -> None:
        for attempt in range(MAX_ATTEMPTS):
            assert jobs.claim(job, ONE, NOON + attempt * MINUTE).attempts == attempt + 1
        failed = jobs.claim(job, OTHER, NOON + MAX_ATTEMPTS * MINUTE)
        assert failed.status is JobStatus.FAILED
        assert failed.error is not None
        assert failed.error.code is JobErrorCode.INTERNAL

    def test_a_job_that_ended_stays_as_it_is(self, jobs: JobRecords, job: str) -> None:
        jobs.claim(job, ONE, NOON)
        done = jobs.complete(job, ONE, {"version": 1}, NOON + MINUTE)
        assert (done.status, done.result, done.owner) == (JobStatus.COMPLETED, {"version": 1}, None)
        assert jobs.claim(job, OTHER, NOON + 2 * MINUTE) == done
        assert jobs.cancel(job, NOON + 2 * MINUTE) == done
        assert jobs.submit(job, TRAIN, NOON) == done

    def test_a_job_that_waits_is_cancelled_at_once_and_never_begun(self, jobs: JobRecords, job: str) -> None:
        cancelled = jobs.cancel(job, NOON)
        assert (cancelled.status, cancelled.ended_at) == (JobStatus.CANCELLED, NOON)
        assert jobs.claim(job, ONE, NOON) == cancelled

    def test_a_running_job_is_asked_to_stop_and_told_at_its_next_heartbeat(
        self, jobs: JobRecords, job: str
    ) -> None:
        jobs.claim(job, ONE, NOON)
        assert jobs.cancel(job, NOON).status is JobStatus.RUNNING
        assert jobs.renew(job, ONE, Progress(), NOON).cancel_asked
        assert jobs.cancelled(job, ONE, NOON).status is JobStatus.CANCELLED

    def test_a_job_that_was_asked_to_stop_is_not_taken_over(self, jobs: JobRecords, job: str) -> None:
        jobs.claim(job, ONE, NOON)
        jobs.cancel(job, NOON)
        assert jobs.claim(job, OTHER, NOON + MINUTE).status is JobStatus.CANCELLED

    def test_what_only_had_to_wait_is_no_attempt(self, jobs: JobRecords, job: str) -> None:
        jobs.claim(job, ONE, NOON)
        assert jobs.release(job, ONE, is_attempt=False).attempts == 0
        jobs.claim(job, ONE, NOON)
        released = jobs.release(job, ONE, is_attempt=True)
        assert (released.status, released.attempts, released.owner) == (JobStatus.QUEUED, 1, None)
        assert jobs.claim(job, OTHER, NOON).owner == "other"

    def test_the_latest_prediction_of_a_document_is_kept_without_its_scores(
        self, predictions: PredictionRecords
    ) -> None:
        def said(label: str, document_id: str = "a/b c.é") -> DocumentPrediction:
            return DocumentPrediction(
                document_id=document_id,
                labels=(label,),
                confidence=0.5,
                scores={label: 0.5},
                model="intent/v1",
                job_id="j1",
            )

        predictions.keep("intent", [said("old"), said("x", "..")])
        predictions.keep("intent", [said("new")])
        latest = predictions.latest("intent", "a/b c.é")
        assert latest is not None
        assert (latest.labels, latest.scores) == (("new",), {})
        assert predictions.latest("team", "a/b c.é") is None
        assert predictions.remove(["intent", "team"], "a/b c.é") == 1
        assert predictions.latest("intent", "a/b c.é") is None
