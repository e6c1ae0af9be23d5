"""The encoder for training: texts that it has read before come from the cache, at the same precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from ticketmill.domain.feature_cache import Catalog
from ticketmill.encoder.encoder import Encoded
from ticketmill.learning.packed_features import PackedFeatures, Pooled, joined, key_of, pooled_of

ENCODED_AT_ONCE = 64

Advance = Callable[[int], object]
"""Told how many texts are done since the last call."""


class ReadsTexts(Protocol):
    """What training needs of an encoder."""

    def encode(self, texts: Sequence[str]) -> list[Encoded]: ...


def _unheard(_count: int) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class CachedFeatures:
    """Pooled layers of texts, each encoded once. What comes from the cache and what the encoder just gave are
    both in float16, so that a second training sees the same numbers as the first.

    `load_encoder` is called when the first text is not cached, and not before.
    """

    load_encoder: Callable[[], ReadsTexts]
    store: PackedFeatures

    @property
    def catalog(self) -> Catalog:
        """Entries, megabytes and hit rate."""
        return self.store.catalog

    def transform(self, texts: Sequence[str], advance: Advance = _unheard) -> Pooled:
        """The features of one text at least, in order. New ones are stored segment by segment: a run that is
        killed keeps what it had stored."""
        keys = [key_of(text) for text in texts]
        known, features = self.store.get_many(keys)
        parts = [] if features is None else [features]
        cached = set(known)
        advance(sum(key in cached for key in keys))
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in cached}
        for start in range(0, len(new), self.store.segment_texts):
            segment = dict(list(new.items())[start : start + self.store.segment_texts])
            part = self._encoded(list(segment.values()), advance)
            self.store.put_many(list(segment), part)
            parts.append(part)
            known += segment
        self.store.save()
        row_of = {key: row for row, key in enumerate(known)}
        return joined(parts).take(np.array([row_of[key] for key in keys], np.intp))

    @cached_property
    def _encoder(self) -> ReadsTexts:
        return self.load_encoder()

    def _encoded(self, texts: Sequence[str], advance: Advance) -> Pooled:
        parts = []
        for start in range(0, len(texts), ENCODED_AT_ONCE):
            chunk = texts[start : start + ENCODED_AT_ONCE]
            parts.append(pooled_of(self._encoder.encode(chunk)))
            advance(len(chunk))
        return joined(parts)
