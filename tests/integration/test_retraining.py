"""`ticketmill learn` and `train --if-due`: people's labels of a task of your own become versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
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
def queue_url(learning_stack: dict[str, str], environment: dict[str, str]) -> str:
    """The training queue of the learning stack; commands know it from their environment."""
    url = environment["TICKETMILL_TRAINING_QUEUE_URL"] = learning_stack["TrainingQueueUrl"]
    return url


def scheduled(stack_name: str) -> tuple[str, str]:
    """The ARN of the queue that the rule of the learning stack sends to, and the message that it sends."""
    (target,) = boto3.client("events").list_targets_by_rule(Rule=f"{stack_name}-learning-training")["Targets"]
    return target["Arn"], target["Input"]


def labelled(count: int) -> Iterator[tuple[str, str]]:
    """Labels, and texts that have them; no text twice."""
    for number in range(count):
        label = ("router", "printer")[number % 2]
        text = SENTENCES[label].format(PLACES[number % len(PLACES)])
        yield label, f"{text}, room {number * 7919:x}."


def say(adapters: Adapters, bundle_dir: Path, first: int, last: int) -> None:
    """Tickets of both kinds, and a person's label for each."""
    corrections = bootstrap.make_corrections(load_settings(bundle=bundle_dir), adapters)
    for number, (label, text) in list(enumerate(labelled(last)))[first:]:
        ticket_id = f"T{number}"
        key = raw_key(ticket_id)
        document = {"ticket_id": ticket_id, "body": text}
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


@pytest.mark.timeout(900)  # several trainings, whatever else the machine does
def test_a_task_is_trained_where_it_is_due_and_else_not(
    ticketmill: Run, adapters: Adapters, bundle_dir: Path, first_version: str
) -> None:
    (by_hand,) = map(json.loads, ticketmill("jobs", "list", "--json").stdout.splitlines())
    assert (by_hand["status"], by_hand["result"]["model"]) == ("completed", first_version)
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


@pytest.mark.timeout(900)  # several trainings, whatever else the machine does
def test_messages_that_are_delivered_twice_register_one_version(
    ticketmill: Run,
    adapters: Adapters,
    clients: Clients,
    stack_name: str,
    bundle_dir: Path,
    first_version: str,
    queue_url: str,
) -> None:
    """Two of the schedule, of which the second finds nothing due, and two by hand, which are one job."""
    say(adapters, bundle_dir, 20, 40)
    target, body = scheduled(stack_name)
    by_hand = TrainingMessage(task=TASK, if_due=False).body()
    for each in (body, body, by_hand, by_hand):
        clients.sqs.send_message(QueueUrl=queue_url, MessageBody=each)
    assert "4 messages" in ticketmill("learn", "--until-empty").stderr
    assert versions(ticketmill) == [f"{TASK}/v2", first_version]
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = clients.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn", *counts])
    left = dict(found["Attributes"])
    assert left.pop("QueueArn") == target, "the schedule sends to the queue that trainers take from"
    assert set(left.values()) == {"0"}, "all are acknowledged"
