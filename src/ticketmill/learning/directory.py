"""Objects of learning in a folder of this machine, for `--store DIR`.

They lie under their keys. A file is written beside its place and moved there, so that a process that is
killed leaves the old file or the new one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

UNFINISHED = ".unfinished-"
"""Begins the names of files that are being written."""


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


def _below(folder: Path, key: str) -> Path:
    """The path of a key. ValueError for one that leads out of the folder."""
    if key.startswith("/") or ".." in key.split("/"):
        raise ValueError(f"the key {key!r} leads out of the folder")
    return folder / key


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
