from __future__ import annotations

import random
from itertools import pairwise

import pytest

from ticketmill.encoder.encoder import micro_batches


def padded(group: list[int], lengths: list[int]) -> int:
    return len(group) * max(lengths[index] for index in group)


def some_lengths(seed: int) -> list[int]:
    rng = random.Random(seed)
    return [rng.randint(3, 256) for _ in range(rng.randint(1, 200))]


@pytest.mark.parametrize("seed", range(20))
def test_every_text_is_in_exactly_one_batch(seed: int) -> None:
    lengths = some_lengths(seed)
    groups = micro_batches(lengths, 2048)
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))


@pytest.mark.parametrize("seed", range(20))
def test_no_batch_holds_more_padded_tokens_than_the_budget(seed: int) -> None:
    lengths = some_lengths(seed)
    assert all(padded(group, lengths) <= 2048 for group in micro_batches(lengths, 2048))


@pytest.mark.parametrize("seed", range(20))
def test_a_batch_is_closed_only_when_the_next_text_does_not_fit(seed: int) -> None:
    lengths = some_lengths(seed)
    groups = micro_batches(lengths, 2048)
    for group, following in pairwise(groups):
        assert padded([*group, following[0]], lengths) > 2048


def test_the_longest_come_first_and_equals_keep_their_order() -> None:
    assert micro_batches([5, 9, 5, 7], 10) == [[1], [3], [0, 2]]


def test_a_text_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    assert micro_batches([100, 3, 3], 10) == [[0], [1, 2]]


def test_no_texts_make_no_batches() -> None:
    assert micro_batches([], 10) == []
