"""Reads the changes of the rows and has each routed: at least once, and in the order of each ticket."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from ticketmill.batching import grouped
from ticketmill.domain.change import Change
from ticketmill.domain.delivery import Delivery
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import SQS_MAX_BATCH
from ticketmill.domain.routing_state import CLOSED, ChangePage, RoutingState, Shard
from ticketmill.operations.routing import Router

LEASE = timedelta(seconds=60)
MAX_SENT_BYTES = 200_000
"""Of bodies in one request; SQS takes 262,144 with their envelopes."""

log = logging.getLogger(__name__)


class ChangeStream(Protocol):
    """Every change of the rows, for a day."""

    name: str

    def shards(self) -> list[Shard]: ...

    def read(self, shard_id: str, after: str | None) -> ChangePage: ...


class RoutingStates(Protocol):
    """How far the stream is routed, and who may route it."""

    def take(
        self, owner: str, stream: str, since: datetime, now: datetime, until: datetime
    ) -> RoutingState | None: ...

    def save(self, owner: str, state: RoutingState) -> bool: ...

    def release(self, owner: str) -> None: ...


@dataclass(frozen=True, slots=True)
class ChangeSender:
    """Sends what the rules make of changes to the routing queue."""

    router: Router
    send_many: Callable[[Sequence[str]], list[str | None]]

    def send(self, changes: Sequence[Change]) -> int:
        """The number of messages. TransientFailure where one was not sent: send all of them again."""
        bodies = [body_of(delivery) for change in changes for delivery in self.router.deliveries(change)]
        for batch in grouped(bodies, lambda body: len(body.encode()), MAX_SENT_BYTES, SQS_MAX_BATCH):
            reasons = [reason for reason in self.send_many(batch) if reason is not None]
            if reasons:
                raise TransientFailure(f"{len(reasons)} messages were not sent: {reasons[0]}")
        return len(bodies)


def body_of(delivery: Delivery) -> str:
    """The message of a delivery."""
    return delivery.model_dump_json(exclude_none=True)


@dataclass
class ChangeFeed:
    """Routes the stream, one process at a time: whoever has the lease."""

    stream: ChangeStream
    states: RoutingStates
    send: Callable[[Sequence[Change]], int]
    owner: str
    since: datetime | None = None
    """Route from then on where nothing was routed before; None is now."""
    lease: timedelta = LEASE
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _state: RoutingState | None = None
    _renew_at: datetime = field(default=datetime.min.replace(tzinfo=UTC))

    def poll(self) -> int | None:
        """Routes what is new; the number of records that were read. None where another process routes."""
        if not self._has_lease() or self._state is None:
            return None
        positions, read, is_worth_saving = dict(self._state.positions), 0, False
        shards = self.stream.shards()
        for shard in shards:
            position = positions.get(shard.shard_id)
            is_waiting = any(
                each.shard_id == shard.parent_id and positions.get(each.shard_id) != CLOSED for each in shards
            )
            if position == CLOSED or is_waiting:
                continue
            page = self.stream.read(shard.shard_id, position)
            self._route(page)
            read += page.records
            is_worth_saving |= bool(page.changes) or page.is_last
            reached = CLOSED if page.is_last else page.position
            if reached is not None:
                positions[shard.shard_id] = reached
        kept = {shard.shard_id for shard in shards}
        self._state = replace(
            self._state, positions={name: each for name, each in positions.items() if name in kept}
        )
        # the state is an item of the same table: saving it after its own record would never end
        if is_worth_saving and not self.states.save(self.owner, self._state):
            self._state = None
        return read

    def release(self) -> None:
        """Lets another process take over at once."""
        if self._state is not None:
            self.states.release(self.owner)
            self._state, self._renew_at = None, datetime.min.replace(tzinfo=UTC)

    def _route(self, page: ChangePage) -> None:
        assert self._state is not None  # noqa: S101 - poll has just taken it
        since = self._state.since
        self.send([each.change for each in page.changes if each.at >= since])

    def _has_lease(self) -> bool:
        """Takes the lease, or renews it when a third of it is over."""
        now = self.now()
        if self._state is not None and now < self._renew_at:
            return True
        begins = (self.since or now).replace(microsecond=0)  # as the stream tells times
        taken = self.states.take(self.owner, self.stream.name, begins, now, now + self.lease)
        if taken is None:
            self._state = None
            return False
        if self._state is None:
            self._state = taken
        self._renew_at = now + self.lease / 3
        return True
