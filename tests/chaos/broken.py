"""Ways to break a worker, each against one promise: `make chaos BROKEN=<way>` must fail."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from ticketmill.domain.message import Message
from ticketmill.domain.row import TicketRow
from ticketmill.pipeline import batch, precedence, recorder
from ticketmill.pipeline.outcome import Outcome
from ticketmill.worker.processor import Processor


def past_overwrites() -> None:
    """Whatever was read is written, however old it is by then."""
    precedence.is_newer = recorder.is_newer = lambda *_: True  # type: ignore[attr-defined]


def acknowledge_first() -> None:
    """Messages are deleted before their tickets are stored."""
    step = Processor.step

    def deleted_before(self: Processor, timeout_s: float | None = None) -> bool:
        process = self._process_batch

        def acknowledged_first(messages: Sequence[Message]) -> list[Outcome]:
            self._parts.queue.acknowledge(messages)
            return process(messages)

        self._process_batch = acknowledged_first
        try:
            return step(self, timeout_s)
        finally:
            self._process_batch = process

    Processor.step = deleted_before  # type: ignore[method-assign]


def row_before_object() -> None:
    """The row is written first: whoever dies in between leaves it pointing at nothing."""
    store = batch.Pipeline._store

    def row_first(self: batch.Pipeline, candidate: Any, enrichment: Any) -> Any:
        puts: list[tuple[str, bytes]] = []

        class Later:
            def put(self, key: str, body: bytes) -> None:
                puts.append((key, body))

        later: Any = Later()
        settled = store(dataclasses.replace(self, enriched_tickets=later), candidate, enrichment)
        for key, body in puts:
            self.enriched_tickets.put(key, body)
        return settled

    batch.Pipeline._store = row_first  # type: ignore[method-assign]


def failures_acknowledged() -> None:
    """What failed is deleted as if it were done."""
    from ticketmill.worker import processor

    processor.acknowledgeable = lambda messages, _: list(messages)  # type: ignore[attr-defined,assignment]


def rejections_forgotten() -> None:
    """A ticket that is turned down leaves no trace."""
    from ticketmill.pipeline.outcome import Result

    recorder.Recorder.reject = lambda *_: Result.REJECTED  # type: ignore[method-assign]


def unconditional_rows() -> None:
    """A row replaces whatever is there."""
    from ticketmill.aws.dynamodb import DynamoTicketRows, item_of

    def put(self: DynamoTicketRows, row: TicketRow, replaces: TicketRow | None) -> bool:
        self._dynamodb.put_item(TableName=self._table, Item=item_of(row))
        return True

    DynamoTicketRows.put = put  # type: ignore[method-assign]


WAYS: dict[str, Callable[[], None]] = {
    way.__name__: way
    for way in (
        past_overwrites,
        acknowledge_first,
        row_before_object,
        failures_acknowledged,
        rejections_forgotten,
        unconditional_rows,
    )
}
