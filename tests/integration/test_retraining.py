"""`ticketmill learn` and `train --if-due`: people's labels of a task of your own become versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from commands import Run

from ticketmill import bootstrap
from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters
from ticketmill.domain.job_message import TrainingMessage
from ticketmill.domain.keys import raw_key
from ticketmill.domain.label import CorrectionKind
from ticketmill.domain.labels import Status
from ticketmill.domain.message import Upload
from ticketmill.domain.row import RawVersion, TicketRow
from ticketmill.operations.corrections import Speaker, Word
from ticketmill.settings import load_settings

TASK = "product_line"
SENTENCES = {
    "router": "The router loses the wireless signal in {}",
    "printer": "The printer jams and smears ink on paper for {}",
}
PLACES = ("the kitchen", "the office", "the hall", "the cellar", "the attic", "our shop", "the school")


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """Without a pause between trainings: the test has no hour to wait."""
    return {**environment, "TICKETMILL_PERSON": "ann", "TICKETMILL_TRAINING_PAUSE_S": "0"}


@pytest.fixture
def own_task(ticketmill: Run) -> str:
    ticketmill("tasks", "add", TASK, "--labels", "router,printer")
    return TASK


@pytest.fixture
def queue_url(clients: Clients, stack_name: str, environment: dict[str, str]) -> Iterator[str]:
    """A training queue; commands know it from their environment."""
    url: str = clients.sqs.create_queue(QueueName=f"{stack_name}-training")["QueueUrl"]
    environment["TICKETMILL_TRAINING_QUEUE_URL"] = url
    yield url
    clients.sqs.delete_queue(QueueUrl=url)


def say(adapters: Adapters, bundle_dir: Path, first: int, last: int) -> None:
    """Tickets of both kinds, and a person's label for each."""
    corrections = bootstrap.make_corrections(load_settings(bundle=bundle_dir), adapters)
    for number in range(first, last):
        label = ("router", "printer")[number % 2]
        text = SENTENCES[label].format(PLACES[number % len(PLACES)])
        ticket_id = f"T{number}"
        key = raw_key(ticket_id)
        document = {"ticket_id": ticket_id, "body": f"{text}, room {number * 7919:x}."}
        adapters.raw_tickets.put(key, json.dumps(document).encode())
        raw = adapters.raw_tickets.fetch(Upload(adapters.stack.raw_bucket, key, key), 10_000)
        assert raw is not None
        row = TicketRow(
            ticket_id=ticket_id,
            status=Status.ENRICHED,
            raw=RawVersion.of(raw),
            content_hash=raw.content_hash,
            processed_at=datetime.now(UTC),
        )
        assert adapters.rows.put(row, replaces=None)
        corrections.correct(ticket_id, {TASK: Word(CorrectionKind.LABEL, (label,))}, Speaker("ann"))


def versions(run: Run) -> list[str]:
    """The names of the task's versions, the newest first."""
    return [each["name"] for each in json.loads(run("models", "list", TASK, "--json").stdout)]


@pytest.fixture
def first_version(ticketmill: Run, adapters: Adapters, bundle_dir: Path, own_task: str) -> str:
    """A version of 20 labels. A task that was never trained waits for 200 labels, or for a person."""
    say(adapters, bundle_dir, 0, 20)
    assert json.loads(ticketmill("learn", "--check", "--json").stdout)[own_task] is None
    ticketmill("dataset", "build", "--task", own_task)
    return str(json.loads(ticketmill("train", "--task", own_task, "--json").stdout)["version"])


@pytest.mark.timeout(240)
def test_a_task_is_trained_where_it_is_due_and_else_not(
    ticketmill: Run, adapters: Adapters, bundle_dir: Path, first_version: str
) -> None:
    assert f"{TASK} is not due" in ticketmill("train", "--task", TASK, "--if-due").stdout
    say(adapters, bundle_dir, 20, 40)
    assert json.loads(ticketmill("learn", "--check", "--json").stdout)[TASK]["trigger"] == "growth"
    for _ in range(2):
        ticketmill("learn")
        assert versions(ticketmill) == [f"{TASK}/v2", first_version]
    say(adapters, bundle_dir, 40, 60)
    trained = json.loads(ticketmill("train", "--task", TASK, "--if-due", "--json").stdout)
    assert trained["version"] == f"{TASK}/v3"
    told = json.loads(ticketmill("train", "--task", TASK, "--if-due", "--json").stdout)
    assert told == {"version": None, "task": TASK, "due": False}


def test_train_if_due_takes_no_file_and_no_dataset(ticketmill: Run) -> None:
    for option in (("--dataset", "ab"), ("--store", "somewhere"), ("--curve",)):
        told = ticketmill("train", "--task", TASK, "--if-due", *option, code=2).stderr
        assert "--if-due goes without" in told


@pytest.mark.timeout(240)
def test_messages_that_are_delivered_twice_register_one_version(
    ticketmill: Run,
    adapters: Adapters,
    clients: Clients,
    bundle_dir: Path,
    first_version: str,
    queue_url: str,
) -> None:
    """After the first one the task is not due; and by hand, the same labels are the same job."""
    say(adapters, bundle_dir, 20, 40)
    for if_due in (True, True, False, False):
        body = TrainingMessage(task=TASK, if_due=if_due).body()
        clients.sqs.send_message(QueueUrl=queue_url, MessageBody=body)
    assert "4 messages" in ticketmill("learn", "--until-empty").stderr
    assert versions(ticketmill) == [f"{TASK}/v2", first_version]
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = clients.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=counts)["Attributes"]
    assert set(left.values()) == {"0"}, "all are acknowledged"
