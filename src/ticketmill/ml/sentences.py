"""The sentences of a ticket that say something: no greetings, signatures, quoted replies or log lines."""

from __future__ import annotations

import re
from typing import NamedTuple

MIN_WORDS = 3

_BREAK = re.compile(r"(?<=[.!?…])[\"')\]]*\s+(?=[^\s\d])|\n+")
_QUOTED = re.compile(r"^\s*(?:>|\|)")
_REPLY_HEADER = re.compile(
    r"^\s*(?:on .{5,80} wrote:|-{2,} ?(?:original message|forwarded)|(?:from|sent|to|cc|subject): )", re.I
)
_SIGNATURE_START = re.compile(
    r"^\s*(?:--\s*$|(?:best|kind|warm|many thanks|thanks|thank you|regards|cheers|sincerely|yours|br|mit"
    r" freundlichen grüßen|viele grüße)\b.{0,30}[,!.]?\s*$|sent from my )",
    re.I,
)
_GREETING = re.compile(
    r"^\s*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|greetings|hallo|guten tag|hola)\b"
    r"(?:.{0,40}[^\s.?])?\s*$",
    re.I,
)
_LOG_LINE = re.compile(
    r"^\s*(?:at \S+\(|File \"|Traceback|\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\[?\d\d:\d\d:\d\d|\$ |curl |[{}<\[])|"
    r"^\s*[\w.]*(?:Exception|Error): |^\s*[^\s=]+=\S+ [^\s=]+=\S+"
)


class Sentence(NamedTuple):
    """A sentence and where it stands in its text: characters `start` to `end`."""

    text: str
    start: int
    end: int


def sentences(text: str) -> list[Sentence]:
    """The sentences of `text` that say something, in order."""
    kept: list[Sentence] = []
    for line in _lines(text):
        if _SIGNATURE_START.match(line.text) and kept:
            break
        if _REPLY_HEADER.match(line.text) and kept:
            break
        if not _is_noise(line.text):
            kept += _split(line)
    return [sentence for sentence in kept if len(sentence.text.split()) >= MIN_WORDS]


def _is_noise(line: str) -> bool:
    return any(pattern.search(line) for pattern in (_QUOTED, _REPLY_HEADER, _GREETING, _LOG_LINE))


def _lines(text: str) -> list[Sentence]:
    lines: list[Sentence] = []
    start = 0
    for line in text.split("\n"):
        lines.append(Sentence(line, start, start + len(line)))
        start += len(line) + 1
    return lines


def _split(line: Sentence) -> list[Sentence]:
    parts: list[Sentence] = []
    start = 0
    for gap in [*_BREAK.finditer(line.text), None]:
        end = gap.start() if gap else len(line.text)
        text = line.text[start:end].strip()
        if text:
            offset = line.start + start + line.text[start:end].index(text)
            parts.append(Sentence(text, offset, offset + len(text)))
        start = gap.end() if gap else end
    return parts
