"""What became of the messages of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ticketmill.domain.message import Message


class Result(StrEnum):
    """What became of one upload."""

    ENRICHED = "enriched"
    PARTIAL = "partial"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    INDEXED = "indexed"
    """Of an indexer: it can be searched."""
    IGNORED = "ignored"
    """Announced nothing to enrich, such as s3:TestEvent."""
    FAILED = "failed"
    """Left to the queue to redeliver."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one upload that `message` announced; `reason` is a code or an error's name.

    `stage_ms` has the milliseconds of each stage that was reached (fetch, encode, heads, store; queue is the
    wait before them), `tokens` what the encoder read. Where several messages announce one upload, the work is
    done once and told of the first.
    """

    message: Message
    result: Result
    ticket_id: str | None = None
    reason: str | None = None
    stage_ms: Mapping[str, float] = field(default_factory=dict, hash=False)
    tokens: int | None = None
    dependency: str | None = None
    """The service whose failure this is, see TransientFailure."""


def acknowledgeable(messages: Iterable[Message], outcomes: Sequence[Outcome]) -> list[Message]:
    """The messages that may be acknowledged: those none of whose uploads failed."""
    failed = {outcome.message.message_id for outcome in outcomes if outcome.result is Result.FAILED}
    return [message for message in messages if message.message_id not in failed]
