"""Packed files: what is in a .gz or a .zip, within limits, and without any path of theirs."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.domain.keys import is_macos_metadata

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")

DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, gzip.BadGzipFile)
"""What the standard library raises on a packed file that is damaged, or packed in a way that it lacks."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read of one file that was given, packed or not."""

    document_bytes: int = 128 << 20
    """One document: a line, a message, a table, or one file of JSON."""
    unpacked_bytes: int = 2 << 30
    """Everything in one packed file."""
    members: int = 100_000
    """The files in one .zip."""
    depth: int = 2
    """A packed file in a packed file."""


class BoundedStream(io.RawIOBase):
    """The bytes of another stream. Raises TicketRejected where there are more than `max_bytes`."""

    def __init__(self, stream: BinaryIO, max_bytes: int) -> None:
        super().__init__()
        self._stream = stream
        self._max_bytes = max_bytes
        self.read_bytes = 0

    def close(self) -> None:
        """Closes the other stream, too."""
        self._stream.close()
        super().close()

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fills `buffer` as far as it goes."""
        content = self._stream.read(len(buffer))
        self.read_bytes += len(content)
        if self.read_bytes > self._max_bytes:
            message = (
                f"expected at most {self._max_bytes} bytes after unpacking, found more: unpack it yourself"
            )
            raise TicketRejected(RejectionCode.TOO_LARGE, message)
        buffer[: len(content)] = content
        return len(content)


def gunzipped(stream: BinaryIO, limits: Limits) -> io.BufferedReader:
    """What a .gz packs."""
    unpacked = cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    return io.BufferedReader(BoundedStream(unpacked, limits.unpacked_bytes))


def members(stream: BinaryIO, limits: Limits) -> Iterator[tuple[str, io.BufferedReader | TicketRejected]]:
    """The files in a .zip by their names, or why one cannot be read; what macOS adds is left out.

    Raises TicketRejected where there are too many.
    """
    with zipfile.ZipFile(stream) as archive:
        found = [
            each for each in archive.infolist() if not each.is_dir() and not is_macos_metadata(each.filename)
        ]
        if len(found) > limits.members:
            message = f"expected at most {limits.members} files in one archive, found {len(found)}"
            raise TicketRejected(RejectionCode.TOO_LARGE, message)
        left = limits.unpacked_bytes
        for member in found:
            content = _opened(archive, member)
            if isinstance(content, TicketRejected):
                yield member.filename, content
                continue
            with content:
                bounded = BoundedStream(content, left)
                yield member.filename, io.BufferedReader(bounded)
                left -= bounded.read_bytes


def damaged(fault: Exception) -> TicketRejected:
    """The rejection of a packed file that cannot be unpacked."""
    message = f"expected a packed file that can be unpacked, found a damaged one ({type(fault).__name__})"
    return TicketRejected(RejectionCode.SCHEMA, message)


def _opened(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> BinaryIO | TicketRejected:
    if member.flag_bits & 1:
        message = "expected a file without a password, found one with: unpack it yourself"
        return TicketRejected(RejectionCode.SCHEMA, message)
    try:
        return cast(BinaryIO, archive.open(member))
    except DAMAGE as fault:
        return damaged(fault)
