"""The feature cache: what was encoded once is not encoded again, and the cache stays within its bound."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest

from ticketmill.aws.learning_memory import MemoryLearningObjects
from ticketmill.domain.feature_cache import CATALOG, STATUS, read_status
from ticketmill.domain.keys import features_file
from ticketmill.encoder.encoder import Encoded
from ticketmill.learning.feature_cache import CachedFeatures
from ticketmill.learning.packed_features import SUFFIX, PackedFeatures, cached_encoders, key_of

ENCODER = "0123456789ab"
LAYERS, DIMENSIONS, BRANCH = 7, 384, 17
TEXTS = [f"text number {number}" for number in range(20)]


class CountingEncoder:
    """Gives each text numbers of its own, and notes what it was asked for."""

    def __init__(self, branch: bool = True) -> None:
        self.encoded: list[str] = []
        self._branch = branch

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        self.encoded += texts
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Encoded:
        random = np.random.default_rng(int(hashlib.sha256(text.encode()).hexdigest()[:8], 16))
        layers = random.standard_normal((LAYERS, DIMENSIONS)).astype(np.float32)
        return Encoded(
            embedding=layers[-1] / np.linalg.norm(layers[-1]),
            layers=layers,
            token_states=np.zeros((0, DIMENSIONS), np.float32),
            offsets=np.zeros((0, 2), np.int32),
            tokens=len(text.split()),
            truncated=False,
            windows=1,
            branch=random.standard_normal(BRANCH).astype(np.float32) if self._branch else None,
        )


class BrokenEncoder:
    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        raise AssertionError(f"{len(texts)} texts were to be encoded")


def cache(
    objects: MemoryLearningObjects, encoder: object, max_mb: float = 100.0, segment: int = 8
) -> CachedFeatures:
    return CachedFeatures(lambda: encoder, PackedFeatures(objects, ENCODER, max_mb, segment))  # type: ignore[arg-type, return-value]


def test_a_second_run_does_not_encode_and_gets_the_same_numbers() -> None:
    objects = MemoryLearningObjects()
    first = cache(objects, CountingEncoder()).transform(TEXTS)
    second = cache(objects, BrokenEncoder()).transform(TEXTS[::-1])
    for one, other in zip(first, second, strict=True):
        assert one is not None
        assert other is not None
        assert (one == other[::-1]).all()


def test_features_are_those_of_the_encoder_in_the_order_of_the_texts() -> None:
    encoder = CountingEncoder(branch=False)
    got = cache(MemoryLearningObjects(), encoder).transform(TEXTS)
    expected = [each for text in TEXTS for each in encoder.encode([text])]
    assert got.branch is None
    assert np.allclose(got.layers, np.stack([each.layers for each in expected]), atol=2e-3)
    assert np.allclose(got.embeddings, np.stack([each.embedding for each in expected]), atol=2e-3)
    assert got.tokens.tolist() == [3] * len(TEXTS)


def test_only_new_texts_are_encoded_and_equal_ones_once() -> None:
    objects = MemoryLearningObjects()
    cache(objects, CountingEncoder()).transform(TEXTS[:5])
    encoder = CountingEncoder()
    told: list[int] = []
    got = cache(objects, encoder).transform([TEXTS[1], "new", "new", TEXTS[2], "newer"], told.append)
    assert encoder.encoded == ["new", "newer"]
    assert (got.layers[1] == got.layers[2]).all()
    assert sum(told[:1]) == 2, "cached texts are done at once"


def test_the_encoder_is_loaded_only_when_a_text_is_new() -> None:
    objects = MemoryLearningObjects()
    cache(objects, CountingEncoder()).transform(TEXTS)

    def load() -> CountingEncoder:
        raise AssertionError("loaded")

    CachedFeatures(load, PackedFeatures(objects, ENCODER, 100.0)).transform(TEXTS)


def test_many_texts_are_few_objects_and_small_additions_are_joined() -> None:
    objects = MemoryLearningObjects()
    cache(objects, CountingEncoder()).transform(TEXTS)
    assert len(objects.objects) == 3 + 2, "20 texts in segments of 8, the catalog and its numbers"
    for number in range(8):
        cache(objects, CountingEncoder()).transform([f"one more, {number}"])
    assert len(objects.objects) == 4 + 2


def test_what_was_used_longest_ago_goes_first() -> None:
    objects = MemoryLearningObjects()
    cache(objects, CountingEncoder(), segment=4).transform(TEXTS[:4])
    cache(objects, CountingEncoder(), segment=4).transform(TEXTS[4:8])
    size = sum(len(body) for key, body in objects.objects.items() if key.endswith(SUFFIX)) / 1e6
    used = cache(objects, CountingEncoder(), size * 1.1, segment=4)
    used.transform(TEXTS[:4])
    used.transform(TEXTS[8:12])
    assert used.catalog.megabytes <= size * 1.1
    encoder = CountingEncoder()
    cache(objects, encoder, segment=4).transform(TEXTS[:12])
    assert encoder.encoded == TEXTS[4:8]


def test_hits_entries_and_megabytes_are_kept_over_runs() -> None:
    objects = MemoryLearningObjects()
    cache(objects, CountingEncoder()).transform(TEXTS[:10])
    again = cache(objects, CountingEncoder())
    again.transform(TEXTS)
    catalog = again.catalog
    assert (catalog.entries, catalog.hits, catalog.misses) == (20, 10, 20)
    status = read_status(objects.get(features_file(ENCODER, STATUS)))
    assert status == catalog.status
    assert status.hit_rate == pytest.approx(1 / 3)
    assert read_status(None).hit_rate is None
    sizes = [len(body) for key, body in objects.objects.items() if key.endswith(SUFFIX)]
    assert catalog.megabytes == pytest.approx(sum(sizes) / 1e6)


def test_segments_that_the_catalog_does_not_name_are_found_all_the_same() -> None:
    """Two trainings that write at once: one catalog replaces the other."""
    objects = MemoryLearningObjects()
    cache(objects, CountingEncoder()).transform(TEXTS[:8])
    other = dict(objects.objects)
    cache(objects, CountingEncoder()).transform(TEXTS[8:16])
    objects.objects |= other
    cache(objects, BrokenEncoder()).transform(TEXTS[:16])


def test_a_damaged_segment_is_encoded_again() -> None:
    objects = MemoryLearningObjects()
    cache(objects, CountingEncoder()).transform(TEXTS[:8])
    (key,) = [key for key in objects.objects if key.endswith(SUFFIX)]
    objects.objects[key] = objects.objects[key][:1000]
    encoder = CountingEncoder()
    cache(objects, encoder).transform(TEXTS[:8])
    assert encoder.encoded == TEXTS[:8]
    assert len(objects.objects[key]) > 1000


def test_a_removed_text_is_in_no_object() -> None:
    objects = MemoryLearningObjects()
    cache(objects, CountingEncoder()).transform(TEXTS)
    store = PackedFeatures(objects, ENCODER, 100.0, 8)
    assert store.remove([key_of(TEXTS[3]), key_of("never cached")]) == 1
    encoder = CountingEncoder()
    cache(objects, encoder).transform(TEXTS)
    assert encoder.encoded == [TEXTS[3]]
    assert key_of(TEXTS[3]).encode() in objects.objects[features_file(ENCODER, CATALOG)]


def test_each_encoder_has_features_of_its_own() -> None:
    objects = MemoryLearningObjects()
    cache(objects, CountingEncoder()).transform(TEXTS[:2])
    PackedFeatures(objects, "another", 100.0).save()
    assert cached_encoders(objects) == sorted([ENCODER, "another"])
