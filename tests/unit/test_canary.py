"""What tickets say appears in no log line and no metric, whichever step of a batch fails."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import numpy as np
import pytest
from fakes import NOW, FakeEnrichedTickets, FakeRawTickets, FakeRows, announce, ticket

from ticketmill.aws.events import decode
from ticketmill.domain.message import Message, RawObject, Upload
from ticketmill.encoder.encoder import Encoded
from ticketmill.pipeline.batch import Pipeline
from ticketmill.pipeline.enricher import Enricher
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.tasks.stage import EncodedTicket, Served
from ticketmill.tasks.table import TASKS
from ticketmill.telemetry.emf import EmfLines
from ticketmill.telemetry.logs import LogFormat, log_outcomes, make_handler
from ticketmill.telemetry.metrics import Metrics
from ticketmill.text.entities.finder import EntityFinder

CANARY = "Kanarienvogel 4111-1111 jane@example.org"


class QuotingEncoder:
    """Fails for a ticket that says poison, and quotes it."""

    most_tokens = 2048

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        if any("poison" in text for text in texts):
            raise RuntimeError(texts)
        empty = np.zeros((0, 2), np.int32)
        return [Encoded(np.zeros(4), np.zeros((1, 4)), np.zeros((0, 4)), empty, 9, False, 1) for _ in texts]


class BlindHeads:
    def read(self, texts: Sequence[str], *_encoded: Any) -> list[None]:
        return [None] * len(texts)


def quoting_stage(tickets: Sequence[EncodedTicket]) -> NoReturn:
    raise ValueError(tickets[0].ticket.body)


class QuotingRawTickets(FakeRawTickets):
    def fetch(self, upload: Upload, max_bytes: int) -> RawObject | None:
        if "unreadable" in upload.key:
            raise RuntimeError(CANARY)
        return super().fetch(upload, max_bytes)


class QuotingEnrichedTickets(FakeEnrichedTickets):
    def put(self, key: str, body: bytes) -> None:
        if "unwritable" in key:
            raise OSError(body.decode())
        super().put(key, body)


def s3_event(key: str, message_id: str) -> Message:
    bucket_and_key = {"bucket": {"name": "raw"}, "object": {"key": key}}
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": bucket_and_key}
    return Message(message_id, json.dumps({"Records": [record]}), message_id, 1, NOW)


def pipeline(raw: FakeRawTickets) -> Pipeline:
    served: Any = {task.name: Served(quoting_stage, "quoting") for task in TASKS}
    encoder: Any = QuotingEncoder()
    heads: Any = BlindHeads()
    return Pipeline(
        raw_tickets=raw,
        enriched_tickets=QuotingEnrichedTickets(),
        rows=FakeRows(),
        decode=lambda body: decode(body, raw_bucket="raw"),
        enricher=Enricher(encoder, "quoting", heads, served, "f1", EntityFinder()),
        executor=ThreadPoolExecutor(2),
        max_ticket_bytes=1000,
    )


def process() -> list[Outcome]:
    """A batch in which every step fails for a ticket of its own."""
    raw = QuotingRawTickets()
    contents = {
        "partial": ticket("partial", CANARY),
        "poison": ticket("poison", f"poison {CANARY}"),
        "unwritable": ticket("unwritable", CANARY),
        "unreadable": ticket("unreadable", CANARY),
        "not_json": CANARY.encode(),
        "no_text": {"ticket_id": "no_text", "note": f"The card of this customer is {CANARY}"},
        "several": [ticket("several", CANARY), ticket("several", CANARY)],
        "odd": {**ticket("odd", CANARY), "created_at": CANARY, "priority": CANARY, "metadata": [CANARY]},
        "id": {**ticket("id", CANARY), "ticket_id": [CANARY]},
        "large": ticket("large", CANARY * 100),
    }
    for name, content in contents.items():
        raw.drop(f"tickets/{name}.json", content)
    messages = [s3_event(f"tickets/{name}.json", name) for name in contents]
    foreign = announce("a", message_id="foreign")
    not_json = Message("message", CANARY, "receipt", 1, NOW)
    return pipeline(raw).process_batch([*messages, foreign, not_json])


@pytest.fixture
def log_of_everything() -> Iterator[dict[LogFormat, io.StringIO]]:
    """All that this process logs, in both forms, from DEBUG on."""
    streams: dict[LogFormat, io.StringIO] = {"text": io.StringIO(), "json": io.StringIO()}
    handlers = [make_handler(log_format, stream) for log_format, stream in streams.items()]
    root, package = logging.getLogger(), logging.getLogger("ticketmill")
    level = package.level
    package.setLevel("DEBUG")
    for handler in handlers:
        root.addHandler(handler)
    yield streams
    package.setLevel(level)
    for handler in handlers:
        root.removeHandler(handler)


def test_what_a_ticket_says_is_in_no_log_line_and_no_metric(
    log_of_everything: dict[LogFormat, io.StringIO],
) -> None:
    outcomes = process()
    log_outcomes(outcomes)
    metrics = Metrics()
    metrics.batch_done(outcomes)
    told = [*(stream.getvalue() for stream in log_of_everything.values())]
    told += [metrics.scrape().decode(), EmfLines(metrics.registry, "ticketmill", io.StringIO()).line()]
    results = {each.message.message_id: each.result for each in outcomes}
    assert results == {
        "partial": Result.PARTIAL,
        "poison": Result.FAILED,
        "unwritable": Result.FAILED,
        "unreadable": Result.FAILED,
        "not_json": Result.REJECTED,
        "no_text": Result.REJECTED,
        "several": Result.REJECTED,
        "odd": Result.PARTIAL,
        "id": Result.REJECTED,
        "large": Result.REJECTED,
        "foreign": Result.FAILED,
        "message": Result.FAILED,
    }
    for text in told:
        assert text
        for word in CANARY.split():
            assert word not in text


def test_each_upload_has_its_line_in_both_forms(log_of_everything: dict[LogFormat, io.StringIO]) -> None:
    outcomes = process()
    log_outcomes(outcomes)
    lines = [json.loads(line) for line in log_of_everything["json"].getvalue().splitlines()]
    of_uploads = [line for line in lines if line["message"].startswith("upload ")]
    assert {line["correlation_id"]: line["result"] for line in of_uploads} == {
        each.message.message_id: each.result.value for each in outcomes
    }
    assert log_of_everything["text"].getvalue().count(" INFO upload ") == len(outcomes)
