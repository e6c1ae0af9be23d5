"""The checkpoints of backfills: what memory and DynamoDB both do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from ticketmill.aws.checkpoints import KEPT_S, DynamoCheckpoints
from ticketmill.aws.clients import Clients
from ticketmill.aws.memory import MemoryCheckpoints
from ticketmill.bootstrap import Adapters
from ticketmill.operations.ports import Checkpoints


@pytest.fixture(params=["memory", "dynamodb"])
def checkpoints(request: pytest.FixtureRequest) -> Checkpoints:
    if request.param == "memory":
        return MemoryCheckpoints()
    adapters: Adapters = request.getfixturevalue("adapters")
    return adapters.checkpoints


def test_a_run_is_moved_from_where_it_is_and_from_nowhere_else(checkpoints: Checkpoints) -> None:
    assert checkpoints.advance("run", "a", "", "k1")
    assert checkpoints.advance("run", "b", "k1", "k2")
    assert not checkpoints.advance("run", "c", "k1", "k2")
    assert not checkpoints.advance("run", "c", "k0", "k1")
    assert checkpoints.advance("another run", "c", "k1", "k2")


def test_the_message_that_moved_it_last_may_move_it_again(checkpoints: Checkpoints) -> None:
    assert checkpoints.advance("run", "a", "", "k2")
    assert checkpoints.advance("run", "a", "", "k2")
    assert checkpoints.advance("run", "a", "", "k1"), "by another way: the bucket has changed"
    assert not checkpoints.advance("run", "b", "k2", "k3"), "it is at k1 now"
    assert checkpoints.advance("run", "c", "k1", "k3")
    assert not checkpoints.advance("run", "a", "", "k1")


def test_of_many_at_once_one_moves_it(checkpoints: Checkpoints) -> None:
    assert checkpoints.advance("run", "first", "", "k1")
    with ThreadPoolExecutor(8) as executor:
        moved = list(
            executor.map(partial(checkpoints.advance, "run", from_key="k1", to_key="k2"), map(str, range(8)))
        )
    assert sum(moved) == 1


def test_an_item_expires_a_day_after_its_messages_and_is_no_row(clients: Clients, adapters: Adapters) -> None:
    table = adapters.stack.table
    checkpoints = DynamoCheckpoints(clients.dynamodb, table, clock=lambda: 1000.7)
    assert checkpoints.advance("run", "a", "", "k1")
    found = clients.dynamodb.get_item(TableName=table, Key={"ticket_id": {"S": "#backfill#run"}})
    assert found["Item"]["expires_at"] == {"N": str(1000 + KEPT_S)}
