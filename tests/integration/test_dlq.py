"""`ticketmill dlq` on messages that a real queue gave up."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from commands import TICKETMILL, Run, WorkOff

from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters
from ticketmill.deploy.stack import Stack
from ticketmill.domain.labels import Status
from ticketmill.domain.row import Failure, RawVersion, TicketRow
from ticketmill.entrypoints.cli.output import ExitCode

SECRET = "My card 4111 1111 was charged twice."


@pytest.fixture
def impatient(clients: Clients, stack: Stack) -> None:
    """The queue gives a message up after two receives, and shows what failed again at once."""
    arn = clients.sqs.get_queue_attributes(QueueUrl=stack.dead_letter_queue_url, AttributeNames=["QueueArn"])[
        "Attributes"
    ]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})
    clients.sqs.set_queue_attributes(QueueUrl=stack.queue_url, Attributes={"RedrivePolicy": policy})


def fail(adapters: Adapters, ticket_id: str, code: str | None = "EncoderFailed") -> None:
    """Uploads a ticket whose message is given up; the row says so by `code`."""
    key = f"tickets/{ticket_id}.json"
    adapters.raw_tickets.put(key, json.dumps({"ticket_id": ticket_id, "body": SECRET}).encode())
    if code is not None:
        failure = Failure(
            code=code, message="the encoder failed", attempts=2, key=key, failed_at=datetime.now(UTC)
        )
        raw = RawVersion(
            bucket=adapters.stack.raw_bucket,
            key=key,
            version_id=None,
            etag="",
            last_modified=datetime.now(UTC),
        )
        row = TicketRow(
            ticket_id=ticket_id,
            status=Status.FAILED,
            raw=raw,
            content_hash="0f",
            summary=SECRET,
            failure=failure,
            processed_at=datetime.now(UTC),
        )
        assert adapters.rows.put(row, replaces=None)


def give_up(adapters: Adapters, messages: int) -> None:
    """Receives what waits, again and again, until the queue has given up so many messages."""
    deadline = time.monotonic() + 30
    while adapters.dead_letters.depths().visible < messages:
        assert time.monotonic() < deadline, "the queue gave up too few messages"
        adapters.queue.release(adapters.queue.receive(max_messages=10, wait_s=1), delay_s=0)


def listed(ticketmill: Run) -> dict[str, dict[str, Any]]:
    """What `dlq list` says, by the tickets announced."""
    letters = [json.loads(line) for line in ticketmill("dlq", "list", "--json").stdout.splitlines()]
    return {"+".join(each["ticket_id"] for each in letter["tickets"]): letter for letter in letters}


@pytest.mark.usefixtures("impatient")
def test_a_message_given_up_is_listed_explained_and_once_redriven_worked_off(
    ticketmill: Run, adapters: Adapters, work_off: WorkOff
) -> None:
    fail(adapters, "T1")
    give_up(adapters, 2)
    found = listed(ticketmill)
    assert found[""]["reason"] == "settled", "S3's test event announces nothing"
    letter = found["T1"]
    assert (letter["reason"], letter["tickets"][0]["key"]) == ("EncoderFailed", "tickets/T1.json")
    assert letter["receive_count"] >= 2
    assert letter["age_s"] < 60
    assert adapters.dead_letters.depths().visible == 2, "listed, not consumed"
    for name in ("T1", letter["message_id"]):
        explained = ticketmill("dlq", "explain", name)
        for told in ("EncoderFailed", "attempts", "tickets/T1.json", adapters.stack.raw_bucket, "redrive it"):
            assert told in explained.stdout
        assert "4111" not in explained.stdout
    (told,) = json.loads(ticketmill("dlq", "explain", "T1", "--json").stdout)["messages"]
    assert told["uploads"][0]["row"]["failure"]["attempts"] == 2
    assert "4111" not in json.dumps(told)
    assert "redrove 2 of 2 dead letters" in ticketmill("dlq", "redrive").stdout
    assert adapters.dead_letters.is_empty()
    statistics = work_off()
    assert statistics["enriched"] == 1
    row = adapters.rows.get("T1")
    assert row is not None
    assert row.status is Status.ENRICHED


@pytest.mark.usefixtures("impatient")
def test_a_worker_gives_up_a_poisonous_message_which_is_then_deleted(
    ticketmill: Run, adapters: Adapters, work_off: WorkOff
) -> None:
    adapters.queue.send("not an event")
    work_off()
    (letter,) = listed(ticketmill).values()
    assert letter["reason"] == "unreadable_message"
    assert "expected JSON" in ticketmill("dlq", "explain", letter["message_id"]).stdout
    assert "--yes" in ticketmill("dlq", "delete", letter["message_id"], code=2).stderr
    assert not adapters.dead_letters.is_empty()
    deleted = json.loads(ticketmill("dlq", "delete", letter["message_id"], "--yes", "--json").stdout)
    assert deleted["deleted"] == letter["message_id"]
    assert adapters.dead_letters.is_empty()


@pytest.mark.parametrize(
    ("answer", "code", "left"), [("y\n", 0, 0), ("n\n", 0, 1), (None, ExitCode.INTERRUPTED, 1)]
)
def test_on_a_terminal_a_message_is_deleted_only_when_that_is_confirmed(
    answer: str | None, code: int, left: int, environment: dict[str, str], adapters: Adapters
) -> None:
    adapters.dead_letters.send("not an event")
    (message,) = adapters.dead_letters.receive(max_messages=1, wait_s=1)
    adapters.dead_letters.release([message], delay_s=0)
    ours, theirs = pty.openpty()
    command = [TICKETMILL, "dlq", "delete", message.message_id]
    with subprocess.Popen(
        command,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        # a shell that started these tests in the background has Ctrl-C ignored, by its children too
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        os.close(theirs)
        try:
            shown = b""
            while b"delete it?" not in shown:
                shown += os.read(ours, 1024)
            if answer is None:
                process.send_signal(signal.SIGINT)
            # A signal that comes just before the process waits for the answer does not end the wait. An
            # answer does, and then Python sees the signal first.
            os.write(ours, (answer or "\n").encode())
            assert process.wait(timeout=60) == code
        finally:
            process.kill()
    os.close(ours)
    assert (adapters.dead_letters.depths().visible, adapters.dead_letters.depths().in_flight) == (left, 0)


def test_redriving_by_reason_or_id_moves_those_alone_and_a_dry_run_none(
    ticketmill: Run, adapters: Adapters
) -> None:
    bodies = {ticket_id: f' {{"ticket_id":\n"{ticket_id}"}} ' for ticket_id in ("T1", "T2", "T3")}
    for ticket_id, code in {"T1": "EncoderFailed", "T2": "Throttled", "T3": "Throttled"}.items():
        fail(adapters, ticket_id, code)
        adapters.dead_letters.send(bodies[ticket_id])
    for message in adapters.queue.receive(max_messages=10, wait_s=1):
        adapters.queue.acknowledge([message])
    tried = json.loads(ticketmill("dlq", "redrive", "--reason", "Throttled", "--dry-run", "--json").stdout)
    assert (tried["wanted"], tried["moved"], tried["dry_run"]) == (2, 0, True)
    assert adapters.dead_letters.depths().visible == 3
    moved = json.loads(
        ticketmill("dlq", "redrive", "--reason", "Throttled", "--id", "T2", "--id", "T1", "--json").stdout
    )
    assert (moved["moved"], moved["messages"], moved["reasons"]) == (1, 3, {"Throttled": 1})
    assert set(listed(ticketmill)) == {"T1", "T3"}
    (message,) = adapters.queue.receive(max_messages=10, wait_s=1)
    assert message.body == bodies["T2"], "not a byte of it changed"
    assert "T9" in ticketmill("dlq", "redrive", "--id", "T9", code=5).stderr


def test_a_ticket_enriched_in_the_meantime_is_settled_until_it_is_uploaded_anew(
    ticketmill: Run, adapters: Adapters, work_off: WorkOff
) -> None:
    fail(adapters, "T1", code=None)
    work_off()
    adapters.dead_letters.send('{"ticket_id": "T1"}')
    assert listed(ticketmill)["T1"]["reason"] == "settled"
    fail(adapters, "T1", code=None)
    assert listed(ticketmill)["T1"]["reason"] == "unknown"


def test_what_is_in_no_queue_and_no_table_is_not_found(ticketmill: Run, adapters: Adapters) -> None:
    assert ticketmill("dlq", "list", "--json").stdout == ""
    assert "0 dead letters" in ticketmill("dlq", "list").stdout
    assert ticketmill("dlq", "explain", "T1", code=5).stdout == ""
    assert ticketmill("dlq", "delete", "T1", "--yes", code=5).stdout == ""
    assert ticketmill("dlq", "redrive").stdout == "redrove 0 of 0 dead letters\n"


def test_a_ticket_without_a_dead_letter_is_explained_by_its_row(ticketmill: Run, adapters: Adapters) -> None:
    fail(adapters, "T1")
    explained = json.loads(ticketmill("dlq", "explain", "T1", "--json").stdout)
    assert explained["messages"] == []
    assert explained["row"]["failure"]["code"] == "EncoderFailed"
    assert "being retried" in ticketmill("dlq", "explain", "T1").stdout


def test_hundreds_of_messages_are_each_redriven_once(ticketmill: Run, adapters: Adapters) -> None:
    bodies = [f'{{"ticket_id": "T{number}"}}' for number in range(200)]
    for body in bodies:
        adapters.dead_letters.send(body)
    assert json.loads(ticketmill("dlq", "redrive", "--json").stdout)["moved"] == 200
    assert adapters.dead_letters.is_empty()
    assert adapters.queue.depths().visible >= 200
    received: list[str] = []
    while found := adapters.queue.receive(max_messages=10, wait_s=0):
        received += [each.body for each in found]
    assert sorted(body for body in received if body in set(bodies)) == sorted(bodies)


def test_a_failed_backfill_is_listed_as_one_and_goes_on_once_redriven(
    ticketmill: Run, adapters: Adapters, work_off: WorkOff
) -> None:
    fail(adapters, "T1", code=None)
    for message in adapters.queue.receive(max_messages=10, wait_s=1):
        adapters.queue.acknowledge([message])
    adapters.dead_letters.send('{"backfill": {"missing": true}}')
    (letter,) = listed(ticketmill).values()
    assert letter["reason"] == "backfill_request"
    assert "redrive it" in ticketmill("dlq", "explain", letter["message_id"]).stdout
    ticketmill("dlq", "redrive", "--reason", "backfill_request")
    work_off()
    row = adapters.rows.get("T1")
    assert row is not None
    assert row.status is Status.ENRICHED


@pytest.mark.localstack
def test_an_object_that_s3_does_not_hand_out_is_explained_by_what_s3_says(
    ticketmill: Run, adapters: Adapters, clients: Clients
) -> None:
    """Its key is not made of its id, and nobody can read the id: no row says why it failed."""
    key = "tickets/archive/export.json"
    clients.s3.put_object(
        Bucket=adapters.stack.raw_bucket,
        Key=key,
        Body=b'{"ticket_id": "T1", "body": "x"}',
        SSECustomerAlgorithm="AES256",
        SSECustomerKey="k" * 32,
    )
    event = {"bucket": {"name": adapters.stack.raw_bucket}, "object": {"key": key}}
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": event}
    adapters.dead_letters.send(json.dumps({"Records": [record]}))
    (letter,) = listed(ticketmill).values()
    if letter["reason"] == "unknown":
        pytest.skip("this place hands out an object without the key that encrypts it")
    assert letter["reason"] == "InvalidRequest"
    explained = ticketmill("dlq", "explain", letter["message_id"]).stdout
    assert "cannot be read" in explained
    assert "SSE-C" in explained
