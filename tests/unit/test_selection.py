"""Which objects of the bucket a backfill chooses, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from fakes import BUCKET, NOW, FakeRawTickets, ticket
from world import LATER, World

from ticketmill.domain.backfill import Selection
from ticketmill.domain.errors import RejectionCode, TransientFailure
from ticketmill.domain.labels import Status
from ticketmill.domain.message import ListedObject
from ticketmill.domain.row import Failure, RawVersion, Rejection, TicketRow
from ticketmill.operations.backfill import (
    Backfill,
    Chosen,
    Page,
    Reason,
    limited,
    reason_for,
)

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
        assert reason_for(ANY_REASON, FOUND, standing, lambda _: "f1") == reason

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
        assert {reason_for(selection, FOUND, each, lambda _: "f1") for each in rows} - {None} == chosen

    def test_a_record_of_an_earlier_upload_is_partial_all_the_same(self) -> None:
        standing = row(Status.PARTIAL, raw=version(at=NOW - timedelta(days=1)))
        partial = Selection(statuses=frozenset({Status.PARTIAL}))
        assert reason_for(partial, FOUND, standing, lambda _: "f1") is Reason.PARTIAL

    def test_a_selection_without_any_reason_is_refused(self) -> None:
        with pytest.raises(ValueError, match="everything, missing"):
            Selection(prefix="tickets/a")


def chosen(backfill: Backfill, selection: Selection) -> list[str]:
    return [each.key for page in backfill.pages(selection) for each in page.chosen]


class TestTimes:
    """A selection by age, which is fixed once."""

    def test_ages_become_times_that_later_calls_leave_alone(self) -> None:
        selection = Selection(missing=True, min_age_s=60, max_age_s=3600).at(NOW)
        assert selection.uploaded_since == NOW - timedelta(hours=1)
        assert selection.uploaded_until == NOW - timedelta(minutes=1)
        assert selection.at(NOW + timedelta(days=1)) == selection

    def test_both_ends_count_in_whole_seconds(self) -> None:
        """S3 gives an upload at 09:30:00.7 as of 09:30:00."""
        since = Selection(missing=True, uploaded_since=NOW + timedelta(seconds=0.5))
        assert since.covers(NOW)
        assert not since.covers(NOW - timedelta(seconds=1))
        until = Selection(missing=True, uploaded_until=NOW)
        assert until.covers(NOW)
        assert not until.covers(NOW + timedelta(seconds=1))

    def test_of_an_age_and_a_time_the_narrower_counts(self) -> None:
        selection = Selection(missing=True, max_age_s=3600, uploaded_since=NOW - timedelta(minutes=5))
        assert selection.at(NOW).uploaded_since == NOW - timedelta(minutes=5)

    def test_a_run_that_takes_hours_chooses_by_the_time_at_which_it_began(
        self, raw: FakeRawTickets, backfill: Backfill
    ) -> None:
        """The boundary once moved with the clock, page by page, past uploads that belonged to the run."""
        for number in range(250):
            raw.drop(f"tickets/T{number:03}.json", ticket(f"T{number:03}"), at=NOW)
        now = NOW + timedelta(seconds=600)
        clock = iter(now + timedelta(hours=hours) for hours in range(1000))
        slow = replace(backfill, clock=lambda: next(clock))
        pages = slow.pages(Selection(missing=True, max_age_s=600))
        assert sum(len(page.chosen) for page in pages) == 250


class TestRetries:
    """When the schedule enriches a partial record again."""

    def test_only_requests_that_ask_for_it_wait(self, world: World, backfill: Backfill) -> None:
        world.process(world.raw.drop(KEY, ticket("T1")))
        changes = {"status": Status.PARTIAL, "processed_at": NOW + timedelta(minutes=59)}
        world.rows.rows["T1"] = world.row("T1").model_copy(update=changes)
        partial = Selection(statuses=frozenset({Status.PARTIAL}))
        (asked,), (scheduled,) = backfill.pages(partial), backfill.pages(partial, only_due=True)
        assert [each.reason for each in asked.chosen] == [Reason.PARTIAL]
        assert scheduled.chosen == ()


class TestPages:
    def test_a_ticket_is_known_by_its_id_whatever_its_key(
        self, world: World, raw: FakeRawTickets, backfill: Backfill
    ) -> None:
        world.process(raw.drop("tickets/x/y.json", ticket("T1")))
        raw.drop("tickets/x/z.json", ticket("T2"))
        (page,) = backfill.pages(Selection(missing=True))
        assert page.looked_at == 2
        assert page.chosen == (Chosen("tickets/x/z.json", Reason.MISSING, "T2"),)

    def test_the_bucket_is_walked_in_pages_that_can_be_gone_on_after(
        self, raw: FakeRawTickets, backfill: Backfill
    ) -> None:
        for number in range(250):
            raw.drop(f"tickets/T{number:03}.json", ticket(f"T{number:03}"))
        pages = list(backfill.pages(EVERYTHING))
        assert [page.looked_at for page in pages] == [100, 100, 50]
        after = Selection(everything=True, after=pages[1].last_key)
        assert [page.chosen for page in backfill.pages(after)] == [pages[2].chosen]
        assert backfill.count(after) == 50

    def test_age_and_prefix_narrow(self, raw: FakeRawTickets, backfill: Backfill) -> None:
        for key, minutes in {"tickets/a/1": 5, "tickets/a/2": 50, "tickets/b/3": 50}.items():
            raw.drop(f"{key}.json", ticket("T1"), at=NOW + timedelta(minutes=minutes))
        assert chosen(backfill, Selection(everything=True, max_age_s=600)) == [
            "tickets/a/2.json",
            "tickets/b/3.json",
        ]
        assert chosen(backfill, Selection(missing=True, min_age_s=3000)) == ["tickets/a/1.json"]
        assert chosen(backfill, Selection(missing=True, prefix="tickets/b")) == ["tickets/b/3.json"]

    def test_an_upload_from_a_clock_ahead_is_new_not_lost(
        self, raw: FakeRawTickets, backfill: Backfill
    ) -> None:
        raw.drop(KEY, ticket("T1"), at=NOW + timedelta(hours=2))
        assert chosen(backfill, Selection(everything=True, max_age_s=1)) == [KEY]
        assert chosen(backfill, Selection(everything=True, min_age_s=1)) == []

    def test_one_that_cannot_be_judged_is_named_and_harms_no_neighbour(
        self, raw: FakeRawTickets, backfill: Backfill
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
        self, world: World, raw: FakeRawTickets, backfill: Backfill
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
