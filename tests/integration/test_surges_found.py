"""Surges in a real index, from real embeddings: found, named, announced, spoken of, and closed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import boto3
import pytest
from commands import Run

from ticketmill.bootstrap import Adapters
from ticketmill.bootstrap.search import open_index
from ticketmill.bootstrap.surges import make_surge_watch
from ticketmill.domain.labels import Status
from ticketmill.domain.row import RawVersion, TicketRow
from ticketmill.domain.surge import SurgeState
from ticketmill.encoder.bundle import load_bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.indexed_ticket import IndexedTicket
from ticketmill.settings import Settings, load_settings

DAYS, PER_DAY = 40, 12
PLACES = ("this morning", "since the last update", "on my phone", "for the second time", "at the office")
QUIET = [
    f"{what} {where}."
    for what, where in product(
        (
            "How do I change the address of an invoice",
            "The report cannot be exported to a spreadsheet",
            "I forgot my password and the mail for a new one does not arrive",
            "Where is my parcel, the tracking page shows nothing",
            "Please cancel my subscription at the end of the month",
            "The app closes as soon as I open the camera",
            "Can you add another user to our team account",
        ),
        PLACES,
    )
]
DECLINED = [
    f"{what} {where}."
    for what, where in product(
        ("My card was declined at the shop", "Your card is declined everywhere I pay with it"), PLACES
    )
]


class Place:
    """Texts as tickets of the index and of the table."""

    def __init__(self, settings: Settings, adapters: Adapters) -> None:
        self._adapters, self._index = adapters, open_index(settings)
        encoder = Encoder(load_bundle(settings.bundle_dir), threads=1)
        texts = [*QUIET, *DECLINED]
        found = [each.embedding for each in encoder.encode(texts)]
        self._vectors = dict(zip(texts, found, strict=True))

    def put(self, name: str, texts: Sequence[str], times: Sequence[datetime], has_rows: bool = True) -> None:
        entries = []
        for number, (text, at) in enumerate(zip(texts, times, strict=True)):
            ticket_id = f"{name}-{number}"
            key = f"tickets/{ticket_id}/a.json"
            entries.append(IndexedTicket(key, at, self._vectors[text], text))
            if has_rows:
                self._put_row(ticket_id, key, at, f"customer-{name}-{number}")
        self._index.put(entries)

    def _put_row(self, ticket_id: str, key: str, at: datetime, customer: str) -> None:
        raw = RawVersion(
            bucket=self._adapters.stack.raw_bucket,
            key=f"tickets/{ticket_id}.json",
            version_id="v",
            etag="e",
            last_modified=at,
        )
        row = TicketRow(
            ticket_id=ticket_id,
            status=Status.ENRICHED,
            raw=raw,
            content_hash="ab",
            enriched_key=key,
            customer_id=customer,
            processed_at=at,
        )
        assert self._adapters.rows.put(row, replaces=None)


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


@pytest.mark.timeout(300)
def test_a_surge_is_found_named_announced_acknowledged_and_closed(
    ticketmill: Run, adapters: Adapters, settings: Settings, told: Any
) -> None:
    now = datetime.now(UTC)
    place = Place(settings, adapters)
    quiet = [now - timedelta(days=DAYS) * (1 - number / (DAYS * PER_DAY)) for number in range(DAYS * PER_DAY)]
    place.put("quiet", [QUIET[at % len(QUIET)] for at in range(len(quiet))], quiet, has_rows=False)
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
