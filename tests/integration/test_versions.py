"""Yesterday's, today's and tomorrow's ticketmill at one table: nothing is erased or dead-lettered."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from commands import Run
from fakes import FakeEnricher
from frozen_records import frozen_bytes, frozen_item

from ticketmill.aws.clients import Clients
from ticketmill.aws.dynamodb import OWNED
from ticketmill.bootstrap import Adapters, make_pipeline
from ticketmill.deploy.stack import Stack
from ticketmill.domain.keys import raw_key, utc_text
from ticketmill.domain.labels import Status
from ticketmill.domain.message import Upload
from ticketmill.domain.row import RETIRED_ATTRIBUTES
from ticketmill.pipeline.batch import Pipeline
from ticketmill.pipeline.outcome import Result, acknowledgeable
from ticketmill.settings import load_settings

ID = "TKT-001"
LABEL: dict[str, Any] = {"M": {"label": {"S": "low"}, "by": {"S": "ann"}}}


class Table:
    """The table and the bucket as another version of ticketmill left them."""

    def __init__(self, clients: Clients, stack: Stack, adapters: Adapters) -> None:
        self._dynamodb, self._table, self._adapters = clients.dynamodb, stack.table, adapters

    def left_by(self, version: str) -> dict[str, Any]:
        """Drops the ticket; the row and the object of `version` are made from that upload."""
        self._adapters.raw_tickets.put(raw_key(ID), frozen_bytes("ticket"))
        raw = self._adapters.raw_tickets.fetch(
            Upload(self._adapters.stack.raw_bucket, raw_key(ID), raw_key(ID)), 10_000
        )
        assert raw is not None
        item = frozen_item(f"{version}_enriched_item")
        made_from = {
            "bucket": {"S": raw.bucket},
            "version_id": {"NULL": True} if raw.version_id is None else {"S": raw.version_id},
            "etag": {"S": raw.etag},
            "last_modified": {"S": utc_text(raw.last_modified)},
        }
        item["raw"]["M"] |= made_from
        item["label_urgency"] = LABEL
        assert item["content_hash"] == {"S": raw.content_hash}
        self.put(item)
        self._adapters.enriched_tickets.put(
            item["enriched_key"]["S"], frozen_bytes(f"{version}_enriched_object")
        )
        return item

    def put(self, item: dict[str, Any]) -> None:
        """As yesterday wrote: the item as a whole."""
        self._dynamodb.put_item(TableName=self._table, Item=item)

    def item(self) -> dict[str, Any]:
        return dict(self._dynamodb.get_item(TableName=self._table, Key={"ticket_id": {"S": ID}})["Item"])


@pytest.fixture
def table(clients: Clients, stack: Stack, adapters: Adapters) -> Table:
    return Table(clients, stack, adapters)


@pytest.fixture
def pipeline(stack_name: str, adapters: Adapters, environment: dict[str, str]) -> Pipeline:
    """Today's, with a model that needs no loading."""
    enricher: Any = FakeEnricher(fingerprint="today")
    return make_pipeline(load_settings(stack=stack_name), adapters, enricher)


def worked_off(pipeline: Pipeline, adapters: Adapters) -> Counter[str]:
    """How often each result came out, until the queue was empty."""
    results: Counter[str] = Counter()
    while adapters.queue.depths().total:
        messages = adapters.queue.receive(10, wait_s=1)
        outcomes = pipeline.process_batch(messages)
        adapters.queue.acknowledge(acknowledgeable(messages, outcomes))
        results.update(outcome.result for outcome in outcomes)
    del results[Result.IGNORED]  # the event that S3 sends when a queue is connected
    assert adapters.dead_letters.depths().total == 0
    return results


def test_a_worker_of_today_takes_over_a_row_of_yesterday_and_erases_nothing(
    pipeline: Pipeline, adapters: Adapters, table: Table
) -> None:
    left = table.left_by("yesterday")
    assert worked_off(pipeline, adapters) == {"enriched": 1}
    item = table.item()
    assert item["serving_serial"] == {"N": "1"}
    assert item["label_urgency"] == LABEL
    assert item["fingerprint"] == {"S": "today"}
    assert adapters.enriched_tickets.get(left["enriched_key"]["S"]) == frozen_bytes(
        "yesterday_enriched_object"
    )


def test_a_worker_of_today_keeps_an_enrichment_that_yesterday_made_with_the_same_bundle(
    pipeline: Pipeline, adapters: Adapters, table: Table
) -> None:
    left = {**table.left_by("yesterday"), "fingerprint": {"S": "today"}}
    table.put(left)
    assert worked_off(pipeline, adapters) == {"duplicate": 1}
    item = table.item()
    assert (item["enriched_key"], item["serving_serial"]) == (left["enriched_key"], {"N": "1"})
    assert set(left) - set(RETIRED_ATTRIBUTES) <= set(item)


def test_an_object_of_yesterday_is_shown(ticketmill: Run, adapters: Adapters, table: Table) -> None:
    left = table.left_by("yesterday")
    shown = json.loads(ticketmill("show", ID, "--json").stdout)
    assert shown["ticket"]["enrichment"]["intent"]["label"] == left["intent"]["S"]


def test_a_worker_of_today_harms_no_row_of_tomorrow(
    ticketmill: Run, pipeline: Pipeline, adapters: Adapters, table: Table
) -> None:
    table.left_by("tomorrow")
    left = table.item()
    assert worked_off(pipeline, adapters) == {"superseded": 1}
    assert table.item() == left
    shown = json.loads(ticketmill("show", ID, "--json").stdout)
    assert shown["row"]["urgency"] == "blocker"
    assert shown["ticket"]["enrichment"]["status"] == "escalated"
    ticketmill("show", ID)


def test_a_newer_upload_replaces_what_the_pipeline_owns_of_a_row_of_tomorrow_and_no_more(
    pipeline: Pipeline, adapters: Adapters, table: Table
) -> None:
    left = table.left_by("tomorrow")
    raw = left["raw"]["M"]
    table.put({**left, "raw": {"M": {**raw, "last_modified": {"S": "2026-01-01T00:00:00.000000Z"}}}})
    ticket = {"ticket_id": ID, "subject": "Thanks", "body": "The reset mail has arrived by now, thank you."}
    adapters.raw_tickets.put(raw_key(ID), json.dumps(ticket).encode())
    assert worked_off(pipeline, adapters)["enriched"] >= 1
    item = table.item()
    foreign = set(left) - set(OWNED) - {"ticket_id"}
    assert foreign == {"mentions", "label_urgency", "seen_by", "thumbnail"}
    assert {name: item[name] for name in foreign} == {name: left[name] for name in foreign}
    row = adapters.rows.get(ID)
    assert row is not None
    assert (row.status, row.subject, row.schema_version) == (Status.ENRICHED, "Thanks", 2)


def test_a_worker_of_yesterday_and_one_of_today_take_turns(
    pipeline: Pipeline, adapters: Adapters, table: Table
) -> None:
    """Yesterday replaces the whole item, as it always did; today reads that, and makes its own of it."""
    left = table.left_by("yesterday")
    for revision in (2, 5):
        worked_off(pipeline, adapters)
        table.put({**left, "revision": {"N": str(revision)}})
        adapters.queue.send(json.dumps({"ticket_id": ID}))
        worked_off(pipeline, adapters)
        item = table.item()
        assert item["label_urgency"] == LABEL
        assert (item["serving_serial"], item["revision"]) == ({"N": "1"}, {"N": str(revision + 1)})
