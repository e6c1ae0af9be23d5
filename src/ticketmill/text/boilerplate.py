"""Disclaimers, footers and banners: what companies, gateways and ticket systems add to every mail.

Only words of several kinds together are a disclaimer, nobody speaks of themselves in it, and it stands at the
head or the foot of the text, unless it can be nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from ticketmill.domain.spans import Span, TextKind
from ticketmill.text import boilerplate_words as words
from ticketmill.text.lines import Line, lines_of, paragraphs_of, spans_of
from ticketmill.text.notices import (
    TAG,
    TICKET_FIELD,
    is_banner,
    is_footer,
    is_heading_notice,
    is_sure_disclaimer,
    is_ticket_line,
    opens_disclaimer,
    speaks,
)
from ticketmill.text.signatures import is_signature_line

_MAX_DISCLAIMER_LINES = 60
_MAX_TRAILING_LINES = 30
_MAX_HEADING_PARAGRAPHS = 4
_MAX_TAGGED_CHARACTERS = 400
_RULE = re.compile(r"\s*(?:[-–—_=*~#+·•]\s?){3,}\s*$")
_LIST_RULE = re.compile(r"\s*_{20,}\s*$")
_PREFIX = 5
_WORD = re.compile(r"[^\W\d_]{2,}")


def _prefixes(text: str) -> set[str]:
    """The beginnings of the words of `text`: enough to see that a phrase may be in it."""
    return {word[:_PREFIX] for word in _WORD.findall(text)}


def _is_japanese(phrase: str) -> bool:
    return any("\u3000" <= character <= "\u9fff" for character in phrase)


_PHRASES = (
    *words.CONFIDENTIAL,
    *words.RECIPIENT,
    *words.NOTICES,
    *words.NOTICE_OPENINGS,
    *words.PRINTING,
    *words.SUBSCRIPTION,
    *words.UNSUBSCRIBING,
    *words.SOCIAL,
    *words.SCANNED,
    *words.REGISTRY,
    *words.EXTERNAL,
    *words.BANNERS,
    *words.TICKETS,
    "ticket",
    "mailing list",
    "request",
    "anfrage",
    "demande",
    "solicitud",
    "ext",
)
_UNDIVIDED = tuple(phrase for phrase in _PHRASES if _is_japanese(phrase) or not _prefixes(phrase))


def _by_longest_word(phrases: Iterable[str]) -> dict[str, list[set[str]]]:
    """The beginnings of the words of each phrase, by that of its longest word."""
    found: dict[str, list[set[str]]] = {}
    for prefixes in map(_prefixes, phrases):
        found.setdefault(max(sorted(prefixes), key=len), []).append(prefixes)
    return found


_LATIN = _by_longest_word(phrase for phrase in _PHRASES if phrase not in _UNDIVIDED)


def may_hold_boilerplate(text: str) -> bool:
    """Whether all words of any of the phrases are in `text`. Most texts have none, and this is cheap."""
    lowered = text.lower()
    prefixes = _prefixes(lowered)
    if any(needed <= prefixes for prefix in prefixes & _LATIN.keys() for needed in _LATIN[prefix]):
        return True
    return any(map(lowered.__contains__, _UNDIVIDED))


def boilerplate_spans(text: str) -> list[Span]:
    """Disclaimers, footers and banners in `text`: a ticket's subject, or its body without quotes."""
    if not may_hold_boilerplate(text):
        return []
    lines = lines_of(text)
    kinds: list[TextKind | None] = [None] * len(lines)
    paragraphs = paragraphs_of(lines)
    _mark_disclaimers(lines, kinds, paragraphs)
    _mark_head(lines, kinds, paragraphs)
    _mark_foot(lines, kinds)
    tags = list(_tags(lines))
    if all(kind is not None or line.blank for line, kind in zip(lines, kinds, strict=True)):
        return tags
    found = spans_of(lines, kinds)
    outside = (tag for tag in tags if not any(span.start <= tag.start < span.end for span in found))
    return sorted((*found, *outside))


def _tags(lines: Sequence[Line]) -> Iterable[Span]:
    """The "[EXTERNAL]" that a gateway puts before a subject."""
    for line in lines[:3]:
        found = TAG.match(line.text) if len(line.text) < _MAX_TAGGED_CHARACTERS else None
        if found is not None and line.text[found.end() :].strip():
            yield Span(line.start + found.start(1), line.start + len(found[0].rstrip()), TextKind.BANNER)


def _joined(lines: Sequence[Line], first: int, end: int) -> str:
    return " ".join(line.text.strip() for line in lines[first:end])


def _is_announced(lines: Sequence[Line], first: int) -> bool:
    """Whether the writer shows what stands at line `first`: the line above ends with a colon."""
    for index in range(first - 1, -1, -1):
        if not lines[index].blank:
            return lines[index].text.rstrip().endswith((":", "："))
    return False


def _mark_disclaimers(
    lines: Sequence[Line], kinds: list[TextKind | None], paragraphs: Sequence[tuple[int, int]]
) -> None:
    """Paragraphs, or the ends of paragraphs, that can be nothing but a disclaimer."""
    for first, end in paragraphs:
        if end - first > _MAX_DISCLAIMER_LINES:
            continue
        for start in range(first, end):
            text = _joined(lines, start, end)
            if not is_sure_disclaimer(text):
                break
            if opens_disclaimer(lines[start].text) and not speaks(text) and not _is_announced(lines, start):
                kinds[start:end] = [TextKind.DISCLAIMER] * (end - start)
                break


def _mark_head(
    lines: Sequence[Line], kinds: list[TextKind | None], paragraphs: Sequence[tuple[int, int]]
) -> None:
    """Banners and disclaimers above the text."""
    for first, end in paragraphs[:_MAX_HEADING_PARAGRAPHS]:
        if kinds[first] is not None:
            continue
        text = _joined(lines, first, end)
        kind = None
        if is_banner(text) or is_ticket_line(text):
            kind = TextKind.BANNER
        elif is_heading_notice(text):
            kind = TextKind.DISCLAIMER
        if kind is not None:
            kinds[first:end] = [kind] * (end - first)
        elif not _mark_banner_lines(lines, kinds, first, end):
            break


def _mark_banner_lines(lines: Sequence[Line], kinds: list[TextKind | None], first: int, end: int) -> bool:
    """Mark the lines at the head of a paragraph that are a banner; whether all of them are."""
    for index in range(first, end):
        text = lines[index].text
        if not (is_banner(text) or is_ticket_line(text) or (_RULE.match(text) and index + 1 < end)):
            return False
        kinds[index] = TextKind.BANNER
    return True


def _mark_foot(lines: Sequence[Line], kinds: list[TextKind | None]) -> None:
    """Footers below the text: from its end upwards, as long as nothing of the writer's is met."""
    inked = [index for index, line in enumerate(lines) if not line.blank][-_MAX_TRAILING_LINES:]
    _mark_ticket_fields(lines, kinds, inked)
    for position in range(len(inked) - 1, 0, -1):
        index = inked[position]
        if kinds[index] is not None:
            continue
        kind = _kind_of_footer(lines, index)
        if kind is not None:
            kinds[index] = kind
        elif not _RULE.match(lines[index].text) and not is_signature_line(lines[index].text):
            break
    _mark_rules(lines, kinds, inked)


def _kind_of_footer(lines: Sequence[Line], index: int) -> TextKind | None:
    text = lines[index].text
    if _is_announced(lines, index):
        return None
    if is_banner(text) or is_ticket_line(text):
        return TextKind.BANNER
    return TextKind.DISCLAIMER if is_footer(text) else None


def _mark_ticket_fields(lines: Sequence[Line], kinds: list[TextKind | None], inked: Sequence[int]) -> None:
    """The fields that a ticket system adds one below the other: "Ticket ID: 4711", "Status: open"."""
    fields: list[int] = []
    for index in reversed(inked):
        if kinds[index] is None and not TICKET_FIELD.match(lines[index].text):
            break
        if kinds[index] is None:
            fields.append(index)
    text = " ".join(lines[index].text.lower() for index in fields)
    if len(fields) > 1 and ("ticket" in text or "case" in text or "request" in text):
        for index in fields:
            kinds[index] = TextKind.BANNER


def _mark_rules(lines: Sequence[Line], kinds: list[TextKind | None], inked: Sequence[int]) -> None:
    """A rule belongs to the footer below it. Below a mailing list's rule, all is its footer."""
    for index, following in pairwise(inked):
        if kinds[index] is None and kinds[following] is not None and _RULE.match(lines[index].text):
            kinds[index] = kinds[following]
        if _LIST_RULE.match(lines[index].text) and "mailing list" in lines[following].text.lower():
            for later in inked[inked.index(index) :]:
                kinds[later] = TextKind.BANNER
