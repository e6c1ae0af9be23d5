"""Which objects a backfill chooses, and how it goes through them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from fakes import BUCKET, NOW, FakeRawTickets, ticket
from world import LATER, World

from ticketmill.domain.backfill import Selection
from ticketmill.domain.errors import RejectionCode, TransientFailure
from ticketmill.domain.labels import Status
from ticketmill.domain.message import ListedObject, Message
from ticketmill.domain.row import Failure, RawVersion, Rejection, TicketRow
from ticketmill.pipeline.backfill import (
    Backfill,
    Chosen,
    Page,
    Reason,
    Unknown,
    in_batches,
    limited,
    reason_for,
)
from ticketmill.pipeline.commands import MAX_WAITING, Commands
from ticketmill.pipeline.outcome import Result
from ticketmill.pipeline.redo import Redone, Report, enqueue, inline, work_through

KEY = "tickets/T1.json"
EVERYTHING = Selection(everything=True)
ANY_REASON = Selection(
    missing=True, outdated=True, statuses=frozenset({Status.PARTIAL, Status.REJECTED, Status.FAILED})
)
FOUND = ListedObject(KEY, "e1", NOW)


def version(key: str = KEY, etag: str = "e1", at: datetime = NOW) -> RawVersion:
    return RawVersion(bucket=BUCKET, key=key, version_id=None, etag=etag, last_modified=at)


def row(status: Status = Status.ENRICHED, fingerprint: str = "f1", **fields: Any) -> TicketRow:
    defaults: dict[str, Any] = {"raw": version(), "content_hash": "", "processed_at": NOW}
    return TicketRow(ticket_id="T1", status=status, fingerprint=fingerprint, **{**defaults, **fields})


def failure(key: str = KEY, at: datetime = LATER) -> Failure:
    return Failure(code="fault", message="", attempts=5, key=key, failed_at=at)


def rejection(key: str = KEY, raw: RawVersion | None = None) -> Rejection:
    return Rejection(
        code=RejectionCode.SCHEMA, message="", field=None, key=key, raw=raw or version(key), rejected_at=LATER
    )


class TestReasons:
    @pytest.mark.parametrize(
        ("standing", "reason"),
        [
            (None, Reason.MISSING),
            (row(), None),
            (row(fingerprint="f0"), Reason.OUTDATED),
            (row(Status.PARTIAL), Reason.PARTIAL),
            (row(Status.PARTIAL, fingerprint="f0"), Reason.PARTIAL),
            (row(Status.REJECTED, rejection=rejection()), Reason.REJECTED),
            (row(Status.FAILED, failure=failure()), Reason.FAILED),
            (row(failure=failure()), Reason.FAILED),
            (row(rejection=rejection()), Reason.REJECTED),
            # the row tells of an earlier upload of this key: nobody has looked at this one
            (row(raw=version(at=NOW - timedelta(seconds=1))), Reason.MISSING),
            (row(raw=version(etag="e0")), Reason.MISSING),
            (row(Status.FAILED, raw=version(at=NOW - timedelta(1)), failure=failure()), Reason.FAILED),
            (
                row(Status.PARTIAL, raw=version(at=NOW - timedelta(1)), rejection=rejection()),
                Reason.REJECTED,
            ),
            # what another key of the same ticket is made of is that key's matter
            (row(Status.PARTIAL, raw=version("tickets/b.json", at=LATER)), None),
            (row(fingerprint="f0", raw=version("tickets/b.json", at=LATER)), None),
            (row(raw=version("tickets/b.json", at=LATER), failure=failure("tickets/b.json")), None),
            (row(raw=version("tickets/b.json", at=NOW - timedelta(seconds=1))), Reason.MISSING),
        ],
    )
    def test_an_object_is_chosen_for_what_its_row_tells(
        self, standing: TicketRow | None, reason: Reason | None
    ) -> None:
        assert reason_for(ANY_REASON, FOUND, standing, "f1") == reason

    @pytest.mark.parametrize(
        ("selection", "chosen"),
        [
            (Selection(missing=True), {Reason.MISSING}),
            (Selection(outdated=True), {Reason.OUTDATED}),
            (Selection(statuses=frozenset({Status.PARTIAL})), {Reason.PARTIAL}),
            (Selection(statuses=frozenset({Status.REJECTED})), {Reason.REJECTED}),
            (Selection(statuses=frozenset({Status.FAILED})), {Reason.FAILED}),
        ],
    )
    def test_only_for_a_reason_that_was_selected(self, selection: Selection, chosen: set[Reason]) -> None:
        rows = [
            None,
            row(),
            row(fingerprint="f0"),
            row(Status.PARTIAL),
            row(Status.REJECTED, rejection=rejection()),
            row(Status.FAILED, failure=failure()),
        ]
        assert {reason_for(selection, FOUND, each, "f1") for each in rows} - {None} == chosen

    def test_a_record_of_an_earlier_upload_is_partial_all_the_same(self) -> None:
        standing = row(Status.PARTIAL, raw=version(at=NOW - timedelta(days=1)))
        partial = Selection(statuses=frozenset({Status.PARTIAL}))
        assert reason_for(partial, FOUND, standing, "f1") is Reason.PARTIAL

    def test_a_selection_without_any_reason_is_refused(self) -> None:
        with pytest.raises(ValueError, match="everything, missing"):
            Selection(prefix="tickets/a")


class WalkedRawTickets(FakeRawTickets):
    """The bucket, where it is walked."""

    def walk(self, prefix: str, after: str = "") -> Iterator[ListedObject]:
        for key in sorted(self.objects):
            if key.startswith(prefix) and key > after:
                yield self._listed(key)

    def look(self, key: str) -> ListedObject | None:
        return self._listed(key) if key in self.objects else None

    def _listed(self, key: str) -> ListedObject:
        found = self.objects[key]
        return ListedObject(key, found.etag, found.last_modified)


@pytest.fixture
def raw() -> WalkedRawTickets:
    return WalkedRawTickets()


@pytest.fixture
def world(raw: WalkedRawTickets) -> World:
    made = World()
    made.raw = raw
    object.__setattr__(made.pipeline, "raw_tickets", raw)
    return made


@pytest.fixture
def backfill(world: World, raw: WalkedRawTickets) -> Backfill:
    return Backfill(
        bucket_name=BUCKET,
        bucket=raw,
        rows=world.rows,
        executor=ThreadPoolExecutor(2),
        fingerprint="f1",
        max_ticket_bytes=10_000,
        clock=lambda: NOW + timedelta(hours=1),
    )


def chosen(backfill: Backfill, selection: Selection) -> list[str]:
    return [each.key for page in backfill.pages(selection) for each in page.chosen]


class TestPages:
    def test_a_ticket_is_known_by_its_id_whatever_its_key(
        self, world: World, raw: WalkedRawTickets, backfill: Backfill
    ) -> None:
        world.process(raw.drop("tickets/x/y.json", ticket("T1")))
        raw.drop("tickets/x/z.json", ticket("T2"))
        (page,) = backfill.pages(Selection(missing=True))
        assert page.looked_at == 2
        assert page.chosen == (Chosen("tickets/x/z.json", Reason.MISSING, "T2"),)

    def test_the_bucket_is_walked_in_pages_that_can_be_gone_on_after(
        self, raw: WalkedRawTickets, backfill: Backfill
    ) -> None:
        for number in range(250):
            raw.drop(f"tickets/T{number:03}.json", ticket(f"T{number:03}"))
        pages = list(backfill.pages(EVERYTHING))
        assert [page.looked_at for page in pages] == [100, 100, 50]
        after = Selection(everything=True, after=pages[1].last_key)
        assert [page.chosen for page in backfill.pages(after)] == [pages[2].chosen]
        assert backfill.count(after) == 50

    def test_age_and_prefix_narrow(self, raw: WalkedRawTickets, backfill: Backfill) -> None:
        for key, minutes in {"tickets/a/1": 5, "tickets/a/2": 50, "tickets/b/3": 50}.items():
            raw.drop(f"{key}.json", ticket("T1"), at=NOW + timedelta(minutes=minutes))
        assert chosen(backfill, Selection(everything=True, max_age_s=600)) == [
            "tickets/a/2.json",
            "tickets/b/3.json",
        ]
        assert chosen(backfill, Selection(missing=True, min_age_s=3000)) == ["tickets/a/1.json"]
        assert chosen(backfill, Selection(missing=True, prefix="tickets/b")) == ["tickets/b/3.json"]

    def test_an_upload_from_a_clock_ahead_is_new_not_lost(
        self, raw: WalkedRawTickets, backfill: Backfill
    ) -> None:
        raw.drop(KEY, ticket("T1"), at=NOW + timedelta(hours=2))
        assert chosen(backfill, Selection(everything=True, max_age_s=1)) == [KEY]
        assert chosen(backfill, Selection(everything=True, min_age_s=1)) == []

    def test_one_that_cannot_be_judged_is_named_and_harms_no_neighbour(
        self, raw: WalkedRawTickets, backfill: Backfill
    ) -> None:
        raw.drop(KEY, ticket("T1"))
        raw.drop("tickets/T2.json", ticket("T2"))
        fetch = raw.fetch

        def fail(upload: Any, max_bytes: int) -> Any:
            if upload.key == KEY:
                raise TransientFailure("fetching a ticket from S3: SlowDown")
            return fetch(upload, max_bytes)

        raw.fetch = fail  # type: ignore[method-assign]
        (page,) = backfill.pages(Selection(missing=True))
        assert [each.key for each in page.chosen] == ["tickets/T2.json"]
        assert [(each.name, each.reason) for each in page.unknown] == [
            (KEY, "fetching a ticket from S3: SlowDown")
        ]

    def test_named_tickets_are_where_their_rows_say(
        self, world: World, raw: WalkedRawTickets, backfill: Backfill
    ) -> None:
        world.process(raw.drop("tickets/x.json", ticket("T1")))
        raw.drop("tickets/T2.json", ticket("T2"))
        page, absent = backfill.named(EVERYTHING, ["T1", "T2", "T3"])
        assert [each.key for each in page.chosen] == ["tickets/x.json", "tickets/T2.json"]
        assert absent == ["T3"]

    @pytest.mark.parametrize(
        ("limit", "kept", "last_key"), [(1, 1, "b"), (2, 2, "c"), (3, 3, "e"), (9, 3, "f")]
    )
    def test_a_limit_ends_with_the_last_one_chosen(self, limit: int, kept: int, last_key: str) -> None:
        pages = [
            Page(3, "c", (Chosen("b", Reason.MISSING), Chosen("c", Reason.MISSING))),
            Page(3, "f", (Chosen("e", Reason.MISSING),)),
        ]
        cut = list(limited(pages, limit))
        assert sum(len(page.chosen) for page in cut) == kept
        assert cut[-1].last_key == last_key


class TestRedo:
    def test_a_partial_record_is_enriched_again_under_the_same_bundle(
        self, world: World, raw: WalkedRawTickets, backfill: Backfill
    ) -> None:
        world.process(raw.drop(KEY, ticket("T1")))
        enriched = world.row("T1")
        partial = enriched.model_copy(update={"status": Status.PARTIAL, "revision": 2})
        world.rows.rows["T1"] = partial
        (page,) = backfill.pages(Selection(statuses=frozenset({Status.PARTIAL})))
        redo = inline(lambda key: json.dumps([key]), world.pipeline.process_batch)
        assert redo(page.chosen) == [Redone("T1", Result.ENRICHED)]
        assert world.enricher.seen == ["T1", "T1"]
        assert world.row("T1").status is Status.ENRICHED
        assert redo(page.chosen) == [Redone("T1", Result.DUPLICATE)], "and what is whole is not"

    def test_what_fails_inline_is_told_and_the_rest_goes_on(
        self, world: World, raw: WalkedRawTickets, backfill: Backfill
    ) -> None:
        for ticket_id, body in {"T1": "fine", "T2": "poison", "T3": "fine"}.items():
            raw.drop(f"tickets/{ticket_id}.json", ticket(ticket_id, body))
        redo = inline(lambda key: json.dumps([key]), world.pipeline.process_batch)
        report = Report()
        for done in work_through(backfill.pages(EVERYTHING), redo, 2, 1, Event()):
            report.add(*done)
        assert report.results == {"enriched": 2, "failed": 1}
        assert [(each.name, each.reason) for each in report.failed] == [("T2", "fault")]
        assert report.after == "tickets/T3.json"

    def test_what_cannot_be_sent_is_told(self) -> None:
        redo = enqueue(
            lambda key: key, lambda bodies: [None if body != "b" else "refused" for body in bodies]
        )
        assert redo([Chosen("a", Reason.MISSING, "A"), Chosen("b", Reason.MISSING)]) == [
            Redone("A", "enqueued"),
            Redone("b", Result.FAILED, "refused"),
        ]

    def test_a_stop_finishes_what_is_begun_and_goes_on_behind_it(self) -> None:
        stopping = Event()
        pages = [Page(2, "a2", chosen_of("a1", "a2")), Page(9, "b9", chosen_of("b1", "b2", "b3", "b4"))]
        seen: list[str] = []

        def redo(batch: Any) -> list[Redone]:
            seen.extend(each.key for each in batch)
            if "b1" in seen:
                stopping.set()
            return [Redone(each.key, "enqueued") for each in batch]

        report = Report()
        for done in work_through(pages, redo, 1, 1, stopping):
            report.add(*done)
        assert seen[:3] == ["a1", "a2", "b1"]
        assert len(seen) <= 4, "one more had been taken already"
        assert (report.after, report.looked_at) == (seen[-1], len(seen))
        assert report.results == {"enqueued": len(seen)}

    def test_batches_of_a_page_are_the_page(self) -> None:
        whole = Page(9, "z", chosen_of("a", "b", "c", "d", "e"), (Unknown("y", "slow"),))
        batches = list(in_batches([whole, Page(3, "zz")], 2))
        assert [len(each.chosen) for each in batches] == [2, 2, 1, 0]
        assert [each.last_key for each in batches] == ["b", "d", "z", "zz"]
        assert sum(each.looked_at for each in batches) == 12
        assert sum((each.unknown for each in batches), ()) == whole.unknown


def chosen_of(*keys: str) -> tuple[Chosen, ...]:
    return tuple(Chosen(key, Reason.ASKED) for key in keys)


class Sent:
    """A queue that takes what is sent, but for bodies in `refused`."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.refused: set[str] = set()
        self.waiting = 0

    def send_many(self, bodies: Any) -> list[str | None]:
        self.bodies += [body for body in bodies if body not in self.refused]
        return ["refused" if body in self.refused else None for body in bodies]


@pytest.fixture
def queue() -> Sent:
    return Sent()


@pytest.fixture
def commands(backfill: Backfill, queue: Sent) -> Commands:
    return Commands(
        read=lambda body: Selection.model_validate_json(body) if body.startswith("{") else None,
        write=lambda selection: f"after {selection.after}",
        backfill=backfill,
        announce=lambda key: key,
        send_many=queue.send_many,
        waiting=lambda: queue.waiting,
    )


class TestCommands:
    def test_what_is_chosen_is_announced(
        self, world: World, raw: WalkedRawTickets, commands: Commands, queue: Sent
    ) -> None:
        world.process(raw.drop(KEY, ticket("T1")))
        raw.drop("tickets/T2.json", ticket("T2"))
        assert commands.obey('{"missing": true}') == "backfill"
        assert queue.bodies == ["tickets/T2.json"]
        assert commands.obey("[]") is None

    def test_a_long_bucket_is_gone_through_by_messages_of_its_own(
        self, raw: WalkedRawTickets, commands: Commands, queue: Sent
    ) -> None:
        for number in range(1001):
            raw.drop(f"tickets/T{number:04}.json", ticket("T"))
        commands.obey('{"everything": true}')
        assert len(queue.bodies) == 1001
        assert queue.bodies[-1] == "after tickets/T0999.json"
        commands.obey('{"everything": true, "after": "tickets/T0999.json"}')
        assert queue.bodies[1001:] == ["tickets/T1000.json"]

    def test_none_begins_while_much_waits_but_one_under_way_goes_on(
        self, raw: WalkedRawTickets, commands: Commands, queue: Sent
    ) -> None:
        raw.drop(KEY, ticket("T1"))
        queue.waiting = MAX_WAITING + 1
        commands.obey('{"missing": true}')
        assert queue.bodies == []
        commands.obey('{"missing": true, "after": "tickets/A.json"}')
        assert queue.bodies == [KEY]

    def test_one_that_cannot_be_announced_stops_nothing(
        self, raw: WalkedRawTickets, commands: Commands, queue: Sent, caplog: pytest.LogCaptureFixture
    ) -> None:
        for name in ("T1", "T2", "T3"):
            raw.drop(f"tickets/{name}.json", ticket(name))
        queue.refused = {"tickets/T2.json"}
        commands.obey('{"missing": true}')
        assert queue.bodies == ["tickets/T1.json", "tickets/T3.json"]
        assert "1 left out: refused" in caplog.text

    def test_where_it_cannot_be_gone_on_with_the_message_is_redelivered(
        self, raw: WalkedRawTickets, commands: Commands, queue: Sent
    ) -> None:
        for number in range(1000):
            raw.drop(f"tickets/T{number:04}.json", ticket("T"))
        queue.refused = {"after tickets/T0999.json"}
        with pytest.raises(TransientFailure, match="refused"):
            commands.obey('{"everything": true}')


class TestPipeline:
    """Messages that announce nothing."""

    def asked(self, world: World, obey: Any) -> tuple[Result, str | None]:
        class Obeying:
            def __init__(self) -> None:
                self.obey = obey

        object.__setattr__(world.pipeline, "commands", Obeying())
        (outcome,) = world.pipeline.process_batch([Message("m", "[]", "r", 1, datetime.now(UTC))])
        return outcome.result, outcome.reason

    def test_a_command_is_done_and_acknowledged(self, world: World) -> None:
        assert self.asked(world, lambda _: "backfill") == (Result.IGNORED, "backfill")
        assert self.asked(world, lambda _: None) == (Result.IGNORED, None)

    def test_one_that_fails_is_left_to_the_queue(self, world: World) -> None:
        def fail(error: Exception) -> Any:
            def obey(_body: str) -> str:
                raise error

            return obey

        assert self.asked(world, fail(TransientFailure("slow", "SlowDown"))) == (Result.FAILED, "SlowDown")
        assert self.asked(world, fail(KeyError("a bug"))) == (Result.FAILED, "fault")

    def test_tickets_of_its_batch_do_not_wait_for_it(self, world: World, raw: WalkedRawTickets) -> None:
        message = raw.drop(KEY, ticket("T1"))
        seen: list[bool] = []
        command = Message("m", "[]", "r", 1, datetime.now(UTC))

        class Looking:
            def obey(self, _body: str) -> str:
                seen.append("T1" in world.rows.rows)
                return "backfill"

        object.__setattr__(world.pipeline, "commands", Looking())
        assert len(world.pipeline.process_batch([command, message])) == 2
        assert seen == [True]
