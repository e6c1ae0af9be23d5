"""Jobs over the API and on their page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from model_samples import register_sample
from starlette.testclient import TestClient
from web_parts import NOON, WebWorld

from ticketmill.domain.job import JobStatus
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.caller import Scope
from ticketmill.entrypoints.web.keys import add_key
from ticketmill.entrypoints.web.problems import PROBLEM_TYPE
from ticketmill.learning.job_records import Lease, Progress

BASE = "http://127.0.0.1:8080"
API = "/api/v1"
PREDICT = {"kind": "predict", "task": "intent", "documents": {"project": "shop"}}
TRAIN = {"kind": "train", "task": "intent", "documents": {"dataset": "newest"}}


@pytest.fixture
def world() -> WebWorld:
    world = WebWorld()
    register_sample(world.learning)
    return world


@pytest.fixture
def client(world: WebWorld) -> Iterator[TestClient]:
    with TestClient(make_app(world.parts()), base_url=BASE, follow_redirects=False) as client:
        yield client


def submit(client: TestClient, asked: dict[str, Any], **more: Any) -> Any:
    return client.post(f"{API}/jobs", json={**asked, **more})


def test_a_job_is_kept_sent_to_its_queue_and_found_at_its_location(
    client: TestClient, world: WebWorld
) -> None:
    answer = submit(client, PREDICT, who="somebody else")
    assert answer.status_code == 202
    job = client.get(answer.headers["location"]).json()
    assert job == answer.json()
    assert (job["status"], job["request"]["who"]) == ("queued", "local")
    (sent,) = world.job_queues["prediction"].sent
    assert json.loads(sent) == {"job": {"job_id": job["job_id"]}}
    submit(client, TRAIN)
    assert len(world.job_queues["training"].sent) == 1


def test_the_same_id_is_the_same_job_and_another_request_under_it_a_conflict(client: TestClient) -> None:
    first, second = (submit(client, PREDICT, job_id="nightly") for _ in range(2))
    assert (second.status_code, second.json()) == (202, first.json())
    other = submit(client, TRAIN, job_id="nightly")
    assert (other.status_code, other.json()["code"]) == (409, "job_mismatch")


def test_jobs_are_listed_and_filtered(client: TestClient) -> None:
    submit(client, PREDICT, job_id="one")
    submit(client, TRAIN, job_id="two")
    assert [each["job_id"] for each in client.get(f"{API}/jobs").json()["jobs"]] == ["two", "one"]
    assert [each["job_id"] for each in client.get(f"{API}/jobs?kind=train").json()["jobs"]] == ["two"]
    assert client.get(f"{API}/jobs?status=completed").json() == {"jobs": []}


def test_a_job_is_cancelled(client: TestClient) -> None:
    submit(client, PREDICT, job_id="one")
    answer = client.post(f"{API}/jobs/one/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    missing = client.post(f"{API}/jobs/two/cancel")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_job")


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "predict", "documents": {"project": "shop"}},
        {**PREDICT, "documents": {}},
        {**PREDICT, "documents": {"uri": "/etc/passwd"}},
        {**PREDICT, "job_id": "../up"},
        {**PREDICT, "kind": "dance"},
        {**PREDICT, "curve": True},
        {**TRAIN, "curve": True, "fine_tune": True},
        {**TRAIN, "fine_tune": True, "parts": {}},
    ],
)
def test_what_cannot_be_is_a_problem_and_no_job(client: TestClient, asked: dict[str, Any]) -> None:
    answer = submit(client, asked)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == PROBLEM_TYPE
    assert client.get(f"{API}/jobs").json() == {"jobs": []}


def test_without_a_queue_nobody_would_run_it(client: TestClient, world: WebWorld) -> None:
    world.job_queues.clear()
    answer = submit(client, PREDICT)
    assert (answer.status_code, answer.json()["code"]) == (409, "no_queue")
    assert "nothing was submitted" in client.post("/jobs", data={"task": "intent"}).text.lower()
    assert client.get(f"{API}/jobs").json() == {"jobs": []}


def test_only_the_scope_admin_submits_and_cancels(world: WebWorld, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    reader, admin = (add_key(keys, scope, [Scope(scope)], NOON) for scope in ("read", "admin"))
    with TestClient(make_app(world.parts(api_keys_file=keys)), base_url=BASE) as client:
        for key, status in ((reader, 403), (admin, 202)):
            headers = {"Authorization": f"Bearer {key}"}
            assert client.post(f"{API}/jobs", json=PREDICT, headers=headers).status_code == status


def test_the_page_submits_a_training_and_shows_how_far_jobs_are(client: TestClient, world: WebWorld) -> None:
    assert "No job has been submitted yet" in client.get("/jobs").text
    assert client.post("/jobs", data={"task": "intent"}).headers["location"] == "/jobs"
    assert client.post("/jobs", data={"task": "<b>"}).status_code == 422
    (job,) = world.learning.jobs.newest()
    lease = Lease("w", timedelta(minutes=1))
    world.learning.jobs.claim(job.job_id, lease, NOON)
    world.learning.jobs.renew(job.job_id, lease, Progress(1200, 3000, "training"), NOON)
    shown = client.get("/jobs").text
    assert "1,200 of 3,000" in shown
    assert 'hx-trigger="every 3s"' in shown
    assert "its worker died" not in shown
    assert client.post(f"/jobs/{job.job_id}/cancel").headers["location"] == "/jobs"
    assert "is asked to stop" in client.get("/jobs/rows").text
    world.now = NOON + timedelta(minutes=2)
    assert "its worker died" in client.get("/jobs/rows").text
    world.learning.jobs.cancelled(job.job_id, lease, NOON)
    assert world.learning.jobs.find(job.job_id).status is JobStatus.CANCELLED
    assert "hx-trigger" not in client.get("/jobs/rows").text
