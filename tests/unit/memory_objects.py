"""Objects of the learning prefix in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


class MemoryObjects:
    """As the bucket keeps them, and how often each was written."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.puts = 0
        self.gets = 0

    def get(self, key: str) -> bytes | None:
        self.gets += 1
        return self.held.get(key)

    def put(self, key: str, body: bytes) -> None:
        self.puts += 1
        self.held[key] = body

    def keys(self, prefix: str) -> Iterator[str]:
        return iter(sorted(key for key in self.held if key.startswith(prefix)))

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.held.pop(key, None)
