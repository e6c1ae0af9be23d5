"""Objects and items of learning in memory: what `learning_objects` and `learning_items` have in AWS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class MemoryLearningObjects:
    """A bucket's learning prefix."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def get(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def put(self, key: str, body: bytes) -> None:
        self.objects[key] = body

    def keys(self, prefix: str) -> Iterator[str]:
        return (key for key in sorted(self.objects) if key.startswith(prefix))

    def delete(self, keys: Iterable[str]) -> None:
        for key in list(keys):
            self.objects.pop(key, None)


@dataclass
class MemoryLearningItems:
    """A learning table without its label journal."""

    items: dict[str, dict[str, str]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def get(self, partition: str, position: str) -> str | None:
        return self.items.get(partition, {}).get(position)

    def latest(self, partition: str, limit: int | None = None) -> list[str]:
        with self.lock:
            found = self.items.get(partition, {})
            return [found[position] for position in sorted(found, reverse=True)][:limit]

    def put(self, partition: str, position: str, body: str, replaces: str | None = None) -> bool:
        with self.lock:
            current = self.get(partition, position)
            if current != replaces:
                return current == body  # sent again because its answer was lost
            self.items.setdefault(partition, {})[position] = body
            return True

    def overwrite(self, partition: str, bodies: Mapping[str, str]) -> None:
        with self.lock:
            self.items.setdefault(partition, {}).update(bodies)

    def delete(self, partition: str, position: str) -> None:
        with self.lock:
            self.items.get(partition, {}).pop(position, None)
