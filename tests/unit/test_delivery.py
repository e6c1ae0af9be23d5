"""How deliveries end: acknowledged, again later, or postponed; and that one rule harms no other."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from fakes import NOW, FakeQueue
from routing_samples import change, message, rule, rules

from ticketmill.domain.delivery import Delivery, DeliveryFailure, decode_delivery
from ticketmill.domain.errors import RetryLater, SetupError, TransientFailure
from ticketmill.domain.event import TicketEvent
from ticketmill.domain.message import Message
from ticketmill.domain.routing_rule import Rule
from ticketmill.operations.change_feed import body_of
from ticketmill.operations.delivery import Deliverer, DeliveryResult
from ticketmill.operations.routing import Router
from ticketmill.worker.backoff import Backoff

RULES = rules(rule("good"), rule("bad"), rule("whole", include_body=True))


@dataclass
class FakeTarget:
    """Takes events; raises what it is told to."""

    sent: list[TicketEvent] = field(default_factory=list)
    failure: Exception | None = None

    def send(self, event: TicketEvent) -> str:
        if self.failure:
            raise self.failure
        self.sent.append(event)
        return "taken"


@dataclass
class FakeFailures:
    kept: dict[str, DeliveryFailure] = field(default_factory=dict)

    def note(self, key: str, failure: DeliveryFailure) -> None:
        self.kept[key] = failure

    def get(self, key: str) -> DeliveryFailure | None:
        return self.kept.get(key)


class World:
    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self.targets = {each.id: FakeTarget() for each in RULES.rules}
        self.queue = FakeQueue()
        self.failures = FakeFailures()
        self.now = NOW
        self.deliverer = Deliverer(
            rules=RULES,
            target_of=self.target_of,
            queue=self.queue,
            failures=self.failures,
            executor=executor,
            retry_delay_s=Backoff(20, jitter=lambda: 1.0).delay_s,
            body_of=lambda key: f"the body at {key} of ann@x.org",
            mask=lambda text: text.replace("ann@x.org", "…"),
            now=self.clock,
        )

    def clock(self) -> datetime:
        return self.now

    def target_of(self, of: Rule) -> FakeTarget:
        return self.targets[of.id]

    def deliver(self, *messages: Message) -> list[DeliveryResult]:
        return [each.result for each in self.deliverer.process(messages)]


@pytest.fixture
def world() -> Iterator[World]:
    with ThreadPoolExecutor(4) as executor:
        yield World(executor)


def delivery(rule_id: str, receive_count: int = 1, message_id: str = "") -> Message:
    router = Router(RULES)
    (wanted,) = [each for each in router.deliveries(change(enriched_key="k")) if each.rule == rule_id]
    return message(body_of(wanted), receive_count, message_id or rule_id)


def test_what_is_delivered_is_acknowledged(world: World) -> None:
    assert world.deliver(delivery("good")) == [DeliveryResult.DELIVERED]
    assert world.queue.acknowledged == ["good"]
    assert [each.rule for each in world.targets["good"].sent] == ["good"]


def test_a_message_holds_what_its_delivery_holds() -> None:
    (first, *_) = Router(RULES).deliveries(change(enriched_key="k"))
    assert decode_delivery(body_of(first)) == first


def test_a_rule_that_fails_harms_no_other(world: World) -> None:
    world.targets["bad"].failure = TransientFailure("status 404", "http_404")
    assert world.deliver(delivery("bad"), delivery("good")) == ["failed", "delivered"]
    assert world.queue.acknowledged == ["good"]
    assert world.queue.released == [("bad", 20)]


def test_a_bug_in_a_target_harms_no_other_and_quotes_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.targets["bad"].failure = ZeroDivisionError("The site is down.")
    assert world.deliver(delivery("bad"), delivery("good")) == ["failed", "delivered"]
    assert world.failures.kept["zendesk-42/7/bad"].message == "ZeroDivisionError"


def test_what_fails_comes_again_later_each_time(world: World) -> None:
    world.targets["bad"].failure = TransientFailure("no")
    for receives in (1, 2, 3, 9):
        world.deliver(delivery("bad", receives))
    assert [delay_s for _, delay_s in world.queue.released] == [20, 40, 80, 900]


def test_why_it_failed_is_noted_for_whoever_looks_at_dead_letters(world: World) -> None:
    world.targets["bad"].failure = TransientFailure("status 404", "http_404")
    world.deliver(delivery("bad", receive_count=3))
    assert world.failures.kept == {"zendesk-42/7/bad": DeliveryFailure("http_404", "status 404", 3, NOW)}


def test_a_target_that_asks_for_time_gets_it_and_its_other_messages_wait(world: World) -> None:
    world.targets["bad"].failure = RetryLater("slow down", after_s=300)
    assert world.deliver(delivery("bad")) == ["failed"]
    world.targets["bad"].failure = None
    world.now += timedelta(seconds=100)
    assert world.deliver(delivery("bad", message_id="later"), delivery("good")) == ["postponed", "delivered"]
    assert world.queue.released == [("bad", 300), ("later", 200)]
    world.now += timedelta(seconds=200)
    assert world.deliver(delivery("bad")) == ["delivered"]


def test_a_target_that_is_down_is_not_waited_for_by_every_message(world: World) -> None:
    world.targets["bad"].failure = TransientFailure("timeout", dependency="host")
    world.deliver(delivery("bad"))
    assert world.deliver(delivery("bad", 5)) == ["postponed"]
    # postponing counts as a receive: it must not use up the receives within the pause
    assert world.queue.released == [("bad", 30), ("bad", 320)]


def test_a_secret_that_is_missing_fails_its_own_rule_alone(world: World) -> None:
    world.targets["bad"].failure = SetupError("SLACK_URL is not set")
    assert world.deliver(delivery("bad"), delivery("good")) == ["failed", "delivered"]
    assert world.failures.kept["zendesk-42/7/bad"].code == "setup"


def test_a_rule_that_is_gone_fails_until_it_is_back(world: World) -> None:
    gone = Delivery(event=next(iter(Router(rules(rule("gone"))).deliveries(change()))).event)
    assert world.deliver(message(body_of(gone))) == ["failed"]
    assert world.failures.kept["zendesk-42/7/gone"].code == "unknown_rule"


def test_what_is_no_delivery_stays_on_the_queue(world: World) -> None:
    assert world.deliver(message("{}"), delivery("good")) == ["failed", "delivered"]
    assert world.queue.acknowledged == ["good"]


def test_the_body_is_fetched_and_masked_for_a_rule_that_includes_it_alone(world: World) -> None:
    world.deliver(delivery("whole"), delivery("good"))
    assert world.targets["whole"].sent[0].body == "the body at k of …"
    assert world.targets["good"].sent[0].body is None
