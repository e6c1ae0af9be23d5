"""What people ask of the tickets, on rows in memory."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ticketmill.domain.enrichment import TopicPrediction
from ticketmill.domain.errors import UNREADABLE_ROW, TransientFailure
from ticketmill.domain.facets import facet, facets_of
from ticketmill.domain.keys import index_position, utc_text
from ticketmill.domain.labels import Sentiment, Source, Status, Urgency
from ticketmill.domain.row import FoundRows, RawVersion, TicketRow
from ticketmill.queries.cursor import BadCursor, encode_cursor
from ticketmill.queries.filters import Filters
from ticketmill.queries.label_counts import LabelCounts
from ticketmill.queries.tickets import TicketQueries
from ticketmill.queries.trends import Step

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=30)


@dataclass
class FakeIndex:
    """Of rows as they once were: it may be behind."""

    entries: list[TicketRow] = field(default_factory=list)
    read: int = 0

    def search(
        self,
        labels: Mapping[str, Sequence[str]],
        since: datetime,
        older_than: str | None = None,
        expected: int = 50,
        most_entries: int | None = None,
    ) -> Generator[tuple[str, str | None], None, None]:
        del expected
        for looked_through, row in enumerate(self._newest_first()):
            position = index_position(row.received_at, row.ticket_id)
            if most_entries is not None and looked_through >= most_entries:
                yield position + "~", None
                return
            fits = all(
                any(facet(name, label) in facets_of(row) for label in wanted)
                for name, wanted in labels.items()
                if wanted
            )
            if position >= utc_text(since) and (older_than is None or position < older_than) and fits:
                self.read += 1
                yield position, row.ticket_id

    def facets(
        self, since: datetime, older_than: str | None = None, most_entries: int | None = None
    ) -> Generator[tuple[str, Iterable[str]], None, None]:
        del most_entries
        for row in self._newest_first():
            position = index_position(row.received_at, row.ticket_id)
            if row.received_at >= since and (older_than is None or position < older_than):
                self.read += 1
                yield position, facets_of(row)

    def count(self, statuses: Iterable[str], since: datetime) -> dict[str, int]:
        found = [row.status for row in self.entries if row.received_at >= since]
        return {status: found.count(Status(status)) for status in statuses}

    def _newest_first(self) -> list[TicketRow]:
        return sorted(self.entries, key=lambda row: (row.received_at, row.ticket_id), reverse=True)


@dataclass
class FakeRows:
    rows: dict[str, TicketRow] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)

    def get(self, ticket_id: str) -> TicketRow | None:
        return self.rows.get(ticket_id)

    def get_many(self, ticket_ids: Iterable[str]) -> FoundRows:
        failure = TransientFailure("a row in DynamoDB cannot be read: status", UNREADABLE_ROW)
        wanted = set(ticket_ids) & self.rows.keys()
        return FoundRows(
            {each: self.rows[each] for each in wanted - self.unreadable},
            dict.fromkeys(wanted & self.unreadable, failure),
        )


@dataclass
class Tickets:
    index: FakeIndex = field(default_factory=FakeIndex)
    rows: FakeRows = field(default_factory=FakeRows)

    @property
    def queries(self) -> TicketQueries:
        return TicketQueries(self.index, self.rows)

    def put(self, ticket_id: str, minutes: float = 0, **fields: Any) -> None:
        at = NOON + timedelta(minutes=minutes)
        raw = RawVersion(bucket="raw", key="k", version_id="v", etag="e", last_modified=at)
        defaults: dict[str, Any] = {"status": Status.ENRICHED, "urgency": Urgency.HIGH}
        row = TicketRow(
            ticket_id=ticket_id, raw=raw, content_hash="0f", processed_at=at, **{**defaults, **fields}
        )
        self.rows.rows[ticket_id] = row
        self.index.entries.append(row)

    def listed(self, filters: Filters | None = None, **how: Any) -> list[str]:
        page = self.queries.list(filters or Filters(), **{"since": LONG_AGO, **how})
        return [row.ticket_id for row in page.rows]


@pytest.fixture
def tickets() -> Tickets:
    return Tickets()


def test_one_ticket_is_got_by_its_id(tickets: Tickets) -> None:
    tickets.put("T1")
    found = tickets.queries.get("T1")
    assert found is not None
    assert found.ticket_id == "T1"
    assert tickets.queries.get("T2") is None


def test_tickets_are_listed_newest_first_within_a_time(tickets: Tickets) -> None:
    for number in range(5):
        tickets.put(f"T{number}", minutes=number)
    assert tickets.listed() == ["T4", "T3", "T2", "T1", "T0"]
    assert tickets.listed(since=NOON + timedelta(minutes=2)) == ["T4", "T3", "T2"]
    assert tickets.listed(until=NOON + timedelta(minutes=2)) == ["T1", "T0"]


def test_a_filter_that_is_given_twice_means_either_and_two_filters_mean_both(tickets: Tickets) -> None:
    tickets.put("T1", urgency=Urgency.HIGH, sentiment=Sentiment.NEGATIVE)
    tickets.put("T2", urgency=Urgency.CRITICAL)
    tickets.put("T3", urgency=Urgency.LOW, sentiment=Sentiment.NEGATIVE)
    either = {"urgency": ("high", "critical")}
    assert set(tickets.listed(Filters(either))) == {"T1", "T2"}
    assert tickets.listed(Filters({**either, "sentiment": ("negative",)})) == ["T1"]


def test_a_topic_that_stands_in_for_one_is_found_as_a_tag_alone(tickets: Tickets) -> None:
    topics = TopicPrediction(label="vip", confidence=0, source=Source.FALLBACK)
    tickets.put("T1", topics=(topics,), tags=("vip",))
    assert tickets.listed(Filters({"topics": ("vip",)})) == []
    assert tickets.listed(Filters({"tags": ("vip",)})) == ["T1"]


def test_confidence_is_asked_of_the_labels_that_are_asked_for(tickets: Tickets) -> None:
    tickets.put("T1", urgency_confidence=0.9, intent="bug_report", intent_confidence=0.2)
    tickets.put("T2", urgency_confidence=0.5)
    tickets.put("T3")
    assert tickets.listed(Filters({"urgency": ("high",)}, min_confidence=0.8)) == ["T1"]


def test_what_the_index_has_not_caught_up_with_is_judged_by_the_row(tickets: Tickets) -> None:
    tickets.put("T1")
    tickets.put("T2")
    tickets.rows.rows["T1"] = tickets.rows.rows["T1"].model_copy(update={"urgency": Urgency.LOW})
    del tickets.rows.rows["T2"]
    assert tickets.listed(Filters({"urgency": ("high",)})) == []


class TestCursor:
    def test_pages_hold_every_ticket_once_also_those_of_one_moment(self, tickets: Tickets) -> None:
        for number in range(25):
            tickets.put(f"T{number:02}", minutes=number // 10)
        seen: list[str] = []
        cursor: str | None = None
        for _ in range(4):
            page = tickets.queries.list(Filters(), LONG_AGO, cursor=cursor, limit=7)
            seen += [row.ticket_id for row in page.rows]
            cursor = page.cursor
        assert cursor is None
        assert seen == [row.ticket_id for row in tickets.index._newest_first()]

    def test_tickets_that_came_meanwhile_do_not_shift_the_pages(self, tickets: Tickets) -> None:
        for number in range(4):
            tickets.put(f"T{number}", minutes=number)
        first = tickets.queries.list(Filters(), LONG_AGO, limit=2)
        tickets.put("T9", minutes=9)
        second = tickets.queries.list(Filters(), LONG_AGO, cursor=first.cursor, limit=2)
        assert [row.ticket_id for row in (*first.rows, *second.rows)] == ["T3", "T2", "T1", "T0"]

    def test_a_list_that_is_not_cut_has_none(self, tickets: Tickets) -> None:
        tickets.put("T1")
        assert tickets.queries.list(Filters(), LONG_AGO, limit=1).cursor is None

    def test_one_of_other_filters_is_refused_with_a_sentence(self, tickets: Tickets) -> None:
        for number in range(3):
            tickets.put(f"T{number}")
        high = Filters({"urgency": ("high", "low")})
        cursor = tickets.queries.list(high, LONG_AGO, limit=1).cursor
        same = Filters({"urgency": ("low", "high"), "status": ()})
        assert tickets.queries.list(same, LONG_AGO, cursor=cursor).rows
        for other in (Filters(), Filters({"urgency": ("high",)}), Filters(high.labels, min_confidence=0.5)):
            with pytest.raises(BadCursor, match="give the same filters"):
                tickets.queries.list(other, LONG_AGO, cursor=cursor)

    @pytest.mark.parametrize("cursor", ["x", "ü", "e30", "bnVsbA", "W10", "{}", encode_cursor("p", "d")[:-2]])
    def test_what_is_none_is_refused_with_a_sentence(self, tickets: Tickets, cursor: str) -> None:
        with pytest.raises(BadCursor, match="leave --cursor out"):
            tickets.queries.list(Filters(), LONG_AGO, cursor=cursor)

    def test_it_needs_no_quotes_in_a_shell_or_an_address(self) -> None:
        cursor = encode_cursor(index_position(NOON, "a@b=c"), Filters().digest())
        assert cursor.replace("-", "_").isidentifier()


def test_a_short_list_reads_little_of_a_long_day(tickets: Tickets) -> None:
    for number in range(1000):
        tickets.put(f"T{number}", minutes=number / 1000)
    assert len(tickets.listed(limit=50)) == 50
    assert tickets.index.read < 60


def test_a_page_ends_early_where_enough_was_looked_through_and_its_cursor_goes_on(tickets: Tickets) -> None:
    for number in range(1000):
        tickets.put(f"T{number:03}", minutes=number / 1000, urgency=Urgency.LOW if number else Urgency.HIGH)
    high = Filters({"urgency": ("high",)})
    first = tickets.queries.list(high, LONG_AGO, most_entries=300)
    assert first.rows == ()
    assert first.cursor is not None
    rest = tickets.queries.list(high, LONG_AGO, cursor=first.cursor)
    assert ([row.ticket_id for row in rest.rows], rest.cursor) == (["T000"], None)


def test_trends_count_by_the_hour_or_the_day_of_the_upload(tickets: Tickets) -> None:
    for minutes in (0, 59, 60, 24 * 60):
        tickets.put(f"T{minutes}", minutes=minutes)
    by_hour = tickets.queries.trends(LONG_AGO, None, Step.HOUR)
    assert {start.isoformat(): counts.rows for start, counts in by_hour.buckets.items()} == {
        "2026-11-22T12:00:00+00:00": 1,
        "2026-11-21T13:00:00+00:00": 1,
        "2026-11-21T12:00:00+00:00": 2,
    }
    by_day = tickets.queries.trends(LONG_AGO, NOON + timedelta(days=1), Step.DAY)
    assert [counts.rows for counts in by_day.buckets.values()] == [3]
    assert (by_day.total.rows, by_day.total.counted_from) == (3, None)


def test_a_count_that_ends_early_says_from_when_it_holds(tickets: Tickets) -> None:
    for number in range(10):
        tickets.put(f"T{number}", minutes=number)
    counts = tickets.queries.counts(LONG_AGO, most_entries=4)
    assert (counts.rows, counts.counted_from) == (4, NOON + timedelta(minutes=6))
    assert tickets.queries.counts(LONG_AGO, most_entries=10).counted_from is None


def test_a_row_that_cannot_be_read_is_named_and_left_out(
    tickets: Tickets, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(9):
        tickets.put(f"T{number}", minutes=number)
    tickets.rows.unreadable = {"T5"}
    with caplog.at_level(logging.WARNING):
        assert tickets.listed() == ["T8", "T7", "T6", "T4", "T3", "T2", "T1", "T0"]
    assert [record.getMessage() for record in caplog.records] == [
        "ticket T5 is left out: a row in DynamoDB cannot be read: status"
    ]


def test_another_failure_ends_the_list() -> None:
    class Down(FakeRows):
        def get_many(self, _ticket_ids: Iterable[str]) -> FoundRows:
            raise TransientFailure("reading rows from DynamoDB: ThrottlingException")

    tickets = Tickets(rows=Down())
    tickets.put("T1")
    with pytest.raises(TransientFailure, match="Throttling"):
        tickets.listed()


def test_labels_are_counted_from_the_index_alone(tickets: Tickets) -> None:
    vip = TopicPrediction(label="vip", confidence=0, source=Source.FALLBACK)
    billing = TopicPrediction(label="billing", confidence=0.5, source=Source.HEAD)
    tickets.put("T1", urgency=Urgency.LOW, topics=(billing,), needs_review=True)
    tickets.put("T2", urgency=Urgency.CRITICAL, topics=(vip,))
    tickets.put("T3", urgency=Urgency.LOW)
    tickets.put("old", minutes=-100_000)
    tickets.rows.rows.clear()
    counts = tickets.queries.counts(NOON)
    assert (counts.rows, counts.needs_review) == (3, 1)
    told = counts.as_dict()
    assert list(told["urgency"].items()) == [("critical", 1), ("low", 2)]
    assert (told["topics"], told["topics_fallback"]) == ({"billing": 1}, {"vip": 1})


def test_labels_without_an_order_of_their_own_stand_by_frequency_then_by_name() -> None:
    counts = LabelCounts()
    counts.add_facets([["intent=b"], ["intent=c"], ["intent=a"], ["intent=c"]])
    assert list(counts.as_dict()["intent"]) == ["c", "a", "b"]


def test_statuses_are_counted(tickets: Tickets) -> None:
    tickets.put("T1")
    tickets.put("T2", status=Status.REJECTED)
    counts = tickets.queries.count_statuses(LONG_AGO)
    assert counts == {"enriched": 1, "partial": 0, "rejected": 1, "failed": 0}


def test_the_labels_that_tickets_have_are_known(tickets: Tickets) -> None:
    tickets.put("T1", intent="bug_report")
    tickets.put("T2", intent="own_label")
    assert tickets.queries.known_labels("intent", LONG_AGO) == {"bug_report", "own_label"}
