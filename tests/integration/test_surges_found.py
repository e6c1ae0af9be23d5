"""Surges in a real index, from real embeddings: found, named, announced, spoken of, and closed."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from commands import Run
from surge_place import DECLINED, SurgePlace

from ticketmill.bootstrap import Adapters
from ticketmill.bootstrap.surges import make_surge_watch
from ticketmill.domain.surge import SurgeState
from ticketmill.settings import Settings, load_settings


@pytest.fixture
def settings(environment: dict[str, str], stack_name: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    topic = boto3.client("sns").create_topic(Name=f"{stack_name}-surges")["TopicArn"]
    environment["TICKETMILL_SURGE_TOPIC"] = topic
    monkeypatch.setenv("TICKETMILL_SURGE_TOPIC", topic)
    return load_settings(stack=stack_name, bundle=environment["TICKETMILL_BUNDLE"])


@pytest.fixture
def told(settings: Settings, stack_name: str) -> Any:
    """Gives the events that the topic has sent since the last time."""
    sqs, sns = boto3.client("sqs"), boto3.client("sns")
    url = sqs.create_queue(QueueName=f"{stack_name}-told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = settings.surge_topic
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

    def receive() -> list[dict[str, Any]]:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for each in found.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return [json.loads(each["Body"]) for each in found.get("Messages", [])]

    return receive


@pytest.mark.timeout(120)
def test_a_watch_that_is_told_to_stop_ends_in_order(environment: dict[str, str], stack_name: str) -> None:
    command = [sys.executable, "-m", "ticketmill", "surges", "watch"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as watch:
        assert watch.stderr is not None
        assert "watching for surges every 15 s" in watch.stderr.readline()
        watch.terminate()
        assert watch.wait(60) == 0
    assert stack_name


@pytest.mark.timeout(300)
def test_a_surge_is_found_named_announced_acknowledged_and_closed(
    ticketmill: Run, adapters: Adapters, settings: Settings, told: Any
) -> None:
    now = datetime.now(UTC)
    place = SurgePlace(settings, adapters)
    place.put_quiet_weeks(now)
    assert json.loads(ticketmill("surges", "watch", "--once", "--json").stdout) == []
    assert "no surge is open" in ticketmill("surges").stderr

    burst = [now - timedelta(minutes=9 * (10 - number)) for number in range(10)]
    place.put("declined", DECLINED, burst)
    (found,) = json.loads(ticketmill("surges", "watch", "--once", "--json").stdout)
    assert {"card", "declined"} <= set(found["name"].split())
    assert set(found["tickets"]) == {f"declined-{number}" for number in range(10)}
    (event,) = told()
    assert (event["type"], event["surge"]["surge_id"]) == ("surge_opened", found["surge_id"])

    surge_id = found["surge_id"]
    assert surge_id in ticketmill("surges").stdout
    assert "acknowledged, by anna" in ticketmill("surges", "acknowledge", surge_id, "--who", "anna").stdout
    (scanned,) = json.loads(ticketmill("surges", "scan", "--since", "2d", "--json").stdout)
    assert (scanned["surge_id"], scanned["state"]) == (surge_id, "open")
    assert "there is no surge" in ticketmill("surges", "show", "20260101-abcdef", code=5).stderr

    watch = make_surge_watch(settings)
    watch.now = lambda: now + timedelta(hours=8)
    (closed,) = watch.look()
    assert closed.state_at(watch.now()) is SurgeState.CLOSED
    (event,) = told()
    assert event["type"] == "surge_closed"
    assert "10 tickets" in ticketmill("surges", "show", surge_id).stdout

    ticketmill("surges", "dismiss", surge_id)
    again = [now + timedelta(days=3, minutes=9 * number) for number in range(10)]
    place.put("again", DECLINED, again)
    watch = make_surge_watch(settings)
    watch.now = lambda: now + timedelta(days=3, hours=2)
    (held_back,) = [each for each in watch.look() if each.surge_id != surge_id]
    assert (held_back.like, held_back.state_at(watch.now())) == (surge_id, SurgeState.DISMISSED)
    assert told() == []
