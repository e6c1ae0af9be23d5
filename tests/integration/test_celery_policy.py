"""What the policies of a Celery worker allow is what it asks for: no less, and no more."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery_place import FAST, client_of, labelled, until
from rights import Call, Right, check, rights

from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters
from ticketmill.bootstrap.celery_queues import OUTPUTS
from ticketmill.domain.job import Documents, JobKind, JobRequest
from ticketmill.entrypoints.celery.config import QUEUE_OF
from ticketmill.learning.job_records import Lease, is_final
from ticketmill.settings import load_settings

RECORDED = Path(__file__).with_name("recorded.py")
PROJECT, FIELD, TASK = 12, 7, "field_7"
KINDS = (JobKind.INDEX, JobKind.TRAIN, JobKind.PREDICT, JobKind.EVALUATE)


@pytest.mark.timeout(240)
def test_a_celery_worker_may_do_what_it_does(
    environment: dict[str, str],
    adapters: Adapters,
    clients: Clients,
    learning_stack: dict[str, str],
    celery_stack: dict[str, str],
    arns: dict[str, str],
    allowed: Callable[..., set[Right]],
    stack_name: str,
    tmp_path: Path,
) -> None:
    """It does a job of each kind, and has another one of each when it is stopped."""
    assert adapters.learning is not None
    jobs, app = adapters.learning.jobs, client_of(load_settings(stack=stack_name))

    def done(kind: JobKind, name: str, *args: Any, **kwargs: Any) -> None:
        app.send_task(name, args, kwargs, task_id=f"{kind}-done", queue=QUEUE_OF[kind])
        job = until(lambda: (found := jobs.get(f"{kind}-done")) and is_final(found) and found)
        assert job.status == "completed", job.error

    def waits(kind: JobKind) -> None:
        """A job that somebody else has: its message is sent again, and held back until the lease ends."""
        task = None if kind is JobKind.INDEX else TASK
        asked = JobRequest(kind=kind, task=task, documents=Documents(project=str(PROJECT)))
        now, job_id = datetime.now(UTC), f"{kind}-waits"
        jobs.submit(job_id, asked, now)
        jobs.claim(job_id, Lease("somebody", timedelta(minutes=5)), now)
        request = asked.model_dump(mode="json")
        app.send_task("ticketmill.jobs.run", [request], task_id=job_id, queue=QUEUE_OF[kind])

    calls, log = tmp_path / "calls.jsonl", (tmp_path / "log").open("wb")
    worker = subprocess.Popen(
        [sys.executable, RECORDED, calls],
        env={**environment, **FAST, "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
    )
    try:
        assert worker.stdin is not None
        worker.stdin.write(json.dumps([["jobs", "worker", "--concurrency", "1"]]).encode())
        worker.stdin.close()
        done(JobKind.INDEX, "index_documents_task", PROJECT, documents=labelled(str(FIELD)))
        done(JobKind.TRAIN, "train_field_model_task", FIELD, PROJECT)
        done(JobKind.PREDICT, "predict_field_documents_task", FIELD, PROJECT)
        done(JobKind.EVALUATE, "evaluate_field_model_task", FIELD, PROJECT)
        for kind in KINDS:
            waits(kind)
        until(lambda: calls.read_text(encoding="utf-8").count('"SendMessage"') == len(KINDS))
        until(lambda: all(_is_received(clients, celery_stack[output]) for output in OUTPUTS.values()))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    finally:
        worker.kill()
        log.close()
    lines = calls.read_text(encoding="utf-8").splitlines()
    used = {right for line in lines for right in rights(Call(*json.loads(line)), arns)}
    check(used, allowed("WorkerPolicyArn", "-celery"), beside=allowed("TrainerPolicyArn"))


def _is_received(clients: Clients, url: str) -> bool:
    counts: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
    return [found[each] for each in counts] == ["0", "1"]
