"""The feed of changes: what is announced, to whom, and after a break."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient
from web_parts import WebWorld

from ticketmill.domain.keys import utc_text
from ticketmill.domain.label import CorrectionKind
from ticketmill.domain.labels import Status
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.feed import RESET, Feed
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.operations.corrections import Speaker, Word

LOW = {"urgency": Word(CorrectionKind.LABEL, ("low",))}


@dataclass
class Desk:
    """A feed over a world, and somebody who listens."""

    world: WebWorld = field(default_factory=WebWorld)
    window: int = 100

    def __post_init__(self) -> None:
        self.parts: WebParts = self.world.parts()
        self.feed = Feed(self.parts.queries, lambda: self.world.now, poll_every_s=0.001, window=self.window)

    async def listening(self, last: str | None = None) -> AsyncIterator[bytes]:
        """A listener that is being served: it has seen the beginning of its stream."""
        stream = self.feed.listen(last)
        began = "" if last is not None else f"id: {utc_text(self.world.now)}\n"
        assert await anext(stream) == f"{began}retry: 3000\n\n".encode()
        return stream

    async def polled(self) -> None:
        """Waits for a poll that has begun after now."""
        before = self.feed.polls
        while self.feed.polls < before + 2:
            await asyncio.sleep(0.001)


def event(sent: bytes) -> dict[str, Any]:
    head, _, data = sent.decode().strip().rpartition("\ndata: ")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    return {**fields, "data": json.loads(data)}


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(scenario(), 20)

    asyncio.run(limited())


def test_enriched_and_corrected_tickets_are_announced_to_all_by_one_poll() -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.world.put("T-0", 5)
        streams = [await desk.listening() for _ in range(3)]
        waiting = [asyncio.create_task(anext(each)) for each in streams]  # type: ignore[arg-type]
        await desk.polled()
        desk.world.put("T-1")
        enriched = [event(await each) for each in waiting]
        assert {(each["event"], each["data"]["ticket_id"]) for each in enriched} == {("enriched", "T-1")}
        desk.parts.corrections.correct("T-0", LOW, Speaker("ann"))
        corrected = [event(await anext(each)) for each in streams]
        assert {(each["event"], each["data"]["urgency"]) for each in corrected} == {("corrected", "low")}
        for each in streams:
            await each.aclose()  # type: ignore[attr-defined]

    run(scenario)


def test_nothing_is_polled_while_nobody_listens() -> None:
    async def scenario() -> None:
        desk = Desk()
        stream = await desk.listening()
        waiting = asyncio.create_task(anext(stream))  # type: ignore[arg-type]
        await desk.polled()
        desk.world.put("T-1")
        await waiting
        await stream.aclose()  # type: ignore[attr-defined]
        await asyncio.sleep(0.05)
        polls = desk.feed.polls
        await asyncio.sleep(0.05)
        assert desk.feed.polls == polls

    run(scenario)


def test_who_comes_back_gets_what_changed_meanwhile() -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.world.put("T-0", minutes_ago=60)
        desk.world.put("T-1", minutes_ago=10, status=Status.PARTIAL)
        desk.world.put("T-2", minutes_ago=5)
        last = (desk.world.now - timedelta(minutes=20)).isoformat()
        stream = await desk.listening(last)
        missed = [event(await anext(stream)) for _ in range(2)]
        assert [(each["event"], each["data"]["ticket_id"]) for each in missed] == [
            ("partial", "T-1"),
            ("enriched", "T-2"),
        ]
        assert missed[0]["id"] < missed[1]["id"]

    run(scenario)


@pytest.mark.parametrize("last", ["2026-11-21T09:00:00Z", "nonsense"])
def test_who_was_away_too_long_is_told_to_load_again(last: str) -> None:
    async def scenario() -> None:
        desk = Desk(window=3)
        for number in range(5):
            desk.world.put(f"T-{number}", minutes_ago=number)
        stream = await desk.listening(last)
        assert await anext(stream) == RESET

    run(scenario)


def test_a_correction_by_the_api_is_announced_at_once_however_old_the_ticket_is() -> None:
    async def scenario() -> None:
        desk = Desk(window=1)
        desk.world.put("T-0", minutes_ago=60)
        desk.world.put("T-1")
        stream = await desk.listening()
        waiting = asyncio.create_task(anext(stream))  # type: ignore[arg-type]
        await desk.polled()
        desk.feed.notice(desk.parts.corrections.correct("T-0", LOW, Speaker("ann")))
        assert event(await waiting)["data"]["ticket_id"] == "T-0"

    run(scenario)


def test_streams_end_when_the_server_stops() -> None:
    async def scenario() -> None:
        desk = Desk()
        stream = await desk.listening()
        waiting = asyncio.create_task(anext(stream, b"the end"))  # type: ignore[arg-type,call-overload]
        await desk.polled()
        desk.feed.close()
        assert await waiting == b"the end"

    run(scenario)


def test_a_stream_ends_after_its_time_and_who_comes_back_misses_nothing() -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.feed.max_stream_s = 0
        stream = await desk.listening()
        assert [sent async for sent in stream] == []
        desk.world.put("T-1", minutes_ago=-1)
        missed = [sent async for sent in await desk.listening(last=utc_text(desk.world.now))]
        assert [event(sent)["data"]["ticket_id"] for sent in missed] == ["T-1"]

    run(scenario)


class TestAdmin:
    def test_the_state_of_models_and_queues_is_told(self) -> None:
        world = WebWorld()
        world.put("T-1", fallbacks={"summary": "timeout"}, fingerprint="f1")
        world.put("T-2", intent_confidence=0.5, failed_stages=("topics",), status=Status.PARTIAL)
        world.put("T-3", minutes_ago=25 * 60)
        client = TestClient(make_app(world.parts()), base_url="http://127.0.0.1")
        metrics = client.get("/api/v1/admin/classification-metrics").json()
        assert metrics["queue"] == {"visible": 2, "in_flight": 1, "delayed": 0, "dead_letters": 3}
        assert metrics["tickets"] == {"enriched": 1, "partial": 1, "rejected": 0, "failed": 0}
        assert (metrics["sampled"], metrics["fallbacks"]) == (2, {"summary": 1})
        status = client.get("/api/v1/admin/ml-status").json()
        stages = {each["task"]: each for each in status["stages"]}
        assert stages["intent"]["mean_confidence"] == 0.7
        assert (stages["topics"]["failed"], stages["summary"]["fallbacks"]) == (1, {"timeout": 1})
        assert (status["loaded"], status["fingerprints"]) == (False, {"f1": 1})
