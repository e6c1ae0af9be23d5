"""Real workers under real trouble lose nothing, double nothing and leave nothing stale.

`make test` runs one short seed; `make chaos SEEDS="7 8 9" TICKETS=500` runs as many as you like, by the
variables CHAOS_SEEDS and CHAOS_TICKETS. A seed draws the same scenario and throws the same dice every time.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from scenario import draw
from storm import Storm

from ticketmill.aws import emulator as ministack
from ticketmill.aws.clients import Clients, connect
from ticketmill.aws.stack import Stack, deploy

SEEDS = [int(seed) for seed in os.environ.get("CHAOS_SEEDS", "1").split()]
TICKETS = int(os.environ.get("CHAOS_TICKETS", "70"))
UPLOADS_PER_S = 10
RIGHT_IN_STORM = 0.5  # of the tickets: else the calm did the work, and nothing was tested


@pytest.fixture
def endpoint_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A fresh ministack, at which the clients of this process and of workers look."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    ministack.start(url, tmp_path)
    yield url
    ministack.stop(url, tmp_path)


@pytest.fixture
def clients(endpoint_url: str) -> Iterator[Clients]:
    made = connect()
    yield made
    for client in (made.s3, made.sqs, made.dynamodb, made.cloudformation):
        client.close()


@pytest.fixture
def stack(clients: Clients) -> Stack:
    return deploy(clients, "chaos")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_ticket_is_right_in_the_end(
    seed: int, endpoint_url: str, clients: Clients, stack: Stack, bundle_dir: Path, tmp_path: Path
) -> None:
    scenario = draw(seed, TICKETS, duration_s=TICKETS / UPLOADS_PER_S)
    environment = {"TICKETMILL_STACK": "chaos", "TICKETMILL_BUNDLE": str(bundle_dir)}
    report = Storm(scenario, clients, stack, endpoint_url, environment, tmp_path).run()
    print(f"\n{report.summary()}")
    if report.findings:
        pytest.fail(f"{report.summary()}\n{report.story()}", pytrace=False)
    assert report.settled_in_storm >= RIGHT_IN_STORM * TICKETS
    for happened in ("kill", "message duplicated", "message postponed", "receipt expired"):
        assert report.counts[happened] > 0, f"no {happened}: there was no storm"
    for service in ("s3", "sqs", "dynamodb"):
        assert any(name.startswith(f"{service} ") for name in report.counts), f"{service} never failed"
