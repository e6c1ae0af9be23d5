"""A cache of the encoder's outputs, for texts that come again."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from ticketmill.encoder.encoder import Encoded

# What a cached text takes beside its arrays.
OVERHEAD_BYTES = 1024


class TextEncoder(Protocol):
    """What turns texts into vectors: see `Encoder`."""

    @property
    def most_tokens(self) -> int: ...
    def encode(self, texts: Sequence[str]) -> list[Encoded]: ...


class CachedEncoder:
    """An encoder that encodes equal texts once: within a batch, and while their outputs are cached.

    It keeps the most recently used texts, up to `max_bytes` of vectors; a token takes 1.5 kB. Its arrays are
    shared and read-only. Thread-safe.
    """

    def __init__(self, encoder: TextEncoder, max_bytes: int) -> None:
        self.hits = 0
        """Texts that were in the cache, or twice in one batch."""
        self.misses = 0
        self._encoder = encoder
        self._max_bytes = max_bytes
        self._held_bytes = 0
        self._held: OrderedDict[bytes, Encoded] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def most_tokens(self) -> int:
        """As the encoder's."""
        return self._encoder.most_tokens

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """One Encoded for each text, in the order given: see `Encoder.encode`."""
        keys = [_key(text) for text in texts]
        known: dict[bytes, Encoded] = {}
        with self._lock:
            for key in keys:
                if key in self._held:
                    self._held.move_to_end(key)
                    known[key] = self._held[key]
        unknown = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        fresh = dict(zip(unknown, self._encoder.encode(list(unknown.values())), strict=True))
        with self._lock:
            self.hits += len(texts) - len(unknown)
            self.misses += len(unknown)
            for key, encoded in fresh.items():
                self._keep(key, encoded)
        return [known[key] if key in known else fresh[key] for key in keys]

    def _keep(self, key: bytes, encoded: Encoded) -> None:
        size = _size(encoded)
        if size > self._max_bytes or key in self._held:
            return
        self._held[key] = _owned(encoded)
        self._held_bytes += size
        while self._held_bytes > self._max_bytes:
            _, oldest = self._held.popitem(last=False)
            self._held_bytes -= _size(oldest)


def _key(text: str) -> bytes:
    # a hash, because a text may have a megabyte; UTF-8 cannot encode lone surrogates
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _size(encoded: Encoded) -> int:
    return OVERHEAD_BYTES + sum(int(getattr(encoded, name).nbytes) for name in _array_names(encoded))


def _owned(encoded: Encoded) -> Encoded:
    """A copy with its own arrays: a view would keep the complete micro-batch in memory."""
    copies = {}
    for name in _array_names(encoded):
        array = getattr(encoded, name)
        copies[name] = array if array.base is None else array.copy()
    for array in copies.values():
        array.flags.writeable = False
    return replace(encoded, **copies)


def _array_names(encoded: Encoded) -> tuple[str, ...]:
    names = ("embedding", "layers", "token_states", "offsets")
    return names if encoded.branch is None else (*names, "branch")
