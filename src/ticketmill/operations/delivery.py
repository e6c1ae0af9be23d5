"""Delivers what the rules send: one message, one rule, one target. A rule that fails harms no other.

SQS is the retry system: a delivery that failed is received again later each time, and ends as a dead letter.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from ticketmill.domain.delivery import Delivery, DeliveryFailure, decode_delivery
from ticketmill.domain.errors import RetryLater, SetupError, TransientFailure
from ticketmill.domain.event import TicketEvent
from ticketmill.domain.message import Message
from ticketmill.domain.routing_rule import Rule, Rules
from ticketmill.operations.routing import Mask, unmasked
from ticketmill.pipeline.ports import Queue

MAX_DELAY_S = 43_200
"""As long as SQS hides a message."""
OUTAGE_PAUSE_S = 30.0
"""How long a target that cannot be reached is left alone."""

log = logging.getLogger(__name__)


class Target(Protocol):
    """Where a rule sends events to."""

    def send(self, event: TicketEvent) -> str:
        """Sends an event; what was done, in words without the ticket's text.

        Raises TransientFailure where it was not done, RetryLater where the target says when to come again.
        """
        ...


class DeliveryFailures(Protocol):
    """Why deliveries failed, for whoever looks at dead letters."""

    def note(self, key: str, failure: DeliveryFailure) -> None: ...

    def get(self, key: str) -> DeliveryFailure | None: ...


class DeliveryResult(StrEnum):
    """What became of a message."""

    DELIVERED = "delivered"
    FAILED = "failed"
    POSTPONED = "postponed"
    """Not tried: its target asked to be left alone."""


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """One message; `delay_s` is when it comes again, None where it is done."""

    message: Message
    result: DeliveryResult
    delay_s: int | None = None


@dataclass
class Deliverer:
    """Delivers the messages of the routing queue. Threads may share it."""

    rules: Rules
    target_of: Callable[[Rule], Target]
    """The target of a rule. SetupError where a secret is missing."""
    queue: Queue
    failures: DeliveryFailures
    executor: Executor
    retry_delay_s: Callable[[int], int]
    """The delay after so many receives."""
    body_of: Callable[[str], str] = lambda _key: ""
    """The ticket's body, by the key of its enriched object."""
    mask: Mask = unmasked
    outage_pause_s: float = OUTAGE_PAUSE_S
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _paused: dict[str, datetime] = field(default_factory=dict)
    """Until when a rule's target is left alone."""

    def process(self, messages: Sequence[Message]) -> list[DeliveryOutcome]:
        """Delivers up to ten messages, then acknowledges or releases each. It never raises for a target."""
        outcomes = list(self.executor.map(self._deliver, messages))
        done = [each.message for each in outcomes if each.delay_s is None]
        if done:
            self.queue.acknowledge(done)
        for delay_s, again in _by_delay(outcomes).items():
            self.queue.release(again, delay_s)
        return outcomes

    def _deliver(self, message: Message) -> DeliveryOutcome:
        try:
            delivery = decode_delivery(message.body)
        except ValueError as error:
            log.warning("message %s stays: %s", message.message_id, error)
            return self._again(message)
        wait_s = self._wait_s(delivery.rule)
        if wait_s:
            return self._again(message, DeliveryResult.POSTPONED, wait_s)
        try:
            done = self._send(delivery)
        except (TransientFailure, SetupError) as failure:
            return self._failed(message, delivery, failure)
        except Exception as error:  # a bug in one target must not stop the others
            log.exception("delivery %s: a bug in its target", delivery.key)
            return self._failed(message, delivery, TransientFailure(type(error).__name__, "bug"))
        log.info("delivered %s: %s", delivery.key, done)
        return DeliveryOutcome(message, DeliveryResult.DELIVERED)

    def _send(self, delivery: Delivery) -> str:
        rule = self.rules.named(delivery.rule)
        if rule is None:
            raise TransientFailure(
                f"there is no rule {delivery.rule}: put it back and redrive this, or delete this",
                "unknown_rule",
            )
        event = delivery.event
        if rule.include_body and delivery.enriched_key:
            event = event.model_copy(update={"body": self.mask(self.body_of(delivery.enriched_key))})
        return self.target_of(rule).send(event)

    def _failed(
        self, message: Message, delivery: Delivery, failure: TransientFailure | SetupError
    ) -> DeliveryOutcome:
        code = failure.code if isinstance(failure, TransientFailure) else "setup"
        log.warning("delivery %s failed: %s", delivery.key, failure)
        self._note(delivery.key, DeliveryFailure(code, str(failure), message.receive_count, self.now()))
        pause_s = self._pause_s(failure)
        if pause_s:
            self._paused[delivery.rule] = self.now() + timedelta(seconds=pause_s)
        return self._again(message, at_least_s=_delay(pause_s))

    def _pause_s(self, failure: TransientFailure | SetupError) -> float:
        """How long the target that failed so is left alone: its other messages would only wait for it."""
        if isinstance(failure, RetryLater):
            return failure.after_s
        is_outage = isinstance(failure, TransientFailure) and failure.dependency is not None
        return self.outage_pause_s if is_outage else 0

    def _note(self, key: str, failure: DeliveryFailure) -> None:
        try:
            self.failures.note(key, failure)
        except TransientFailure as error:
            log.warning("why %s failed is not noted: %s", key, error)

    def _again(
        self, message: Message, result: DeliveryResult = DeliveryResult.FAILED, at_least_s: int = 0
    ) -> DeliveryOutcome:
        """Later each time, so that a target that is down for an hour makes no dead letters."""
        delay_s = max(self.retry_delay_s(message.receive_count), at_least_s)
        return DeliveryOutcome(message, result, delay_s)

    def _wait_s(self, rule_id: str) -> int:
        """How long the target of a rule is still to be left alone."""
        until = self._paused.get(rule_id)
        left_s = (until - self.now()).total_seconds() if until else 0
        return _delay(left_s)


def _delay(seconds: float) -> int:
    """Whole seconds, rounded up, within what SQS takes."""
    return min(max(math.ceil(seconds), 0), MAX_DELAY_S)


def _by_delay(outcomes: Iterable[DeliveryOutcome]) -> Mapping[int, list[Message]]:
    groups: dict[int, list[Message]] = {}
    for each in outcomes:
        if each.delay_s is not None:
            groups.setdefault(each.delay_s, []).append(each.message)
    return groups
