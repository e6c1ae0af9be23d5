"""`ticketmill jobs` on the emulator: through the queues of a stack, and without AWS in a folder."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from commands import TICKETMILL, Run

from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters, open_learning_store
from ticketmill.domain.job import JobStatus
from ticketmill.domain.job_message import JobMessage
from ticketmill.settings import load_settings

TASK = "product_line"
SENTENCES = {
    "router": "The router loses the wireless signal in {}",
    "printer": "The printer jams and smears ink on paper for {}",
}
OTHERS = {
    "router": "Wireless drops all the time, the router of {} restarts",
    "printer": "A paper jam and smeared ink again, the printer of {} is broken",
}
PLACES = ("the kitchen", "the office", "the hall", "the cellar", "the attic", "our shop", "the school")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """40 labelled documents, 8 of which judge."""
    path = tmp_path / "rows.jsonl"
    with path.open("w") as file:
        for number in range(40):
            label = ("router", "printer")[number % 2]
            part = "test" if number % 5 == 0 else "train"
            sentence = (OTHERS if part == "test" else SENTENCES)[label]
            text = f"{sentence.format(PLACES[number % len(PLACES)])}, room {number * 7919:x}."
            row = {"id": f"D{number}", "body": text, TASK: label, "part": part, "labels": {TASK: [label]}}
            file.write(json.dumps(row) + "\n")
    return path


@pytest.mark.timeout(240)
def test_jobs_go_through_the_queues_of_a_stack_and_each_runs_once(
    ticketmill: Run, adapters: Adapters, clients: Clients, learning_stack: dict[str, str], rows: Path
) -> None:
    def submit(*arguments: object) -> str:
        return ticketmill("jobs", "submit", *arguments, "--who", "ann").stdout.strip()

    def work() -> None:
        ticketmill("jobs", "work", "--until-empty")

    clients.s3.put_object(Bucket=adapters.stack.raw_bucket, Key="rows.jsonl", Body=rows.read_bytes())
    uri = f"s3://{adapters.stack.raw_bucket}/rows.jsonl"
    assert submit("index", "--project", "shop", "--uri", uri, "--job-id", "one") == "one"
    assert "queued" in ticketmill("jobs", "wait", "one", "--timeout-s", "0", code=3).stderr
    work()
    assert json.loads(ticketmill("jobs", "wait", "one", "--json").stdout)["result"]["documents"] == 40

    ids = [submit("train", "--task", TASK, "--project", "shop", "--job-id", "two") for _ in range(2)]
    clients.sqs.send_message(
        QueueUrl=learning_stack["TrainingQueueUrl"], MessageBody=JobMessage(job_id="two").body()
    )
    work()
    assert ids == ["two", "two"]
    (version,) = json.loads(ticketmill("models", "list", TASK, "--json").stdout)
    trained = json.loads(ticketmill("jobs", "show", "two", "--json").stdout)
    assert (trained["attempts"], trained["result"]["model"]) == (1, version["name"])

    for kind, name in (("predict", "three"), ("evaluate", "four"), ("extract", "five")):
        submit(kind, "--task", TASK, "--project", "shop", "--job-id", name)
    submit("predict", "--task", TASK, "--project", "nothing", "--job-id", "six")
    submit("predict", "--task", TASK, "--project", "shop", "--job-id", "seven")
    ticketmill("jobs", "cancel", "seven")
    work()
    assert adapters.learning is not None
    said = adapters.learning.predictions.latest(TASK, "D1")
    assert said is not None
    assert (said.labels, said.model, said.job_id) == (("printer",), version["name"], "three")
    assert json.loads(ticketmill("jobs", "wait", "four", "--json").stdout)["result"]["accuracy"] > 0.8
    assert "[DOCUMENT]" in ticketmill("jobs", "wait", "six", code=6).stderr
    assert "cancelled" in ticketmill("jobs", "wait", "seven", code=1).stderr
    ended = [json.loads(line) for line in ticketmill("jobs", "list", "--json").stdout.splitlines()]
    assert all(JobStatus(each["status"]).is_final for each in ended)
    assert len(ended) == 7
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    for url in (learning_stack["TrainingQueueUrl"], learning_stack["PredictionQueueUrl"]):
        left = clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
        assert set(left.values()) == {"0"}, "all are acknowledged"


@pytest.mark.timeout(120)
def test_jobs_run_in_a_folder_without_aws(
    ticketmill: Run, environment: dict[str, str], rows: Path, tmp_path: Path
) -> None:
    environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    store = ("--store", tmp_path / "store")
    ticketmill("jobs", "submit", "index", "--project", "shop", "--uri", rows, *store)
    parts = ("--classifier", "svm", "--tokenizer", "huggingface")
    ticketmill("jobs", "submit", "train", "--task", TASK, "--project", "shop", *parts, *store)
    told = ticketmill("jobs", "submit", "predict", "--task", TASK, "--project", "shop", *store).stdout
    assert f"{TASK}/v1" in told
    assert "completed" in ticketmill("jobs", "list", "--kind", "predict", *store).stdout
    assert "names a task" in ticketmill("jobs", "submit", "train", "--project", "shop", *store, code=2).stderr
    assert "name one of" in ticketmill("jobs", "submit", "predict", "--task", TASK, *store, code=2).stderr
    ticketmill("jobs", "show", "unknown", *store, code=5)


@pytest.mark.timeout(120)
def test_a_job_whose_command_was_killed_is_told_and_resumed(
    ticketmill: Run, environment: dict[str, str], rows: Path, tmp_path: Path
) -> None:
    environment |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "TICKETMILL_JOB_HEARTBEAT_S": "0.5"}
    store = ("--store", str(tmp_path / "store"))
    ticketmill("jobs", "submit", "index", "--project", "shop", "--uri", rows, *store)
    training = ("jobs", "submit", "train", "--task", TASK, "--project", "shop", "--job-id", "killed", *store)
    jobs = open_learning_store(load_settings(), tmp_path / "store").jobs
    process = subprocess.Popen([TICKETMILL, *training], env={**environment, "TICKETMILL_JOB_LEASE_S": "2"})
    while (job := jobs.get("killed")) is None or job.status == JobStatus.QUEUED:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert jobs.find("killed").status == JobStatus.RUNNING
    while not jobs.find("killed").is_orphaned(datetime.now(UTC)):
        time.sleep(0.1)

    listed = ticketmill("jobs", "list", *store)
    assert "running, its worker died" in listed.stdout
    assert "jobs resume" in listed.stderr
    assert (
        "jobs resume killed"
        in ticketmill("jobs", "wait", "killed", "--timeout-s", "0", *store, code=3).stderr
    )
    assert f"{TASK}/v1" in ticketmill("jobs", "resume", "killed", *store).stdout
    done = jobs.find("killed")
    assert (done.status, done.attempts) == (JobStatus.COMPLETED, 2)
    # once it has ended it is only told
    assert f"{TASK}/v1" in ticketmill("jobs", "resume", "killed", *store).stdout
    assert jobs.find("killed") == done
    ticketmill("jobs", "resume", "unknown", *store, code=5)
