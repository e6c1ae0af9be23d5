"""Mail whose line breaks were lost: quotes, disclaimers and banners within one line.

Only what can be nothing else is taken: an attribution with an address and a time, a header of four fields, a
disclaimer with three kinds of words, a banner at the head of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ticketmill.domain.spans import Span, TextKind
from ticketmill.text.attributions import is_certain
from ticketmill.text.boilerplate import may_hold_boilerplate
from ticketmill.text.lines import Line, lines_of
from ticketmill.text.notices import is_banner, is_sure_disclaimer, opens_disclaimer, speaks
from ticketmill.text.reply_headers import is_one_line_header

MIN_CHARACTERS = 100
"""A shorter line holds no message and a quote."""
_MAX_ATTRIBUTION = 200
_MAX_HEADER = 400
_MAX_SENTENCES = 12
_SENTENCE_START = re.compile(r"(?<=[.!?。)\]])\s+(?=\S)|(?<=。)(?=\S)")
_OPENING = re.compile(r"(?<=\s)(?:On|Am|Le|El|Em|Il giorno|Il|Op|Den|W dniu)\s(?=\S)")
_FROM = re.compile(r"(?<=\s)(?:From|Von|De|Da|Van|Fra|Od)\s?:\s")
_WROTE = re.compile(
    r"(?:wrote|schrieb|écrit|escribió|escreveu|scritto|skrev|pisze|napisał|napisał\(a\)|>\)?)\s?:"
)


def flattened_quotes(text: str) -> Iterator[Span]:
    """The first quote that begins within a line: it ends with the text."""
    for line in lines_of(text):
        if len(line.text) < MIN_CHARACTERS or ":" not in line.text:
            continue
        start = _start_of_quote(line.text)
        if start is not None and line.text[:start].strip():
            yield Span(line.start + start, len(text.rstrip()), TextKind.QUOTE)
            return


def _start_of_quote(text: str) -> int | None:
    starts = []
    for found in _WROTE.finditer(text):
        openings = list(_OPENING.finditer(text, max(0, found.start() - _MAX_ATTRIBUTION), found.start()))
        if openings and is_certain(text[openings[-1].start() : found.end()]):
            starts.append(openings[-1].start())
            break
    for found in _FROM.finditer(text):
        if is_one_line_header(text[found.start() : found.start() + _MAX_HEADER]):
            starts.append(found.start())
            break
    return min(starts, default=None)


def flattened_boilerplate(text: str) -> Iterator[Span]:
    """Disclaimers that end a line, and banners that begin the text within one."""
    if not may_hold_boilerplate(text):
        return
    first = True
    for line in lines_of(text):
        if line.blank:
            continue
        if len(line.text) >= MIN_CHARACTERS:
            yield from _within(line, first=first)
        first = False


def _within(line: Line, *, first: bool) -> Iterator[Span]:
    sure = is_sure_disclaimer(line.text)
    if not sure and not first:
        return
    starts = [0, *(found.end() for found in _SENTENCE_START.finditer(line.text))]
    begin = _end_of_banner(line.text, starts) if first else 0
    if begin:
        yield Span(line.start, line.start + len(line.text[:begin].rstrip()), TextKind.BANNER)
    if not sure:
        return
    for start in starts[-_MAX_SENTENCES:]:
        tail = line.text[start:]
        if (
            start > begin
            and is_sure_disclaimer(tail)
            and opens_disclaimer(tail[:_MAX_ATTRIBUTION])
            and not speaks(tail)
        ):
            yield Span(line.start + start, line.start + len(line.text.rstrip()), TextKind.DISCLAIMER)
            return


def _end_of_banner(text: str, starts: list[int]) -> int:
    """Where the banner that begins `text` ends: the longest run of its first sentences that is one."""
    end = 0
    for start in starts[1:4]:
        if is_banner(text[:start]):
            end = start
    return end
