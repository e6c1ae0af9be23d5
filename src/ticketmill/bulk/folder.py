"""Sources and results in the file system.

A result is written beside its place and moved there: whoever is killed leaves all of it or nothing.
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from ticketmill.domain.bulk import Source
from ticketmill.domain.errors import SetupError, TransientFailure
from ticketmill.importers.files import find_files

UNFINISHED = ".unfinished-"
"""Begins the names of files that are being written."""


@dataclass(frozen=True, slots=True)
class FolderInputs:
    """The files that a path, a folder or a pattern with `*` or `**` names."""

    pattern: str
    suffixes: tuple[str, ...]

    def find(self) -> list[Source]:
        """The files, each read once for its hash."""
        found: list[str] = []
        if glob.has_magic(self.pattern):
            every = glob.glob(self.pattern, recursive=True)  # noqa: PTH207 - a Path takes no absolute pattern
            found = sorted(each for each in every if each.endswith(self.suffixes))
        paths = find_files([Path(each) for each in found or [self.pattern]], self.suffixes)
        return [_source(path.resolve()) for path in dict.fromkeys(paths)]

    def read(self, source: Source, start: int, stop: int) -> bytes:
        """The bytes of a file, if it is still of the same size and time."""
        try:
            with Path(source.name).open("rb") as file:
                if _stamp(os.fstat(file.fileno())) != source.stamp:
                    raise input_changed(source)
                file.seek(start)
                return file.read(max(stop - start, 0))
        except FileNotFoundError:
            raise input_changed(source) from None
        except OSError as error:
            raise TransientFailure(f"reading {source.name}: {error.strerror}", "unreadable") from error


@dataclass(frozen=True, slots=True)
class FolderOutputs:
    """The files of a folder, which is made when the first is stored."""

    folder: Path

    @property
    def location(self) -> str:
        """The absolute path."""
        return str(self.folder.resolve())

    def names(self) -> Iterator[str]:
        """The names of the files."""
        if self.folder.is_dir():
            yield from (path.name for path in self.folder.iterdir() if not path.name.startswith(UNFINISHED))

    def get(self, name: str) -> bytes:
        """The content of a file."""
        return (self.folder / name).read_bytes()

    def put(self, name: str, body: bytes) -> None:
        """Writes a file beside its place and moves it there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / f"{UNFINISHED}{uuid4().hex}"
        try:
            unfinished.write_bytes(body)
            unfinished.replace(self.folder / name)
        finally:
            unfinished.unlink(missing_ok=True)

    def delete(self, name: str) -> None:
        """Deletes a file."""
        (self.folder / name).unlink(missing_ok=True)


def input_changed(source: Source) -> TransientFailure:
    """The failure of a source that is not what it was when the run began."""
    return TransientFailure(f"{source.name} changed while the run was on", "input_changed")


def _source(path: Path) -> Source:
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            content_hash = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    return Source(str(path), before.st_size, content_hash, _stamp(before))


def _stamp(found: os.stat_result) -> str:
    return f"{found.st_size}-{found.st_mtime_ns}"
