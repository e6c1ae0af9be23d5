"""Real workers under real trouble lose nothing, double nothing and leave nothing stale.

`make test` runs one short seed with a short outage of S3; `make chaos SEEDS="7 8 9" TICKETS=500 OUTAGE=60`
runs as much as you like, by the variables CHAOS_SEEDS, CHAOS_TICKETS and CHAOS_OUTAGE_S. A seed draws the
same scenario and throws the same dice every time.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from decisions import decisions_of
from scenario import draw
from storm import Storm

from ticketmill.aws.clients import Clients
from ticketmill.deploy.stack import Stack

SEEDS = [int(seed) for seed in os.environ.get("CHAOS_SEEDS", "1").split()]
TICKETS = int(os.environ.get("CHAOS_TICKETS", "50"))
OUTAGE_S = float(os.environ.get("CHAOS_OUTAGE_S", "8"))
LONG_OUTAGE_S = 30  # a shorter one may end before any batch fails as one
UPLOADS_PER_S = 10


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_ticket_is_right_in_the_end(
    seed: int,
    endpoint_url: str,
    clients: Clients,
    stack: Stack,
    environment: dict[str, str],
    bundle_dir: Path,
    tmp_path: Path,
) -> None:
    scenario = draw(seed, TICKETS, duration_s=TICKETS / UPLOADS_PER_S, outage_s=OUTAGE_S)
    decisions = decisions_of(clients, stack, bundle_dir)
    report = Storm(scenario, clients, stack, endpoint_url, environment, tmp_path, decisions).run()
    print(f"\n{report.summary()}")
    if report.findings:
        pytest.fail(f"{report.summary()}\n{report.story()}", pytrace=False)
    assert report.dead_lettered == 0, "a good ticket became a dead letter"
    assert report.counts["s3 out"] > 0, "no worker met the outage"
    if OUTAGE_S >= LONG_OUTAGE_S:
        assert any("s3 is down" in line for lines in report.logs.values() for line in lines)
    # how many depends on how busy the machine is
    assert report.settled_in_storm > 0, "the calm did all the work: nothing was tested"
    for happened in ("kill", "message duplicated", "message postponed", "receipt expired"):
        assert report.counts[happened] > 0, f"no {happened}: there was no storm"
    assert report.counts["promote v3"] == 1, "not every decision was made"
    assert report.counts["version refused"] > 0, "no worker met the damaged version"
    for service in ("s3", "sqs", "dynamodb"):
        assert any(name.startswith(f"{service} ") for name in report.counts), f"{service} never failed"
