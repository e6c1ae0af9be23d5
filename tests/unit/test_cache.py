"""What is encoded again and what is not."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest

from ticketmill.encoder.cache import OVERHEAD_BYTES, CachedEncoder
from ticketmill.encoder.encoder import Encoded

TOKENS = 4
BYTES = OVERHEAD_BYTES + 4 * (2 + 2 + TOKENS * 2 + TOKENS * 2)


class CountingEncoder:
    """Encodes a text as its length, and remembers what it was asked."""

    most_tokens = 8

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        self.batches.append(list(texts))
        return [
            Encoded(
                embedding=np.full(2, len(text), np.float32),
                layers=np.zeros((1, 2), np.float32),
                token_states=np.zeros((100, 2), np.float32)[:TOKENS],
                offsets=np.zeros((TOKENS, 2), np.int32),
                tokens=TOKENS - 2,
                truncated=False,
                windows=1,
            )
            for text in texts
        ]

    @property
    def read(self) -> list[str]:
        return [text for batch in self.batches for text in batch]


def lengths(encoded: Sequence[Encoded]) -> list[float]:
    return [float(each.embedding[0]) for each in encoded]


@pytest.fixture
def inner() -> CountingEncoder:
    return CountingEncoder()


def test_a_text_that_comes_again_is_not_encoded_again(inner: CountingEncoder) -> None:
    cached = CachedEncoder(inner, 10 * BYTES)
    assert lengths(cached.encode(["a", "bb"])) == [1, 2]
    assert lengths(cached.encode(["bb", "ccc", "a"])) == [2, 3, 1]
    assert inner.batches == [["a", "bb"], ["ccc"]]
    assert (cached.hits, cached.misses) == (2, 3)


@pytest.mark.parametrize("max_bytes", [0, 10 * BYTES])
def test_duplicates_in_one_batch_are_encoded_once(max_bytes: int, inner: CountingEncoder) -> None:
    cached = CachedEncoder(inner, max_bytes)
    assert lengths(cached.encode(["a", "bb", "a", "a"])) == [1, 2, 1, 1]
    assert inner.read == ["a", "bb"]
    assert (cached.hits, cached.misses) == (2, 2)


def test_no_bytes_remember_nothing(inner: CountingEncoder) -> None:
    cached = CachedEncoder(inner, 0)
    cached.encode(["a"])
    cached.encode(["a"])
    assert inner.read == ["a", "a"]


def test_what_was_used_longest_ago_is_forgotten_first(inner: CountingEncoder) -> None:
    cached = CachedEncoder(inner, 2 * BYTES)
    for text in ("a", "bb", "a", "ccc", "a", "bb"):
        cached.encode([text])
    assert inner.read == ["a", "bb", "ccc", "bb"]


def test_a_text_larger_than_the_whole_cache_pushes_nothing_out(inner: CountingEncoder) -> None:
    cached = CachedEncoder(inner, BYTES - 1)
    cached.encode(["a"])
    cached.encode(["a"])
    assert inner.read == ["a", "a"]


def test_what_is_remembered_does_not_keep_its_micro_batch_alive(inner: CountingEncoder) -> None:
    cached = CachedEncoder(inner, 10 * BYTES)
    cached.encode(["a"])
    (again,) = cached.encode(["a"])
    assert again.token_states.base is None
    with pytest.raises(ValueError, match="read-only"):
        again.token_states[0] = 1


def test_a_lone_surrogate_is_a_text_like_any_other(inner: CountingEncoder) -> None:
    cached = CachedEncoder(inner, 10 * BYTES)
    cached.encode(["\ud83d", "\ufffd"])
    cached.encode(["\ud83d"])
    assert inner.read == ["\ud83d", "\ufffd"]


def test_a_batch_that_fails_is_neither_counted_nor_remembered(inner: CountingEncoder) -> None:
    cached = CachedEncoder(inner, 10 * BYTES)

    def fail(texts: Sequence[str]) -> list[Encoded]:
        raise RuntimeError

    works, inner.encode = inner.encode, fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        cached.encode(["a"])
    inner.encode = works  # type: ignore[method-assign]
    assert lengths(cached.encode(["a"])) == [1]
    assert (cached.hits, cached.misses) == (0, 1)


def test_threads_that_share_it_lose_no_count_and_stay_below_the_limit(inner: CountingEncoder) -> None:
    cached = CachedEncoder(inner, 3 * BYTES)
    texts = ["x" * length for length in range(1, 9)]

    def work() -> None:
        for _ in range(50):
            assert lengths(cached.encode(texts)) == list(range(1, 9))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cached.hits + cached.misses == 4 * 50 * len(texts)
    assert len(cached._held) <= 3
