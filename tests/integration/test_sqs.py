from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ticketmill.aws.clients import Clients
from ticketmill.aws.sqs import QueueDepths, SqsQueue
from ticketmill.deploy.stack import Stack
from ticketmill.domain.errors import TransientFailure


@pytest.fixture
def queue(clients: Clients, stack: Stack) -> SqsQueue:
    """The dead-letter queue: a queue like the other, in which S3 leaves no test event."""
    return SqsQueue(clients.sqs, stack.dead_letter_queue_url)


@pytest.mark.localstack
def test_a_received_message_says_when_it_was_sent_and_how_often_it_came(queue: SqsQueue) -> None:
    queue.send("Grüße 🎻")
    (message,) = queue.receive(max_messages=10, wait_s=1)
    assert message.body == "Grüße 🎻"
    assert message.receive_count == 1
    assert abs((datetime.now(UTC) - message.sent_at).total_seconds()) < 10


def test_a_receive_gives_ten_messages_at_the_most(queue: SqsQueue) -> None:
    for number in range(13):
        queue.send(str(number))
    first = queue.receive(max_messages=32, wait_s=1)
    rest = queue.receive(max_messages=32, wait_s=1)
    assert len(first) == 10
    assert sorted(int(message.body) for message in first + rest) == list(range(13))


def test_an_empty_queue_is_waited_on_no_longer_than_asked(queue: SqsQueue) -> None:
    started = time.monotonic()
    assert queue.receive(max_messages=10, wait_s=0) == []
    assert time.monotonic() - started < 15, "it was a long poll"


def test_acknowledged_messages_are_gone(queue: SqsQueue) -> None:
    for number in range(12):
        queue.send(str(number))
    messages = queue.receive(max_messages=10, wait_s=1) + queue.receive(max_messages=10, wait_s=1)
    assert queue.acknowledge(messages) == {message.message_id for message in messages}
    assert queue.is_empty()


@pytest.mark.localstack
def test_only_what_the_queue_confirms_counts_as_acknowledged(queue: SqsQueue) -> None:
    queue.send("one")
    queue.send("two")
    one, two = queue.receive(max_messages=2, wait_s=1)
    assert queue.acknowledge([one, replace(two, receipt="no receipt of this queue")]) == {one.message_id}


@pytest.mark.localstack
def test_a_queue_that_is_gone_confirms_nothing(
    clients: Clients, queue: SqsQueue, stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    queue.send("one")
    messages = queue.receive(max_messages=1, wait_s=1)
    gone = SqsQueue(clients.sqs, stack.dead_letter_queue_url + "-gone")
    assert gone.acknowledge(messages) == set()
    assert "acknowledging 1 messages" in caplog.text


def test_a_message_handed_back_is_visible_again_at_once(queue: SqsQueue) -> None:
    queue.send("one")
    (message,) = queue.receive(max_messages=1, wait_s=1)
    queue.release([message], delay_s=0)
    (again,) = queue.receive(max_messages=1, wait_s=1)
    assert (again.message_id, again.receive_count) == (message.message_id, 2)


@pytest.mark.localstack
def test_a_message_handed_back_with_a_delay_stays_in_flight(queue: SqsQueue) -> None:
    queue.send("one")
    (message,) = queue.receive(max_messages=1, wait_s=1)
    queue.release([message], delay_s=60)
    assert queue.receive(max_messages=1, wait_s=0) == []


def test_a_message_received_for_so_many_seconds_is_visible_again_after_them(queue: SqsQueue) -> None:
    queue.send("one")
    (message,) = queue.receive(max_messages=1, wait_s=1, visibility_timeout_s=1)
    assert queue.receive(max_messages=1, wait_s=0) == []
    (again,) = queue.receive(max_messages=1, wait_s=3)
    assert again.message_id == message.message_id


@pytest.mark.localstack
def test_depths_tell_waiting_from_in_flight(queue: SqsQueue) -> None:
    assert queue.is_empty()
    for number in range(3):
        queue.send(str(number))
    queue.receive(max_messages=1, wait_s=1)
    assert queue.depths() == QueueDepths(visible=2, in_flight=1, delayed=0)
    assert not queue.is_empty()


@pytest.mark.localstack
def test_a_failure_of_sqs_is_transient_and_says_what_was_being_done(clients: Clients, stack: Stack) -> None:
    gone = SqsQueue(clients.sqs, stack.queue_url + "-gone")
    with pytest.raises(TransientFailure, match=r"receiving from SQS: .*NonExistentQueue"):
        gone.receive(max_messages=1, wait_s=0)
