"""What a bulk run works on: sources, and the parts that they are cut into."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

MAX_STEM_CHARS = 40


@dataclass(frozen=True, slots=True)
class Source:
    """A file or an object of tickets, as it stood when the run began."""

    name: str
    """An absolute path, or `s3://BUCKET/KEY`."""
    size_bytes: int
    version: str
    """Stands for the content: the hash of a file, the ETag of an object."""
    stamp: str
    """What is compared when it is read: size and time of a file, the ETag of an object."""

    @property
    def suffix(self) -> str:
        """As in `.jsonl`."""
        return PurePosixPath(self.name).suffix


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a source: bytes of JSON, rows of Parquet."""

    source: Source
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Part:
    """What is enriched at once and stored as one object: one piece, or several whole JSON files."""

    pieces: tuple[Piece, ...]

    def name(self, made_by: str) -> str:
        """Says which input it is, and what made it: the same of both gives the same name in every run.

        As in `tickets.1f2e3d4c.000000000000-000000262144.9b1d2c3e4f5a.0d46f8dcafdb`: the file, the hash of
        its full name, the range, the hash of its version, and `made_by`.
        """
        first, last = self.pieces[0], self.pieces[-1]
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePosixPath(first.source.name).stem)[:MAX_STEM_CHARS]
        stop = last.stop if first is last else sum(piece.stop - piece.start for piece in self.pieces)
        return ".".join(
            (
                stem,
                _digest(piece.source.name for piece in self.pieces)[:8],
                f"{first.start:012d}-{stop:012d}",
                _digest(piece.source.version for piece in self.pieces)[:12],
                made_by,
            )
        )


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogateescape")).hexdigest()
