"""The nearest of vectors in memory, as they are and compressed."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from ticketmill.arrays import Floats
from ticketmill.queries.compressed_vectors import CompressedVectors
from ticketmill.queries.key_table import KeyTable
from ticketmill.queries.vectors import Vectors

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC).timestamp()
DIMENSIONS = 100
"""No multiple of 64: the words of the signs are not full."""


def drawn(entries: int, seed: int = 1, dimensions: int = DIMENSIONS) -> Floats:
    vectors = np.random.default_rng(seed).standard_normal((entries, dimensions)).astype(np.float32)
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def filled(entries: int, exact_up_to: int, at_once: int = 1000) -> tuple[Vectors, Floats]:
    made, vectors = drawn(entries), Vectors(DIMENSIONS, exact_up_to)
    for start in range(0, entries, at_once):
        some = range(start, min(start + at_once, entries))
        vectors.add([f"key-{at}" for at in some], [NOON + at for at in some], made[some])
    return vectors, made


def recall(vectors: Vectors, made: Floats, questions: Floats, mask: np.ndarray | None = None) -> float:
    """Of the ten nearest, the share that is found, among those in the mask."""
    allowed = np.arange(len(made)) if mask is None else np.flatnonzero(mask)
    hits = 0
    for question in questions:
        exact = allowed[np.argsort(-(made[allowed] @ question))[:10]]
        hits += len(set(vectors.nearest(question, 10, mask)[0]) & set(exact))
    return hits / (min(10, len(allowed)) * len(questions))


@pytest.mark.parametrize("exact_up_to", [20_000, 0])
def test_the_nearest_come_first_with_their_cosines(exact_up_to: int) -> None:
    vectors, made = filled(9000, exact_up_to)
    found, cosines = vectors.nearest(made[4321], 7)
    assert found[0] == 4321
    assert len(found) == 7
    assert list(cosines) == sorted(cosines, reverse=True)
    assert np.abs(cosines - made[found] @ made[4321]).max() < 0.001


@pytest.mark.parametrize("share", [0.5, 0.1, 0.001])
@pytest.mark.parametrize("exact_up_to", [20_000, 0])
def test_only_those_in_the_mask_are_found(exact_up_to: int, share: float) -> None:
    vectors, made = filled(9000, exact_up_to)
    mask = np.random.default_rng(2).random(9000) < share
    found, _ = vectors.nearest(made[0], 10, mask)
    assert mask[found].all()
    assert len(found) == min(10, mask.sum())
    assert recall(vectors, made, drawn(20, seed=3), mask) >= 0.98


def test_what_is_kept_as_it_is_finds_all() -> None:
    vectors, made = filled(9000, exact_up_to=9000)
    assert isinstance(vectors.matrix, np.ndarray)
    assert recall(vectors, made, drawn(20, seed=3)) == 1


def test_what_is_compressed_finds_nearly_all() -> None:
    vectors, made = filled(60_000, exact_up_to=1000)
    assert isinstance(vectors.matrix, CompressedVectors)
    assert recall(vectors, made, drawn(20, seed=3)) >= 0.98


def test_more_entries_than_a_block_has_are_found_in_all_blocks() -> None:
    vectors, made = filled(70_000, exact_up_to=0, at_once=50_000)
    for at in (0, 65_535, 65_536, 69_999):
        assert vectors.nearest(made[at], 1)[0] == [at]


def test_rows_are_read_by_position_from_both() -> None:
    vectors, made = filled(70_000, exact_up_to=0)
    rows = vectors.matrix
    assert rows.shape == (70_000, DIMENSIONS)
    assert len(rows) == 70_000
    assert np.abs(rows[[3, 69_999, -2]] - made[[3, 69_999, -2]]).max() < 0.001
    assert np.abs(rows[5:9] - made[5:9]).max() < 0.001
    assert np.abs(rows[65_536] - made[65_536]).max() < 0.001
    mask = np.arange(70_000) % 40_000 == 7
    assert np.abs(rows[mask] - made[mask]).max() < 0.001


def test_adding_leaves_out_what_is_there_before_and_after_compression() -> None:
    vectors, made = Vectors(DIMENSIONS, exact_up_to=3), drawn(6)
    vectors.add(["a", "b", "a"], [1, 2, 3], made[:3])
    vectors.add(["b", "c", "d", "c"], [4, 5, 6, 7], made[2:6])
    vectors.add(["a", "d"], [8, 9], made[:2])
    assert list(vectors.keys) == ["a", "b", "c", "d"]
    assert vectors.times.tolist() == [1, 2, 5, 6]
    assert np.abs(vectors.matrix[:] - made[[0, 1, 3, 4]]).max() < 0.001


def test_a_search_in_what_was_read_before_more_came_finds_only_that() -> None:
    vectors, made = filled(50, exact_up_to=60)
    mask = vectors.between(None, None)
    vectors.add([f"later-{at}" for at in range(50)], [NOON] * 50, drawn(50, seed=9))
    found, _ = vectors.nearest(made[0], 100, mask)
    assert sorted(found) == list(range(50))


@pytest.mark.parametrize("exact_up_to", [10, 0])
def test_no_entries_are_no_hits(exact_up_to: int) -> None:
    vectors = Vectors(DIMENSIONS, exact_up_to)
    assert vectors.nearest(np.ones(DIMENSIONS, np.float32), 5)[0].tolist() == []
    vectors, made = filled(8, exact_up_to)
    assert vectors.nearest(made[0], 5, np.zeros(8, np.bool_))[0].tolist() == []
    assert len(vectors.nearest(np.zeros(DIMENSIONS, np.float32), 5)[0]) == 5


def test_times_bound_which_entries_count() -> None:
    vectors, _ = filled(10, exact_up_to=20)
    since, until = datetime.fromtimestamp(NOON + 3, UTC), datetime.fromtimestamp(NOON + 5, UTC)
    assert np.flatnonzero(vectors.between(since, until)).tolist() == [3, 4]
    assert vectors.between(None, None).all()


def test_a_key_and_its_position_belong_together_however_many_there_are() -> None:
    table = KeyTable()
    keys = [f"tickets/TKT-{at:05}/ü🎻.json" for at in range(30_000)]
    for start in range(0, 30_000, 700):
        table.extend(keys[start : start + 700])
    assert len(table) == 30_000
    assert [table.position(keys[at]) for at in (0, 699, 700, 29_999)] == [0, 699, 700, 29_999]
    assert [table[at] for at in (0, 15_000, -1)] == [keys[0], keys[15_000], keys[-1]]
    assert table[29_998:] == keys[29_998:]
    assert list(table) == keys
    assert table.position("tickets/TKT-404") is None
    assert "tickets/TKT-404" not in table
    assert table.unknown(["new", keys[5], "new", keys[29_999], "other"]) == [0, 4]
    with pytest.raises(IndexError):
        table[30_000]


@pytest.mark.parametrize("exact_up_to", [100_000, 0])
def test_the_mean_is_that_of_all(exact_up_to: int) -> None:
    vectors, made = filled(20_000, exact_up_to)
    assert np.abs(vectors.mean() - made.mean(axis=0)).max() < 1e-4
