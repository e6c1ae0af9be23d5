"""From a dropped ticket to its row and its enrichment, by the real commands in processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import TICKETMILL, Run, WorkOff

from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters
from ticketmill.deploy.stack import Stack

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "events" / "samples"


@pytest.fixture
def worker(environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a process that is killed at the end of the test, if it still runs."""
    started: list[subprocess.Popen[str]] = []

    def start(*command: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*map(str, command)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def drop(adapters: Adapters, ticket_id: str, body: str, key: str | None = None) -> None:
    ticket = {"ticket_id": ticket_id, "subject": "Help", "body": body}
    adapters.raw_tickets.put(key or f"tickets/{ticket_id}.json", json.dumps(ticket).encode())


def enriched(adapters: Adapters, ticket_id: str) -> dict[str, Any]:
    """The full enrichment that the row of a ticket points at."""
    row = adapters.rows.get(ticket_id)
    assert row is not None
    assert row.enriched_key is not None
    found: dict[str, Any] = json.loads(adapters.enriched_tickets.get(row.enriched_key))
    return found


def wait_until(holds: Callable[[], bool], timeout_s: float = 90) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


@pytest.mark.localstack
def test_every_sample_is_enriched_and_every_invalid_one_is_recorded(
    ticketmill_process: Run, adapters: Adapters
) -> None:
    dropped = json.loads(ticketmill_process("drop", SAMPLES, "--json").stdout)["dropped"]
    statistics = json.loads(ticketmill_process("work", "--until-empty", "--json").stdout)
    samples = list(SAMPLES.glob("*.json"))
    invalid = list((SAMPLES / "invalid").glob("*.json"))
    assert dropped == len(samples) + len(invalid)
    assert (statistics["enriched"], statistics["rejected"], statistics["failed"]) == (
        len(samples),
        len(invalid),
        0,
    )
    for sample in samples:
        raw = json.loads(sample.read_text(encoding="utf-8"))
        found = enriched(adapters, raw["ticket_id"])
        assert found["body"] == raw["body"]
        enrichment = found["enrichment"]
        assert len(enrichment["embedding"]) == 384
        assert sum(number * number for number in enrichment["embedding"]) == pytest.approx(1, abs=1e-5)
        assert enrichment["status"] == "enriched"
        assert all(enrichment[task] for task in ("intent", "urgency", "sentiment", "summary", "language"))
    assert adapters.queue.depths().total == 0


def test_list_show_and_status_tell_what_became_of_the_tickets(
    ticketmill: Run, adapters: Adapters, work_off: WorkOff
) -> None:
    drop(adapters, "T1", "I cannot log in since this morning, my password is not accepted any more.")
    adapters.raw_tickets.put("tickets/T2.json", b'{"ticket_id": "T2", "body": []}')
    work_off()
    listed = [json.loads(line) for line in ticketmill("list", "--json").stdout.splitlines()]
    assert {row["ticket_id"]: row["status"] for row in listed} == {"T1": "enriched", "T2": "rejected"}
    by_intent = ticketmill("list", "--intent", "login_issue", "--json").stdout.splitlines()
    assert [json.loads(line)["ticket_id"] for line in by_intent] == ["T1"]
    assert ticketmill("list", "--intent", "payment_issue", "--json").stdout == ""
    assert ticketmill("list", "--status", "rejected", "--since", "1h", "--json").stdout.count("\n") == 1
    assert ticketmill("list", "--since", "1970-01-01", "--json").stdout.count("\n") == 2
    shown = json.loads(ticketmill("show", "T1", "--json").stdout)
    assert len(shown["ticket"]["enrichment"]["embedding"]) == 384
    assert "expected text in subject or body" in ticketmill("show", "T2").stdout
    assert ticketmill("show", "T3", code=5).stdout == ""
    status = json.loads(ticketmill("status", "--json").stdout)
    assert (status["rows"]["enriched"], status["rows"]["rejected"]) == (1, 1)
    assert status["queue"] == {"visible": 0, "in_flight": 0, "delayed": 0}


@pytest.mark.localstack
def test_a_rejected_ticket_does_not_come_back_and_spares_the_good_enrichment(
    adapters: Adapters, work_off: WorkOff
) -> None:
    drop(adapters, "T1", "The export has been empty since Monday.")
    work_off()
    good = adapters.rows.get("T1")
    adapters.raw_tickets.put("tickets/T1.json", b'{"ticket_id": "T1", "body": " ", "subject": null}')
    work_off()
    row = adapters.rows.get("T1")
    assert good is not None
    assert row is not None
    assert (row.status, row.enriched_key) == (good.status, good.enriched_key)
    assert row.rejection is not None
    assert row.rejection.key == "tickets/T1.json"
    assert adapters.queue.depths().total == 0
    assert adapters.dead_letters.depths().total == 0


def test_a_message_with_a_ticket_id_enriches_the_object_of_that_id(
    adapters: Adapters, work_off: WorkOff
) -> None:
    drop(adapters, "T1", "Could you tell me your opening hours on public holidays, please?")
    work_off()
    adapters.queue.send('{"ticket_id": "T1"}')
    statistics = work_off()
    assert statistics["duplicate"] == 1


@pytest.mark.localstack
def test_keys_with_spaces_and_umlauts_find_their_object(adapters: Adapters, work_off: WorkOff) -> None:
    drop(adapters, "T1", "The webhook answers 401 although the token is new.", key="tickets/a b+ü/c.json")
    work_off()
    assert enriched(adapters, "T1")["body"].startswith("The webhook")


@pytest.mark.localstack
@pytest.mark.parametrize("point", ["after-object", "after-row"])
def test_a_worker_killed_on_its_way_loses_and_corrupts_nothing(
    point: str,
    worker: Callable[..., subprocess.Popen[str]],
    adapters: Adapters,
    stack: Stack,
    clients: Clients,
    environment: dict[str, str],
    work_off: WorkOff,
) -> None:
    environment |= {"TICKETMILL_VISIBILITY_TIMEOUT_S": "2", "TICKETMILL_HEARTBEAT_S": "1"}
    drop(adapters, "T1", "All our stores cannot take cards since noon.")
    killed = worker(sys.executable, Path(__file__).with_name("killed_worker.py"), point)
    assert killed.wait(timeout=60) == -signal.SIGKILL
    row = adapters.rows.get("T1")
    assert (row is None) == (point == "after-object")
    assert adapters.queue.depths().in_flight > 0, "the message must not be gone"
    wait_until(lambda: adapters.queue.depths().in_flight == 0)
    statistics = work_off()
    assert statistics["processed"] == 1
    assert statistics["duplicate"] == (1 if point == "after-row" else 0)
    assert enriched(adapters, "T1")["body"].startswith("All our stores")
    assert adapters.queue.depths().total == 0
    objects = clients.s3.list_objects_v2(Bucket=stack.enriched_bucket)
    # what the killed worker stored stays: nothing points to it
    assert objects["KeyCount"] == (2 if point == "after-object" else 1)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_an_idle_worker_at_once_with_exit_code_0(
    signum: signal.Signals, worker: Callable[..., subprocess.Popen[str]], adapters: Adapters
) -> None:
    process = worker(TICKETMILL, "work", "--json")
    drop(adapters, "T1", "Please send me a copy of all my data.")
    wait_until(lambda: adapters.rows.get("T1") is not None and adapters.queue.depths().total == 0)
    started = time.monotonic()
    process.send_signal(signum)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 0, stderr
    assert json.loads(stdout)["enriched"] == 1
    # less than the 20 s of the long poll that it was waiting in, though the machine may be busy
    assert time.monotonic() - started < 15


def test_a_worker_stopped_under_load_finishes_what_it_has_received_and_leaves_the_rest_to_the_next(
    worker: Callable[..., subprocess.Popen[str]],
    adapters: Adapters,
    environment: dict[str, str],
    work_off: WorkOff,
) -> None:
    # nobody here waits so long: what stays in flight is missing in the end
    environment |= {"TICKETMILL_VISIBILITY_TIMEOUT_S": "3600", "TICKETMILL_WORKER_THREADS": "1"}
    ids = [f"T{number}" for number in range(100)]
    for ticket_id in ids:
        drop(
            adapters,
            ticket_id,
            f"Order {ticket_id} has not arrived yet and the tracking page shows nothing new.",
        )
    process = worker(TICKETMILL, "work", "--batch-size", "10", "--json")
    wait_until(lambda: len(adapters.rows.get_many(ids)) > 0)
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 0, stderr
    first = json.loads(stdout)
    rest = work_off()
    assert "stopping" in stderr
    assert first["failed"] == rest["failed"] == 0
    # the place also sends a test event when it sets the bucket's notification
    events = first["ignored"] + rest["ignored"]
    assert first["received"] + rest["received"] == len(ids) + events, "no message was received twice"
    assert first["enriched"] + rest["enriched"] == len(ids)
    assert first["enriched"] > 0
    assert rest["enriched"] > 0, "stopped under load, it must have left something"
    assert len(adapters.rows.get_many(ids)) == len(ids)


def test_several_processes_share_the_work_and_stop_as_one(
    ticketmill_process: Run, worker: Callable[..., subprocess.Popen[str]], adapters: Adapters
) -> None:
    ids = [f"T{number}" for number in range(40)]
    for ticket_id in ids:
        drop(adapters, ticket_id, f"The invoice of order {ticket_id} has the wrong address on it.")
    done = json.loads(ticketmill_process("work", "--processes", 2, "--until-empty", "--json").stdout)
    assert (done["enriched"], done["duplicate"], done["failed"]) == (len(ids), 0, 0)
    process = worker(TICKETMILL, "work", "--processes", 2, "--json")
    drop(adapters, "T99", "The invoice has the wrong address on it.")
    wait_until(lambda: adapters.rows.get("T99") is not None and adapters.queue.depths().total == 0)
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 0, stderr
    assert json.loads(stdout)["enriched"] == 1


def test_a_worker_takes_no_more_tickets_than_it_was_told(ticketmill_process: Run, adapters: Adapters) -> None:
    for number in range(15):
        drop(adapters, f"T{number}", "How do I change the address on my invoice?")
    done = json.loads(ticketmill_process("work", "--max-tickets", 12, "--json").stdout)
    assert done["enriched"] == 12
    assert adapters.queue.depths().visible == 3


@pytest.mark.localstack
def test_a_poisonous_message_ends_in_the_dead_letter_queue_and_harms_no_neighbour(
    adapters: Adapters, clients: Clients, stack: Stack, work_off: WorkOff
) -> None:
    dead_letter_arn = clients.sqs.get_queue_attributes(
        QueueUrl=stack.dead_letter_queue_url, AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": "2"})
    clients.sqs.set_queue_attributes(QueueUrl=stack.queue_url, Attributes={"RedrivePolicy": redrive})
    adapters.queue.send("not an event")
    drop(adapters, "T1", "Thank you for the quick help yesterday, much appreciated by the whole team!")
    statistics = work_off()
    assert statistics["enriched"] == 1
    assert statistics["failed"] >= 1
    assert adapters.dead_letters.depths().visible == 1
