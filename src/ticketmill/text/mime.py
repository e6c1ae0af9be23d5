"""What mail leaves in a text that was never decoded: MIME parts, quoted-printable, base64, encoded words."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from email import message_from_string
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from quopri import decodestring
from typing import NamedTuple

from ticketmill.text.blanking import blank, blank_match, fit

MIN_BASE64_CHARS = 24
MIN_BASE64_LINE = 60

_ENCODED_WORDS = re.compile(
    r"=\?[\w.:-]{2,40}\?[bBqQ]\?[^\s?]{0,300}\?=(?:\s{1,4}=\?[\w.:-]{2,40}\?[bBqQ]\?[^\s?]{0,300}\?=)*+"
)

# One word with what quoted-printable made of it: bytes, and soft line breaks inside it.
_ENCODED_REST = re.compile(r"(?:=[0-9A-F]{2}|= ?\n)(?:[^\s=\ue000]|=(?!20|0D|0A|09)[0-9A-F]{2}|= ?\n)*+")
_UTF8_BYTES = re.compile(
    r"=(?:C[2-9A-F]|D[0-9A-F]|E[0-9A-F](?:= ?\n)?=[89AB][0-9A-F])(?:= ?\n)?=[89AB][0-9A-F]"
)
_LATIN_BYTE = re.compile(
    r"(?<=[A-Za-z])=[C-F][0-9A-F](?=[a-z]{1,20}[ ,.;:!?\n-]|[ ,.;:!?\n]|=[C-F][0-9A-F][a-z])"
)
_SOFT_BREAK = re.compile(r"^[^\n]{55,75}(?<![=\s])=[ ]?\n", re.MULTILINE)
_TRAILING_BLANK = re.compile(r"(?:^|[^\w=\s])=20 ?$", re.MULTILINE)

_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,40}:(?:[ \t]|$)")
_BOUNDARY = re.compile(r"^--(?! )([^\s<>]{1,70}?)(--)?[ \t]*$", re.MULTILINE)
_MIME_HEADER = re.compile(
    r"^(?:Content-[A-Z][a-z]+(?:-[A-Z][a-z]+)?|MIME-Version|X-Mailer):[ \t]", re.MULTILINE
)
_B64 = "[A-Za-z0-9+/]"
_LINE = rf"(?=[^\n]*[A-Z])(?=[^\n]*[a-z]){_B64}{{{MIN_BASE64_LINE},76}}[ ]?\n"
# The last line ends in "=", or has a digit: no word of a person follows unseen.
_LAST = rf"(?:{_B64}{{4}}){{0,18}}(?:{_B64}{{2}}==|{_B64}{{3}}=)|(?=[^\n]*[0-9+/])(?:{_B64}{{4}}){{1,19}}"
_BASE64_BLOCK = re.compile(rf"^{_LINE}(?:(?:{_LINE})++(?:(?:{_LAST})[ ]?$)?|(?:{_LAST})[ ]?$)", re.MULTILINE)
_BASE64_TEXT = re.compile(r"[A-Za-z0-9+/\s]++={0,2}")
_UU_BLOCK = re.compile(r"^begin [0-7]{3,4} [^\n]{1,200}\n(?:[ -`]{1,62}\n)+?end[ ]?$", re.MULTILINE)


def without_mime(text: str) -> str:
    """`text` decoded and without foreign parts, at equal length."""
    if "=?" in text:
        text = _ENCODED_WORDS.sub(_decoded_words, text)
    if ": " in text and _MIME_HEADER.search(text):
        text = _without_parts(text)
    if "=" in text and is_quoted_printable(text):
        text = _ENCODED_REST.sub(_decoded_rest, text)
    if len(text) > MIN_BASE64_CHARS:
        text = _without_base64(text)
    if "begin " in text and "\nend" in text:
        text = _UU_BLOCK.sub(blank_match, text)
    return text


def _decoded_words(match: re.Match[str]) -> str:
    try:
        return fit(str(make_header(decode_header(match[0]))).replace("\n", " "), len(match[0]))
    except (LookupError, ValueError, HeaderParseError):  # an unknown charset, or bytes that are none of it
        return match[0]


def is_quoted_printable(text: str) -> bool:
    """Whether `=` and two digits stand for a byte here: seen by letters beyond ASCII or broken lines.

    `max_age=30` and `?x=41` look the same, and are no proof.
    """
    return (
        _UTF8_BYTES.search(text) is not None
        or _SOFT_BREAK.search(text) is not None
        or _TRAILING_BLANK.search(text) is not None
        or len(_LATIN_BYTE.findall(text)) >= 2
    )


def _decoded_rest(match: re.Match[str]) -> str:
    encoded = match[0].replace("= \n", "=\n")
    if not encoded.isascii():
        return _each_byte(match[0])
    decoded = _text_of(decodestring(encoded.encode("ascii")))
    return fit(decoded.replace("\r\n", "\n").replace("\r", "\n"), len(match[0]))


def _each_byte(encoded: str) -> str:
    """A word of letters beyond ASCII and encoded ones: somebody decoded half of it."""
    run = re.compile(r"(?:=[0-9A-F]{2}|= ?\n)+")
    return fit(run.sub(lambda found: _text_of(decodestring(found[0].encode())), encoded), len(encoded))


def _text_of(data: bytes, charset: str = "utf-8") -> str:
    for name in (charset, "utf-8", "cp1252"):
        try:
            return data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("latin-1")


class _Part(NamedTuple):
    """A MIME part: its headers from `start`, its body from `body` to `end`."""

    start: int
    body: int
    end: int
    content_type: str
    encoding: str
    charset: str
    disposition: str | None


def _without_parts(text: str) -> str:
    """`text` with headers and boundaries blanked, and with it the parts that are no plain text."""
    parts = list(_parts(text))
    if len(parts) == 1 and not parts[0].content_type.startswith(("text/", "multipart/")):
        return text
    has_plain = any(part.content_type == "text/plain" for part in parts)
    pieces: list[str] = []
    at = 0
    for part in parts:
        body = text[part.body : part.end]
        html_too = part.content_type == "text/html" and has_plain
        if part.disposition == "attachment" or html_too or not part.content_type.startswith("text/"):
            body = blank(body)
        elif part.encoding == "base64":
            body = _decoded_base64(body, part.charset)
        pieces += (text[at : part.start], blank(text[part.start : part.body]), body)
        at = part.end
    return "".join((*pieces, text[at:]))


def _parts(text: str) -> Iterator[_Part]:
    """The parts of `text` that begin with headers, at its beginning or after a boundary."""
    names = {found[1] for found in _BOUNDARY.finditer(text) if found[2] or _has_header(text, found.end() + 1)}
    borders = [found for found in _BOUNDARY.finditer(text) if found[1] in names]
    begins = [(0, 0), *((found.start(), min(found.end() + 1, len(text))) for found in borders)]
    ends = [*(found.start() for found in borders), len(text)]
    for (start, headers), end in zip(begins, ends, strict=True):
        body = _headers_end(text, headers, end)
        if not headers and (body == 0 or body == end):
            continue
        # a boundary without headers ends what comes before it
        yield _part(start, body, end, text[headers:body])


def _part(start: int, body: int, end: int, headers: str) -> _Part:
    message = message_from_string(headers.replace("=3D", "="))
    return _Part(
        start,
        body,
        end,
        message.get_content_type() if headers else "text/plain",
        str(message.get("Content-Transfer-Encoding", "")).strip().lower(),
        message.get_content_charset() or "utf-8",
        message.get_content_disposition(),
    )


def _has_header(text: str, start: int) -> bool:
    return _MIME_HEADER.match(text, start) is not None


def _headers_end(text: str, start: int, end: int) -> int:
    """Where the headers from `start` and the blank line after them end; `start` if none is MIME's."""
    at, is_mime = start, False
    while at < end:
        line_end = text.find("\n", at, end)
        line_end = end if line_end < 0 else line_end + 1
        line = text[at:line_end]
        if not line.strip():
            return line_end if is_mime else start
        if not (_HEADER.match(line) or (line[0] in " \t" and at > start)):
            break
        is_mime = is_mime or _has_header(text, at)
        at = line_end
    return at if is_mime else start


def _without_base64(text: str) -> str:
    """`text` with blocks of base64 decoded if they hold text, else blanked."""
    bare = text.strip()
    if (
        " " not in bare
        and len(bare) >= MIN_BASE64_CHARS
        and len(bare) % 4 == 0
        and _BASE64_TEXT.fullmatch(bare)
    ):
        decoded = _readable(bare)
        if decoded is not None:
            start = text.index(bare)
            return text[:start] + fit(decoded, len(bare)) + text[start + len(bare) :]
    if "\n" not in bare:
        return text
    return _BASE64_BLOCK.sub(lambda found: _decoded_base64(found[0]), text)


def _decoded_base64(encoded: str, charset: str = "utf-8") -> str:
    decoded = _readable(encoded, charset)
    return blank(encoded) if decoded is None else fit(decoded, len(encoded))


def _readable(encoded: str, charset: str = "utf-8") -> str | None:
    """The text in `encoded`, None if there is none that a person could read."""
    try:
        data = b64decode("".join(encoded.split()), validate=True)
        text = data.decode(charset).replace("\r\n", "\n")
    except (binascii.Error, UnicodeDecodeError, LookupError):
        return None
    words = text.split()
    readable = all(char.isprintable() or char in "\n\t" for char in text)
    return text if readable and len(words) >= 2 and max(map(len, words)) < 100 else None
