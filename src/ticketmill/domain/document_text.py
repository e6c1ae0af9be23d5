"""The text of a dropped document: its bytes unpacked and decoded."""

from __future__ import annotations

import json
import zlib
from typing import NamedTuple

from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.domain.warning import TicketWarning, WarningCode

GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
IGNORED_AT_THE_END = "\x00\x1a \t\r\n"
"""NUL and Ctrl-Z, which C programs and DOS put after a text, and white space."""


class DocumentText(NamedTuple):
    """A document as text, and what was unusual about its bytes."""

    text: str
    warnings: tuple[TicketWarning, ...] = ()


def text_of(body: bytes, max_bytes: int) -> DocumentText:
    """The text of a document in UTF-8, UTF-16 or UTF-32, packed by gzip or not.

    Raises TicketRejected where it has more than `max_bytes`, packed or unpacked, or another encoding. Of an
    8-bit encoding nothing says which one it is, and a wrong guess changes letters in silence: its sender is
    asked for UTF-8 instead.
    """
    if len(body) > max_bytes:
        raise too_large(len(body), max_bytes)
    if body.startswith(GZIP_MAGIC):
        body = _unpacked(body, max_bytes)
    encoding = json.detect_encoding(body)  # by the mark, or by where the first characters have their zeros
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        raise _not_decodable(body, error, encoding) from None
    is_guessed = not encoding.startswith("utf-8") and not body.startswith(BYTE_ORDER_MARKS)
    guessed = TicketWarning(code=WarningCode.ENCODING_GUESSED, found=encoding.upper())
    return DocumentText(
        text.removeprefix("\ufeff").rstrip(IGNORED_AT_THE_END), (guessed,) if is_guessed else ()
    )


def too_large(size_bytes: int, max_bytes: int, unpacked: bool = False) -> TicketRejected:
    """The rejection of a document of `size_bytes`."""
    found = f"more than {max_bytes} after unpacking" if unpacked else str(size_bytes)
    return TicketRejected(RejectionCode.TOO_LARGE, f"expected at most {max_bytes} bytes, found {found}")


def _unpacked(body: bytes, max_bytes: int) -> bytes:
    """What gzip packed, one member after the other, and never much more than `max_bytes` of it."""
    unpacked = bytearray()
    while body.startswith(GZIP_MAGIC):
        member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            unpacked += member.decompress(body, max_bytes + 1 - len(unpacked))
        except zlib.error:
            raise TicketRejected(RejectionCode.NOT_JSON, "expected gzip content, found it damaged") from None
        if len(unpacked) > max_bytes:
            raise too_large(len(unpacked), max_bytes, unpacked=True)
        if not member.eof:
            message = "expected complete gzip content, found it cut off: upload it again"
            raise TicketRejected(RejectionCode.NOT_JSON, message)
        body = member.unused_data
    return bytes(unpacked)


def _not_decodable(body: bytes, error: UnicodeDecodeError, encoding: str) -> TicketRejected:
    if not encoding.startswith("utf-8"):
        message = f"expected {encoding.upper()}, found an invalid character at offset {error.start}"
        return TicketRejected(RejectionCode.NOT_UTF8, message)
    message = (
        f"expected UTF-8, found an invalid byte at offset {error.start}, 0x{body[error.start]:02x}: save the "
        "document as UTF-8. Of Windows-1252 this makes UTF-8: iconv -f WINDOWS-1252 -t UTF-8 FILE"
    )
    return TicketRejected(RejectionCode.NOT_UTF8, message)
