"""Objects and items of learning in a folder of this machine, for `--store DIR`.

Objects lie under their keys. Items lie under `items/`, a file each. A file is written beside its place and
moved there, so that a process that is killed leaves the old file or the new one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

UNFINISHED = ".unfinished-"
"""Begins the names of files that are being written."""
_LOCK = ".lock"
_ITEM_SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class DirectoryLearningObjects:
    """The objects below a folder; their keys are paths."""

    folder: Path

    def get(self, key: str) -> bytes | None:
        """The object at `key`; None where there is none."""
        try:
            return _below(self.folder, key).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, key: str, body: bytes) -> None:
        """Stores an object."""
        _write(_below(self.folder, key), body)

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key under `prefix`, in order."""
        parent = _below(self.folder, prefix.rpartition("/")[0] or ".")
        found = (
            path.relative_to(self.folder).as_posix()
            for path in parent.rglob("*")
            if path.is_file() and not path.name.startswith(UNFINISHED)
        )
        return iter(sorted(key for key in found if key.startswith(prefix)))

    def delete(self, keys: Iterable[str]) -> None:
        """Deletes objects; those that are not there are no fault."""
        for key in keys:
            _below(self.folder, key).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class DirectoryLearningItems:
    """The items below a folder. Of all processes one at a time writes; a lock ends with its process."""

    folder: Path

    def get(self, partition: str, position: str) -> str | None:
        """The item; None where there is none."""
        return _read(self._path(partition, position))

    def latest(self, partition: str, limit: int | None = None) -> list[str]:
        """The items of a partition, the highest position first."""
        paths = sorted(_below(self.folder, partition).glob(f"[!.]*{_ITEM_SUFFIX}"), reverse=True)
        return [body for path in paths[:limit] if (body := _read(path)) is not None]

    def put(self, partition: str, position: str, body: str, replaces: str | None = None) -> bool:
        """Writes an item in the place of `replaces`; without that, where there is none.

        False, and nothing written, where another item is there; True where this very one is.
        """
        path = self._path(partition, position)
        with self._locked():
            current = _read(path)
            if current != replaces:
                return current == body
            _write(path, body.encode())
        return True

    def overwrite(self, partition: str, bodies: Mapping[str, str]) -> None:
        """Writes many items, whatever was there; not one by one onto the disk, which would take minutes."""
        folder = _below(self.folder, partition)
        unfinished = f"{folder}/{UNFINISHED}{uuid4().hex}"
        with self._locked():
            folder.mkdir(parents=True, exist_ok=True)
            for position, body in bodies.items():
                with open(unfinished, "wb") as file:  # noqa: PTH123 - a Path for each would take longer
                    file.write(body.encode())
                os.replace(unfinished, f"{folder}/{position}{_ITEM_SUFFIX}")  # noqa: PTH105

    def delete(self, partition: str, position: str) -> None:
        """Deletes an item; one that is not there is no fault."""
        with self._locked():
            self._path(partition, position).unlink(missing_ok=True)

    def _path(self, partition: str, position: str) -> Path:
        return _below(self.folder, f"{partition}/{position}{_ITEM_SUFFIX}")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _below(folder: Path, key: str) -> Path:
    """The path of a key. ValueError for one that leads out of the folder."""
    if key.startswith("/") or ".." in key.split("/"):
        raise ValueError(f"the key {key!r} leads out of the folder")
    return folder / key


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{UNFINISHED}{uuid4().hex}")
    try:
        with unfinished.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
