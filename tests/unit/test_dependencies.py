"""One circuit breaker for each service, fed by the outcomes of batches."""

from __future__ import annotations

import pytest
from fake_sqs import Clock
from fakes import announce

from ticketmill.domain.errors import TransientFailure
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.worker.buffer import Flow
from ticketmill.worker.dependencies import Dependencies

FAILED_BY_S3 = Outcome(announce("a"), Result.FAILED, dependency="s3")
FAILED_BY_ITSELF = Outcome(announce("a"), Result.FAILED, reason="AccessDenied")
ENRICHED = Outcome(announce("a"), Result.ENRICHED)
IGNORED = Outcome(announce("a"), Result.IGNORED)


class Services:
    """S3 and DynamoDB, each up or down."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.down: set[str] = set()
        self.probed: list[str] = []
        probes = {name: lambda name=name: self._probe(name) for name in ("s3", "dynamodb")}
        self.dependencies = Dependencies(probes, first_pause_s=5, max_pause_s=60, clock=self.clock)

    def _probe(self, name: str) -> None:
        self.probed.append(name)
        if name in self.down:
            raise TransientFailure(f"asking {name}: ServiceUnavailable", dependency=name)


@pytest.fixture
def services() -> Services:
    return Services()


def test_a_batch_that_no_upload_gets_through_pauses_until_a_probe_is_due(services: Services) -> None:
    dependencies = services.dependencies
    dependencies.report([FAILED_BY_S3, FAILED_BY_S3, IGNORED])
    assert dependencies.down == ["s3"]
    assert dependencies.flow() is Flow.PAUSED
    assert dependencies.probe() == 5
    services.clock.now = 4.9
    assert dependencies.probe() > 0
    assert services.probed == []


@pytest.mark.parametrize("batch", [[FAILED_BY_S3, ENRICHED], [FAILED_BY_ITSELF], [IGNORED], []])
def test_a_batch_that_somebody_gets_through_or_that_fails_by_itself_pauses_nothing(
    batch: list[Outcome], services: Services
) -> None:
    services.dependencies.report(batch)
    assert services.dependencies.flow() is Flow.FULL
    assert services.dependencies.probe() == 0


def test_each_probe_that_fails_doubles_the_pause_up_to_a_minute(services: Services) -> None:
    services.down = {"s3"}
    services.dependencies.report([FAILED_BY_S3])
    pauses = []
    for _ in range(6):
        services.clock.now += services.dependencies.pause_s
        pauses.append(services.dependencies.probe())
    assert pauses == [10, 20, 40, 60, 60, 60]


def test_after_a_probe_that_succeeds_one_message_is_tried_and_then_all_goes_on(services: Services) -> None:
    dependencies = services.dependencies
    dependencies.report([FAILED_BY_S3])
    services.clock.now = 5
    assert dependencies.probe() == 0
    assert (dependencies.down, dependencies.flow()) == ([], Flow.ALONE)
    dependencies.report([ENRICHED])
    assert dependencies.flow() is Flow.FULL
    assert dependencies.outages == 1


def test_a_trial_that_fails_pauses_again_for_twice_as_long(services: Services) -> None:
    services.dependencies.report([FAILED_BY_S3])
    services.clock.now = 5
    services.dependencies.probe()
    services.dependencies.report([FAILED_BY_S3])
    assert services.dependencies.probe() == 10
    assert services.dependencies.outages == 1


def test_batches_that_were_at_work_when_the_outage_began_do_not_lengthen_or_end_the_pause(
    services: Services,
) -> None:
    for batch in ([FAILED_BY_S3], [FAILED_BY_S3], [ENRICHED], [FAILED_BY_S3]):
        services.dependencies.report(batch)
    assert services.dependencies.down == ["s3"]
    assert services.dependencies.probe() == 5


def test_a_batch_that_ends_while_the_service_is_probed_says_nothing_new(services: Services) -> None:
    def probe() -> None:
        dependencies.report([FAILED_BY_S3])

    dependencies = Dependencies({"s3": probe}, first_pause_s=5, max_pause_s=60, clock=services.clock)
    dependencies.report([FAILED_BY_S3])
    services.clock.now = 5
    assert dependencies.probe() == 0
    assert dependencies.flow() is Flow.ALONE


def test_a_queue_that_does_not_answer_pauses_receiving_and_not_the_work_in_flight(services: Services) -> None:
    dependencies = services.dependencies
    dependencies.receive_failed(TransientFailure("receiving from SQS: ServiceUnavailable", dependency="sqs"))
    assert dependencies.down == ["sqs"]
    assert dependencies.flow() is Flow.FULL
    assert dependencies.probe() == 5
    services.clock.now = 5
    assert dependencies.probe() == 0
    dependencies.receive_succeeded()
    assert dependencies.states()["sqs"] == {"state": "closed", "next_probe_s": 0.0}
