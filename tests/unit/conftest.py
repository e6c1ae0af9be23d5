"""What several unit tests share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from fakes import BUCKET, NOW, FakeRawTickets
from world import World

from ticketmill.operations.backfill import Backfill


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def raw(world: World) -> FakeRawTickets:
    """The bucket of the world."""
    return world.raw


@pytest.fixture
def backfill(world: World) -> Backfill:
    """Of the world, an hour after what is dropped there."""
    return Backfill(
        bucket_name=BUCKET,
        bucket=world.raw,
        rows=world.rows,
        executor=ThreadPoolExecutor(2),
        fingerprint_of=lambda _: "f1",
        max_ticket_bytes=10_000,
        clock=lambda: NOW + timedelta(hours=1),
    )
