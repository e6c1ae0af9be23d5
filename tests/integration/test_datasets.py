"""`ticketmill dataset` and `ticketmill forget` against real buckets and tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from commands import Run

from ticketmill import bootstrap
from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters
from ticketmill.deploy.stack import Stack
from ticketmill.domain.keys import enriched_prefix, raw_key
from ticketmill.domain.label import CorrectionKind
from ticketmill.domain.labels import Sentiment, Status
from ticketmill.domain.message import Upload
from ticketmill.domain.row import RawVersion, TicketRow
from ticketmill.domain.ticket import Ticket
from ticketmill.learning.packed_features import PackedFeatures, Pooled, key_of
from ticketmill.operations.corrections import Speaker, Word
from ticketmill.settings import load_settings
from ticketmill.text.reading import read_ticket

SENTIMENTS = ("negative", "positive")
COUNT = 24


def text_of(number: int) -> str:
    return f"Thing {number * 104729:x} of {number * 7919:x} since {number * 1299709:x}, please look at it."


def put(adapters: Adapters, number: int, body: str | None = None) -> None:
    """A ticket in bucket and table; its row says that it is neutral."""
    ticket_id = f"T{number}"
    key = raw_key(ticket_id)
    document = {"ticket_id": ticket_id, "body": body or text_of(number), "customer_id": f"C-{number // 2}"}
    adapters.raw_tickets.put(key, json.dumps(document).encode())
    raw = adapters.raw_tickets.fetch(Upload(adapters.stack.raw_bucket, key, key), 10_000)
    assert raw is not None
    row = TicketRow(
        ticket_id=ticket_id,
        status=Status.ENRICHED,
        raw=RawVersion.of(raw),
        content_hash=raw.content_hash,
        sentiment=Sentiment.NEUTRAL,
        processed_at=datetime.now(UTC),
    )
    replaces = adapters.rows.get(ticket_id)
    if replaces is not None:
        row = row.model_copy(update={"revision": replaces.revision + 1, "person": replaces.person})
    assert adapters.rows.put(row, replaces)
    adapters.enriched_tickets.put(f"{enriched_prefix(ticket_id)}{raw.content_hash}.json", b"{}")


def say(adapters: Adapters, number: int, label: str, who: str = "ann") -> None:
    corrections = bootstrap.make_corrections(load_settings(), adapters)
    word = Word(CorrectionKind.LABEL, (label,))
    corrections.correct(f"T{number}", {"sentiment": word}, Speaker(who))


@pytest.fixture
def labelled(adapters: Adapters) -> Adapters:
    for number in range(COUNT):
        put(adapters, number)
        say(adapters, number, SENTIMENTS[number % 2])
    return adapters


def answered(run: Run, *arguments: str, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", code=code).stdout)


def build(run: Run, *options: str) -> Any:
    return answered(run, "dataset", "build", "--task", "sentiment", "--no-corpus", *options)


def test_what_people_said_becomes_a_dataset_that_grows(ticketmill: Run, labelled: Adapters) -> None:
    first = build(ticketmill)
    assert first["labels"] == {"negative": 12, "positive": 12}
    assert (first["origins"], first["groups"]) == ({"journal": COUNT}, COUNT // 2)
    assert 0 < first["held_out"] < COUNT / 2
    assert build(ticketmill) == first, "the same labels are the same dataset"
    put(labelled, 1, body="This ticket says something else by now.")
    put(labelled, 99)
    say(labelled, 99, "negative")
    say(labelled, 2, "positive", who="bob")
    second = build(ticketmill)
    assert second["parent"] == first["name"]
    assert second["left_out"] == {"stale": 1, "tie": 1}
    assert second["conflicts"][0]["said"] == {"ann": ["negative"], "bob": ["positive"]}
    told = answered(ticketmill, "dataset", "diff", "--task", "sentiment", first["name"][:8])
    assert (told["added"], told["removed"]) == (["T99"], ["T1", "T2"])
    listed = ticketmill("dataset", "list", "--task", "sentiment", "--json").stdout.splitlines()
    assert [json.loads(line)["name"] for line in listed] == [second["name"], first["name"]]
    assert "left out: stale" in ticketmill("dataset", "show", "--task", "sentiment").stdout


def every_version(clients: Clients, bucket: str) -> str:
    """All keys and bodies that a bucket has, in every version, and its delete markers."""
    found: dict[str, Any] = dict(clients.s3.list_object_versions(Bucket=bucket))
    texts = [str(found.get("DeleteMarkers", ""))]
    for each in found.get("Versions", []):
        read = clients.s3.get_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
        texts.append(f"{each['Key']} {read['Body'].read()!r}")
    return "\n".join(texts)


def test_a_forgotten_ticket_is_in_no_version_of_any_object_and_in_no_item(
    ticketmill: Run, labelled: Adapters, clients: Clients, stack: Stack
) -> None:
    put(labelled, 3, body="An earlier upload was other text; this is the text of T3 now.")
    say(labelled, 3, "positive")
    before = build(ticketmill)
    objects = labelled.learning.objects if labelled.learning else None
    assert objects is not None
    key = key_of(read_ticket(Ticket(ticket_id="x", body=text_of(3))).text)
    other = key_of(read_ticket(Ticket(ticket_id="x", body=text_of(4))).text)
    cache = PackedFeatures(objects, "0123456789ab", 10.0)
    cache.put_many([key, other], Pooled(np.zeros((2, 7, 8), np.float16), None, np.ones(2, np.int32)))
    cache.save()
    told = answered(ticketmill, "forget", "T3", "--yes")
    assert told["left"] == {}
    assert told["removed"] == {
        "cached features": 1,
        "datasets": 1,
        "disagreements": 0,
        "documents": 0,
        "drift reference": 0,
        "predictions of jobs": 0,
        "gaps": 0,
        "map": 0,
        "surges": 0,
        "index entries": 0,
        "enriched objects": 2,
        "raw objects": 2,
        "row": 1,
        "corrections": 2,
    }
    for bucket in (stack.raw_bucket, stack.enriched_bucket):
        kept = every_version(clients, bucket)
        assert raw_key("T3") not in kept
        assert enriched_prefix("T3") not in kept
        assert text_of(3) not in kept
        assert key not in kept
    assert stack.learning_table is not None
    for table in (stack.table, stack.learning_table):
        assert "'T3'" not in str(clients.dynamodb.scan(TableName=table)["Items"])
    after = answered(ticketmill, "dataset", "show", "--task", "sentiment")
    assert (after["examples"], after["replaces"]) == (before["examples"] - 1, before["name"])
    assert labelled.rows.get("T4") is not None
    assert "nothing is left" in ticketmill("forget", "T3", "--yes").stdout


def test_forget_asks_first_and_a_program_must_say_yes(ticketmill: Run, labelled: Adapters) -> None:
    ticketmill("forget", "T3", code=2)
    assert labelled.rows.get("T3") is not None
