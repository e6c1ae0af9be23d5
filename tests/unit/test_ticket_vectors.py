"""The reader of the search index, on a store in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from vector_store_contract import DIMENSIONS, NOON, entry, key

from ticketmill.aws.lance_index import LanceVectorStore
from ticketmill.domain.errors import TransientFailure
from ticketmill.indexed_ticket import IndexedTicket
from ticketmill.queries.ticket_vectors import TicketVectors


class Clock:
    """Moves when told."""

    def __init__(self) -> None:
        self.time_s = 0.0

    def __call__(self) -> float:
        return self.time_s


class CountedStore(LanceVectorStore):
    """Counts what it is asked for; a scan of all takes a second."""

    def __init__(self, location: str, clock: Clock) -> None:
        super().__init__(location)
        self.clock = clock
        self.versions = 0
        self.whole_scans = 0

    def version(self) -> str:
        self.versions += 1
        return super().version()

    def scan(self, since: datetime | None = None) -> Iterator[Sequence[IndexedTicket]]:
        if since is None:
            self.whole_scans += 1
            self.clock.time_s += 1
        return super().scan(since)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> CountedStore:
    return CountedStore(str(tmp_path / "index"), clock)


@pytest.fixture
def reader(store: CountedStore, clock: Clock) -> TicketVectors:
    return TicketVectors(store, clock)


def near(reader: TicketVectors, axis: int, **bounds: object) -> list[str]:
    hits = reader.nearest(np.eye(DIMENSIONS, dtype=np.float32)[axis], 10, **bounds)  # type: ignore[arg-type]
    return [hit.ticket_id for hit in hits]


def test_what_is_put_is_found_a_second_later(
    reader: TicketVectors, store: CountedStore, clock: Clock
) -> None:
    assert near(reader, 0) == []
    store.put([entry("TKT-001", 0)])
    clock.time_s += 0.5
    assert near(reader, 0) == []
    clock.time_s += 0.5
    assert near(reader, 0) == ["TKT-001"]
    store.put([entry("TKT-002", 0)])
    clock.time_s += 1
    assert sorted(near(reader, 0)) == ["TKT-001", "TKT-002"]
    assert store.whole_scans == 1  # of nothing, at first


def test_the_store_is_asked_for_its_version_once_a_second(
    reader: TicketVectors, store: CountedStore, clock: Clock
) -> None:
    store.put([entry("TKT-001")])
    for _ in range(5):
        reader.current()
    assert store.versions == 1
    clock.time_s += 1
    reader.current()
    assert (store.versions, store.whole_scans) == (2, 1)


def test_what_is_deleted_is_gone_after_a_pause(
    reader: TicketVectors, store: CountedStore, clock: Clock
) -> None:
    store.put([entry("TKT-001"), entry("TKT-002", 1), entry("TKT-003", 2)])
    reader.current()
    store.delete([key("TKT-001")])
    clock.time_s += 5  # reading all took one second: the next time is twenty later
    assert len(reader.current()) == 3
    clock.time_s += 20
    assert len(reader.current()) == 2
    assert reader.vector_of(key("TKT-001")) is None
    assert store.whole_scans == 2


def test_bounds_and_keys_narrow_what_is_found(reader: TicketVectors, store: CountedStore) -> None:
    later = NOON + timedelta(hours=1)
    store.put([entry("TKT-001"), entry("TKT-002", 1, later), entry("TKT-003", 2, later)])
    assert sorted(near(reader, 0, since=later)) == ["TKT-002", "TKT-003"]
    assert near(reader, 0, until=later) == ["TKT-001"]
    assert near(reader, 0, since=later, among=[key("TKT-001"), key("TKT-003"), "no-such-key"]) == ["TKT-003"]
    assert near(reader, 0, among=[]) == []


@pytest.mark.parametrize("exact_up_to", [100, 0])
def test_the_vector_of_an_entry_is_that_which_was_put(store: CountedStore, exact_up_to: int) -> None:
    store.put([entry("TKT-001", 5)])
    vector = TicketVectors(store, exact_up_to=exact_up_to).vector_of(key("TKT-001"))
    assert vector is not None
    assert np.allclose(vector, np.eye(DIMENSIONS)[5], atol=0.01)


def test_a_store_that_is_too_large_for_memory_is_asked_itself(store: CountedStore) -> None:
    later = NOON + timedelta(hours=1)
    store.put([entry(f"TKT-{axis}", axis, later if axis > 4 else NOON) for axis in range(DIMENSIONS)])
    reader = TicketVectors(store, held=3)
    asked = np.array([0.8, 0, 0, 0, 0, 0.6, 0, 0], np.float32)
    assert [hit.ticket_id for hit in reader.nearest(asked, 2)] == ["TKT-0", "TKT-5"]
    assert [hit.ticket_id for hit in reader.nearest(asked, 1, since=later)] == ["TKT-5"]
    assert [hit.ticket_id for hit in reader.nearest(asked, 9, later, None, [key("TKT-0"), key("TKT-6")])] == [
        "TKT-6"
    ]
    assert reader.cosines(asked, [key("TKT-5"), "none"]) == {key("TKT-5"): pytest.approx(0.6)}
    vector = reader.vector_of(key("TKT-7"))
    assert vector is not None
    assert vector.tolist() == np.eye(DIMENSIONS)[7].tolist()
    assert reader.vector_of("none") is None
    assert store.whole_scans == 0
    assert 3 <= len(reader.current()) <= DIMENSIONS


def test_a_store_that_fails_is_told_and_not_taken_for_empty(tmp_path: Path) -> None:
    (tmp_path / "index").write_bytes(b"")
    with pytest.raises(TransientFailure):
        TicketVectors(LanceVectorStore(str(tmp_path / "index"))).current()
