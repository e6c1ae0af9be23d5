"""Pooled layers of texts, packed into segments of some hundreds: ten thousand texts are twenty objects.

A segment is an .npz named by its content, and is never changed. `catalog.json` beside the segments says which
texts each one has and when it was last used. It can be made again from the segments: a segment that it does
not name, because two trainings wrote at once, is read and added.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Floats, npz_bytes
from ticketmill.domain.feature_cache import CATALOG, STATUS, Catalog, CatalogEntry, read_catalog
from ticketmill.domain.keys import FEATURES_PREFIX, features_file
from ticketmill.encoder.encoder import Encoded
from ticketmill.learning.ports import LearningObjects

SEGMENT_TEXTS = 512
SUFFIX = ".npz"
KEY_BYTES = 16

Halves = NDArray[np.float16]

log = logging.getLogger(__name__)


class Pooled(NamedTuple):
    """What the encoder says of n texts, as training reads it."""

    layers: Halves
    """(n, 7, 384): the mean over the tokens of the embeddings and of each layer"""
    branch: Halves | None
    """(n, labels): the scores of the branch; None where the encoder has none"""
    tokens: NDArray[np.int32]
    """(n,): the tokens that were encoded"""

    @property
    def embeddings(self) -> Floats:
        """(n, 384): the last layer, normalised to length 1; zeros for a text without tokens."""
        last = self.layers[:, -1].astype(np.float32)
        return np.asarray(last / np.maximum(np.linalg.norm(last, axis=1, keepdims=True), 1e-12))

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> Pooled:
        """Some of the texts."""
        return Pooled(
            self.layers[rows], None if self.branch is None else self.branch[rows], self.tokens[rows]
        )


class Segment(NamedTuple):
    """Texts by the hash of what is read of them, and their features."""

    keys: list[str]
    features: Pooled


def pooled_of(encoded: Sequence[Encoded]) -> Pooled:
    """What is kept of the encoder's outputs: one text at least."""
    branches = [each.branch for each in encoded if each.branch is not None]
    return Pooled(
        np.stack([each.layers for each in encoded]).astype(np.float16),
        np.stack(branches).astype(np.float16) if branches else None,
        np.array([each.tokens for each in encoded], np.int32),
    )


def joined(parts: Sequence[Pooled]) -> Pooled:
    """The texts of several, in order."""
    branches = [each.branch for each in parts if each.branch is not None]
    return Pooled(
        np.concatenate([each.layers for each in parts]),
        np.concatenate(branches) if branches else None,
        np.concatenate([each.tokens for each in parts]),
    )


def key_of(text: str) -> str:
    """The hash of a text as it is read, in hex. UTF-8 cannot encode lone surrogates."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[: 2 * KEY_BYTES]


@dataclass
class PackedFeatures:
    """The cached features of one encoder. At most `max_mb`: what was used longest ago goes first.

    `encoder` is the fingerprint of the encoder, see `Bundle.encoder_fingerprint`.
    """

    objects: LearningObjects
    encoder: str
    max_mb: float
    segment_texts: int = SEGMENT_TEXTS
    _catalog: Catalog | None = field(default=None, init=False, repr=False)

    @property
    def catalog(self) -> Catalog:
        """What is cached: as it was when it was first asked for, and what was done since."""
        if self._catalog is None:
            self._catalog = self._opened()
        return self._catalog

    def get_many(self, keys: Iterable[str]) -> tuple[list[str], Pooled | None]:
        """Those of `keys` that are cached, and their features in the same order; None without any."""
        wanted = set(keys)
        found: list[str] = []
        parts: list[Pooled] = []
        for name, entry in self.catalog.segments.items():
            rows = [row for row, key in enumerate(entry.keys) if key in wanted]
            held = self._read(name) if rows else None
            if held is not None:
                taken = [entry.keys[row] for row in rows]
                wanted.difference_update(taken)
                found += taken
                parts.append(held.features.take(rows))
                self._note(name, entry.model_copy(update={"used": self.catalog.turn}))
            elif rows:
                self._delete(name)
        self._catalog = self.catalog.changed(
            hits=self.catalog.hits + len(found), misses=self.catalog.misses + len(wanted)
        )
        return found, joined(parts) if parts else None

    def put_many(self, keys: Sequence[str], features: Pooled) -> None:
        """Stores the features of new texts. Fewer than a segment holds are joined to a segment with room."""
        for start in range(0, len(keys), self.segment_texts):
            rows = range(start, min(start + self.segment_texts, len(keys)))
            self._append(Segment([keys[row] for row in rows], features.take(rows)))
        while self.catalog.megabytes > self.max_mb:
            self._delete(min(self.catalog.segments, key=lambda name: self.catalog.segments[name].used))

    def save(self) -> None:
        """Writes the catalog. Without it the next reader finds the segments all the same, and reads each."""
        self.objects.put(self._file(CATALOG), self.catalog.model_dump_json().encode())
        self.objects.put(self._file(STATUS), self.catalog.status.model_dump_json().encode())

    def remove(self, keys: Iterable[str]) -> int:
        """Removes texts from their segments, with every stored version; how many there were."""
        unwanted = set(keys)
        removed = 0
        for name, entry in self.catalog.segments.items():
            rows = [row for row, key in enumerate(entry.keys) if key not in unwanted]
            if len(rows) == len(entry.keys):
                continue
            held = self._read(name) if rows else None
            if held is not None:
                self._write(Segment([entry.keys[row] for row in rows], held.features.take(rows)), entry.used)
            removed += len(entry.keys) - len(rows)
            self._delete(name)
        if removed:
            # older versions of the catalog have the hashes of the removed texts
            self.objects.delete([self._file(CATALOG)])
            self.save()
        return removed

    def _append(self, new: Segment) -> None:
        room = self.segment_texts - len(new.keys)
        fitting = (name for name, each in self.catalog.segments.items() if len(each.keys) <= room)
        into = next(fitting, None)
        held = None if into is None else self._read(into)
        if held is not None:
            new = Segment([*held.keys, *new.keys], joined([held.features, new.features]))
        self._write(new, self.catalog.turn)
        if into is not None:
            self._delete(into)

    def _write(self, segment: Segment, used: int) -> None:
        body = _packed(segment)
        name = hashlib.sha256(body).hexdigest()[: 2 * KEY_BYTES]
        self.objects.put(self._file(f"{name}{SUFFIX}"), body)
        self._note(name, CatalogEntry(keys=tuple(segment.keys), size_bytes=len(body), used=used))

    def _read(self, name: str) -> Segment | None:
        """A segment; None where it is gone or damaged: it is only a cache."""
        body = self.objects.get(self._file(f"{name}{SUFFIX}"))
        try:
            return None if body is None else _unpacked(body)
        except (ValueError, KeyError, BadZipFile, OSError) as error:
            log.warning("the segment %s of cached features is damaged, and is deleted: %s", name, error)
            return None

    def _note(self, name: str, entry: CatalogEntry) -> None:
        self._catalog = self.catalog.with_segment(name, entry)

    def _delete(self, name: str) -> None:
        self._catalog = self.catalog.without_segment(name)
        self.objects.delete([self._file(f"{name}{SUFFIX}")])

    def _file(self, name: str) -> str:
        return features_file(self.encoder, name)

    def _opened(self) -> Catalog:
        """The stored catalog, made to agree with the segments that are there."""
        catalog = read_catalog(self.objects.get(self._file(CATALOG)))
        prefix = features_file(self.encoder, "")
        keys = [key for key in self.objects.keys(prefix) if key.endswith(SUFFIX)]
        there = [key.removeprefix(prefix).removesuffix(SUFFIX) for key in keys]
        known = {name: catalog.segments[name] for name in there if name in catalog.segments}
        for name in there:
            held = None if name in known else self._read(name)
            if held is not None:
                size = len(_packed(held))
                known[name] = CatalogEntry(keys=tuple(held.keys), size_bytes=size, used=catalog.turn)
        return catalog.changed(segments=known, turn=catalog.turn + 1)


def cached_encoders(objects: LearningObjects) -> list[str]:
    """The fingerprints of the encoders that features are cached of."""
    return sorted(
        {key.removeprefix(FEATURES_PREFIX).partition("/")[0] for key in objects.keys(FEATURES_PREFIX)}
    )


def _packed(segment: Segment) -> bytes:
    keys, features = segment
    arrays: dict[str, NDArray[Any]] = {
        "keys": np.frombuffer(bytes.fromhex("".join(keys)), np.uint8).reshape(len(keys), KEY_BYTES),
        "layers": features.layers,
        "tokens": features.tokens,
    }
    if features.branch is not None:
        arrays["branch"] = features.branch
    return npz_bytes(arrays)


def _unpacked(body: bytes) -> Segment:
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        keys = [bytes(row).hex() for row in arrays["keys"]]
        branch = arrays["branch"] if "branch" in arrays.files else None
        return Segment(keys, Pooled(arrays["layers"], branch, arrays["tokens"]))
