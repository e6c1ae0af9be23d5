"""What every store of the search index keeps to: each adapter runs these tests alike."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ticketmill.domain.keys import enriched_key
from ticketmill.indexed_ticket import IndexedTicket
from ticketmill.queries.index_ports import VectorStore
from ticketmill.queries.ticket_vectors import TicketVectors

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DIMENSIONS = 8

Connect = Callable[[], VectorStore]
"""Another connection to the store of the test."""


def entry(
    ticket_id: str = "TKT-001",
    axis: int = 0,
    received_at: datetime = NOON,
    text: str = "",
    attempt: str = "a1",
) -> IndexedTicket:
    """An entry whose vector is one axis."""
    vector = np.eye(DIMENSIONS, dtype=np.float32)[axis]
    return IndexedTicket(enriched_key(ticket_id, "ab12", "f1", attempt), received_at, vector, text)


def key(ticket_id: str, attempt: str = "a1") -> str:
    return entry(ticket_id, attempt=attempt).enriched_key


def keys_in(store: VectorStore, since: datetime | None = None) -> list[str]:
    return sorted(each.enriched_key for entries in store.scan(since) for each in entries)


def near(store: VectorStore, axis: int, most: int = 10, **bounds: datetime) -> list[str]:
    found = store.nearest(np.eye(DIMENSIONS, dtype=np.float32)[axis], most, **bounds)
    return [hit.ticket_id for hit in found]


class VectorStoreContract:
    """Subclasses have a fixture `connect` with a store of the test's own."""

    def test_a_store_that_nobody_wrote_to_is_empty(self, connect: Connect) -> None:
        store = connect()
        assert (store.count(), store.version(), list(store.scan())) == (0, "", [])
        assert (store.keys_of("TKT-001"), store.texts([key("TKT-001")])) == ([], {})
        assert store.nearest(np.ones(DIMENSIONS, np.float32), 5) == []
        assert not store.search_text("invoice", 5)
        store.delete([key("TKT-001")])
        store.compact()

    def test_what_was_put_is_scanned(self, connect: Connect) -> None:
        connect().put(
            [entry("TKT-001", 1, text="Printer\nIt burns"), entry("TKT-002", 2, NOON + timedelta(hours=1))]
        )
        found = sorted(
            (each for some in connect().scan() for each in some), key=lambda each: each.enriched_key
        )
        assert [each.ticket_id for each in found] == ["TKT-001", "TKT-002"]
        assert [each.received_at for each in found] == [NOON, NOON + timedelta(hours=1)]
        assert np.array_equal(
            np.array([each.vector for each in found]), np.eye(DIMENSIONS, dtype=np.float32)[[1, 2]]
        )
        assert [each.text for each in found] == ["", ""]

    def test_an_entry_put_again_is_there_once(self, connect: Connect) -> None:
        store = connect()
        store.put([entry("TKT-001"), entry("TKT-001"), entry("TKT-002", 1)])
        store.put([entry("TKT-002", 1), entry("TKT-003", 2), entry("TKT-003", 2)])
        assert keys_in(store) == [key("TKT-001"), key("TKT-002"), key("TKT-003")]
        assert store.count() == 3

    def test_nothing_put_is_nothing_done(self, connect: Connect) -> None:
        store = connect()
        store.put([])
        store.delete([])
        assert store.texts([]) == {}
        assert store.version() == ""

    def test_deleted_entries_are_gone_and_the_others_stay(self, connect: Connect) -> None:
        store = connect()
        store.put([entry("TKT-001"), entry("TKT-002", 1), entry("TKT-003", 2)])
        store.delete([key("TKT-001"), key("TKT-003"), key("TKT-404")])
        assert keys_in(connect()) == [key("TKT-002")]
        assert store.count() == 1

    def test_a_deleted_entry_can_be_put_again(self, connect: Connect) -> None:
        store = connect()
        store.put([entry("TKT-001")])
        store.delete([key("TKT-001")])
        store.put([entry("TKT-001")])
        assert keys_in(store) == [key("TKT-001")]

    def test_more_entries_than_one_request_takes(self, connect: Connect) -> None:
        store = connect()
        made = [entry(f"TKT-{number:04}", number % DIMENSIONS, text=str(number)) for number in range(1203)]
        store.put(made)
        assert store.count() == 1203
        assert len(store.texts(each.enriched_key for each in made)) == 1203
        store.delete([each.enriched_key for each in made[3:]])
        assert keys_in(store) == [key("TKT-0000"), key("TKT-0001"), key("TKT-0002")]

    def test_the_keys_of_a_ticket_are_all_its_entries_and_no_others(self, connect: Connect) -> None:
        store = connect()
        store.put(
            [
                entry("TKT-1"),
                entry("TKT-1", 1, attempt="a2"),
                entry("TKT-10", 2),
                entry("TKT_1", 3),
                entry("KT-1"),
            ]
        )
        assert sorted(store.keys_of("TKT-1")) == [key("TKT-1"), key("TKT-1", "a2")]
        assert store.keys_of("TKT-404") == []

    @pytest.mark.parametrize(
        "ticket_id", ["it's", "a'; --", 'q"x', "100%_\\", "esc:=E2=82=AC", "Grüße 🎻", "a:b@c+d=e"]
    )
    def test_odd_keys_are_kept(self, connect: Connect, ticket_id: str) -> None:
        store = connect()
        store.put([entry(ticket_id, text='it\'s "so" 🎻'), entry("TKT-002", 1)])
        assert store.keys_of(ticket_id) == [key(ticket_id)]
        assert store.texts([key(ticket_id)]) == {key(ticket_id): 'it\'s "so" 🎻'}
        store.delete([key(ticket_id)])
        assert keys_in(store) == [key("TKT-002")]

    def test_texts_are_found_by_their_keys(self, connect: Connect) -> None:
        store = connect()
        store.put([entry("TKT-001", text="Printer\nIt burns"), entry("TKT-002", 1, text="")])
        assert store.texts(iter([key("TKT-001"), key("TKT-002"), key("TKT-404")])) == {
            key("TKT-001"): "Printer\nIt burns",
            key("TKT-002"): "",
        }

    def test_entries_are_found_by_their_keys(self, connect: Connect) -> None:
        store = connect()
        assert store.entries([key("TKT-001")]) == []
        store.put([entry("TKT-001", 1), entry("TKT-002", 2, text="Printer")])
        (found,) = store.entries(iter([key("TKT-002"), key("TKT-404")]))
        assert (found.enriched_key, found.received_at, found.text) == (key("TKT-002"), NOON, "")
        assert found.vector.tolist() == np.eye(DIMENSIONS)[2].tolist()

    def test_a_scan_from_a_time_on_has_all_that_was_put_since(self, connect: Connect) -> None:
        store = connect()
        store.put([entry("TKT-001")])
        between = datetime.now(UTC)
        store.put([entry("TKT-002", 1, received_at=NOON - timedelta(days=9))])
        assert keys_in(store, between) == [key("TKT-002")]
        assert keys_in(store, between - timedelta(minutes=1)) == [key("TKT-001"), key("TKT-002")]
        assert keys_in(store, datetime.now(UTC)) == []

    def test_keys_and_times_can_be_had_without_the_vectors(self, connect: Connect) -> None:
        store = connect()
        store.put([entry("TKT-001")])
        between = datetime.now(UTC)
        store.put([entry("TKT-002", 1, NOON + timedelta(hours=1))])
        later = (key("TKT-002"), NOON + timedelta(hours=1))
        assert sorted(each for some in store.keys(None) for each in some) == [(key("TKT-001"), NOON), later]
        assert [each for some in store.keys(between) for each in some] == [later]

    def test_every_change_changes_the_version_for_all(self, connect: Connect) -> None:
        writer, reader = connect(), connect()
        seen = [reader.version()]
        writer.put([entry("TKT-001")])
        seen.append(reader.version())
        writer.put([entry("TKT-002", 1)])
        seen.append(reader.version())
        writer.delete([key("TKT-001")])
        seen.append(reader.version())
        assert len(set(seen)) == 4
        assert reader.version() == seen[-1]

    def test_two_writers_at_once_lose_nothing_and_double_nothing(self, connect: Connect) -> None:
        """They make the store together, too, and half of what they put is the same."""

        def write(writer: int) -> None:
            store = connect()
            for turn in range(6):
                store.put([entry(f"W{writer}-{turn}", writer), entry(f"BOTH-{turn}", 3)])

        with ThreadPoolExecutor(3) as threads:
            list(threads.map(write, range(3)))
        expected = {key(f"W{writer}-{turn}") for writer in range(3) for turn in range(6)}
        assert keys_in(connect()) == sorted(expected | {key(f"BOTH-{turn}") for turn in range(6)})

    def test_readers_and_writers_do_not_mind_who_compacts(self, connect: Connect) -> None:
        connect().put([entry("TKT-0", text="the printer burns")])
        reader = TicketVectors(connect(), clock=iter(range(1000)).__next__)
        with ThreadPoolExecutor(2) as threads:
            for number in range(1, 7):
                compacting = threads.submit(connect().compact)
                writing = threads.submit(connect().put, [entry(f"TKT-{number}", number)])
                assert reader.current().position(key("TKT-0")) is not None
                compacting.result()
                writing.result()
        assert len(reader.current()) == 7
        assert connect().count() == 7

    def test_the_nearest_come_first_and_within_the_bounds(self, connect: Connect) -> None:
        store = connect()
        later = NOON + timedelta(hours=1)
        half = IndexedTicket(
            key("HALF"), later, np.array([0.6, 0.8] + [0] * (DIMENSIONS - 2), np.float32), ""
        )
        store.put([entry("TKT-001", 0), half, entry("TKT-002", 2, later)])
        hits = store.nearest(np.eye(DIMENSIONS, dtype=np.float32)[0], 2)
        assert [hit.ticket_id for hit in hits] == ["TKT-001", "HALF"]
        assert [hit.score for hit in hits] == pytest.approx([1, 0.6], abs=1e-5)
        assert near(store, 0, most=1) == ["TKT-001"]
        assert near(store, 0, since=later) == ["HALF", "TKT-002"]
        assert near(store, 0, until=later) == ["TKT-001"]
        assert near(store, 0, since=NOON, until=NOON) == []
