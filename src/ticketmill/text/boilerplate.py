"""Disclaimers, footers and banners: what companies, gateways and ticket systems add to every mail.

Only words of several kinds together are a disclaimer, nobody speaks of themselves in it, and it stands at the
head or the foot of the text, unless it can be nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ticketmill.domain.spans import Span, TextKind
from ticketmill.text import boilerplate_words as words
from ticketmill.text.lines import Line, in_first_person, lines_of, paragraphs_of, spans_of
from ticketmill.text.signatures import is_signature_line

_MAX_FOOTER_WORDS = 45
_MAX_BANNER_WORDS = 70
_MAX_TRAILING_LINES = 30
_MAX_HEADING_PARAGRAPHS = 4
_SURE_KINDS = 3
"""A text with words of so many kinds is a disclaimer wherever it stands."""

_RULE = re.compile(r"\s*(?:[-–—_=*~#+·•]\s?){3,}\s*$")
_TAG = re.compile(
    r"\s*(?:(?:re|aw|fwd?|wg|tr|sv|antw|r)\s?:\s*)*"
    r"([\[(*<{【]+\s*(?:external|extern|externe[rs]?|externo|externa|esterno|esterna|ekstern"
    r"|zewnętrzn[ya]|ext|外部|社外)"
    r"(?:[\s\-]?(?:e?-?mail|mail|sender|message|absender|nachricht|afzender|mittente|remitente"
    r"|メール))?\s*[\])*>}】]+\s?:?)",
    re.IGNORECASE,
)
_TICKET_FIELD = re.compile(
    r"\b(?:ticket(?:\s?(?:id|no\.?|number|nr\.?|#))?|case(?:\s?(?:id|no\.?|number|#))?"
    r"|request(?:\s?(?:id|no\.?|#))"
    r"|status|queue|department|priority|assignee|assigned to|sla|category|severity|agent|group|tags"
    r"|product|case owner|subject area|opened by)\s?[:#]?\s?[\w#]",
    re.IGNORECASE,
)
_UPDATED = re.compile(
    r"^\W{0,6}your (?:request|ticket|case)\s?[(#\[]?\s?#?[\w\-]+[)\]]? (?:has been|was) (?:updated"
    r"|received|created|solved)"
    r"|^\W{0,6}(?:ihre|ihr) (?:anfrage|ticket)\s?[(#\[]?\s?#?[\w\-]+[)\]]? wurde",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:please|pls|can you|could you|why|how do|how can|bitte (?:ändern|tragen|nehmen|melden"
    r"|korrigieren)|we need"
    r"|we have|we are|we received|we got|our (?:invoice|account|order|vat|company|printer|shop)"
    r"|remove (?:me|us)|wir haben"
    r"|wir brauchen|unsere? (?:rechnung|konto|bestellung)|nous avons|notre|necesitamos|tenemos|nuestr"
    r"|precisamos"
    r"|temos|noss[oa]|abbiamo|il nostro|la nostra|wij hebben|we hebben|onze|vi har|vores|mamy|nasz)",
    re.IGNORECASE,
)
_OPENS_QUOTATION = ('"', "“", "„", "«", "‘", "「")
_LIST_RULE = re.compile(r"\s*_{20,}\s*$")


def boilerplate_spans(text: str) -> list[Span]:
    """Disclaimers, footers and banners in `text`: a ticket's subject, or its body without quotes."""
    lowered = text.lower()
    if not _may_hold_boilerplate(lowered):
        return []
    lines = lines_of(text)
    kinds: list[TextKind | None] = [None] * len(lines)
    tags = list(_tags(lines))
    paragraphs = paragraphs_of(lines)
    _mark_disclaimers(lines, kinds, paragraphs)
    _mark_head(lines, kinds, paragraphs)
    _mark_foot(lines, kinds)
    if all(kind is not None or line.blank for line, kind in zip(lines, kinds, strict=True)):
        return tags
    found = spans_of(lines, kinds)
    return sorted(
        (*found, *(tag for tag in tags if not any(span.start <= tag.start < span.end for span in found)))
    )


_TRIGGERS = tuple(
    sorted(
        {
            *(each for kind in (*words.DISCLAIMER_KINDS[:4], *words.FOOTERS) for each in kind),
            *words.NOTICES,
            *words.EXTERNAL,
            *words.BANNERS,
            *words.TICKETS,
            "ticket",
            "mailing list",
            "your request",
            "(ext",
            "[ext",
        }
    )
)


def _may_hold_boilerplate(lowered: str) -> bool:
    return any(map(lowered.__contains__, _TRIGGERS))


def _has(lowered: str, stems: tuple[str, ...]) -> bool:
    return any(map(lowered.__contains__, stems))


def _tags(lines: Sequence[Line]) -> Iterable[Span]:
    """The "[EXTERNAL]" that a gateway puts before a subject."""
    for line in lines[:3]:
        found = _TAG.match(line.text) if len(line.text) < 400 else None
        if found is not None:
            yield Span(line.start + found.start(1), line.start + len(found[0].rstrip()), TextKind.BANNER)


def _mark(kinds: list[TextKind | None], first: int, end: int, kind: TextKind) -> None:
    kinds[first:end] = [kind] * (end - first)


def _joined(lines: Sequence[Line], first: int, end: int) -> str:
    return " ".join(line.text.strip() for line in lines[first:end])


def _is_announced(lines: Sequence[Line], first: int) -> bool:
    """Whether the writer shows what stands at line `first`: the line above ends with a colon."""
    for index in range(first - 1, -1, -1):
        if not lines[index].blank:
            return lines[index].text.rstrip().endswith((":", "：")) and not _RULE.match(lines[index].text)
    return False


def _mark_disclaimers(
    lines: Sequence[Line], kinds: list[TextKind | None], paragraphs: Sequence[tuple[int, int]]
) -> None:
    """Paragraphs, or the ends of paragraphs, that can be nothing but a disclaimer."""
    for first, end in paragraphs:
        for start in range(first, end):
            text = _joined(lines, start, end)
            if not _is_sure(text):
                break
            head = lines[start].text.lower()
            if not (_has(head, words.MESSAGE) or _has(head, words.CONFIDENTIAL) or _has(head, words.NOTICES)):
                continue
            if _speaks(text) or _is_announced(lines, start):
                continue
            _mark(kinds, start, end, TextKind.DISCLAIMER)
            break


def _is_sure(text: str) -> bool:
    lowered = text.lower()
    count = sum(_has(lowered, kind) for kind in words.DISCLAIMER_KINDS)
    return count >= _SURE_KINDS


def _speaks(text: str) -> bool:
    """Whether somebody speaks for themselves in `text`, asks, or quotes."""
    if in_first_person(text) or text.lstrip().startswith(_OPENS_QUOTATION):
        return True
    return "?" in text and "http" not in text and "?" in text.rstrip()[-1:]


def _mark_head(
    lines: Sequence[Line], kinds: list[TextKind | None], paragraphs: Sequence[tuple[int, int]]
) -> None:
    """Banners and disclaimers above the text."""
    for first, end in paragraphs[:_MAX_HEADING_PARAGRAPHS]:
        if kinds[first] is not None:
            continue
        text = _joined(lines, first, end)
        if _is_banner(text) or _is_ticket_line(text):
            _mark(kinds, first, end, TextKind.BANNER)
        elif _is_footer(text, sure=True) and len(paragraphs) > 1:
            _mark(kinds, first, end, TextKind.DISCLAIMER)
        elif not _mark_banner_lines(lines, kinds, first, end):
            break


def _mark_banner_lines(lines: Sequence[Line], kinds: list[TextKind | None], first: int, end: int) -> bool:
    """Mark the lines at the head of a paragraph that are a banner; whether all of them are."""
    for index in range(first, end):
        text = lines[index].text
        if not (_is_banner(text) or _is_ticket_line(text) or (_RULE.match(text) and index + 1 < end)):
            return False
        kinds[index] = TextKind.BANNER
    return True


def _is_banner(text: str) -> bool:
    """Whether a mail gateway has put `text` above the mail."""
    lowered = text.lower()
    if len(lowered.split()) > _MAX_BANNER_WORDS or in_first_person(text) or _ASKS.search(text):
        return False
    tag = _TAG.match(text)
    if tag is not None and len(tag[0]) < len(text.rstrip()):
        rest = lowered[tag.end() :]
        return len(rest.split()) <= 14 and (_has(rest, words.CARE) or _has(rest, words.MAIL))
    if lowered.lstrip(" *-_=!>#⚠️【[").startswith(words.BANNERS) or lowered.lstrip(" *-_=!>#⚠️").startswith(
        words.BANNERS
    ):
        return True
    if not _has(lowered, words.EXTERNAL):
        return False
    return _has(lowered, words.CARE) and _has(lowered, words.MAIL)


def _is_ticket_line(text: str) -> bool:
    """Whether a ticket system has added `text`."""
    lowered = text.lower()
    if len(lowered.split()) > _MAX_FOOTER_WORDS or in_first_person(text):
        return False
    if _UPDATED.match(text) or _has(lowered, words.TICKETS):
        return True
    return len({found.group().lower()[:4] for found in _TICKET_FIELD.finditer(text)}) >= 2 and (
        "|" in text or ":" in text
    )


def _mark_foot(lines: Sequence[Line], kinds: list[TextKind | None]) -> None:
    """Footers below the text: from its end upwards, as long as nothing of the writer's is met."""
    inked = [index for index, line in enumerate(lines) if not line.blank][-_MAX_TRAILING_LINES:]
    for position in range(len(inked) - 1, 0, -1):
        index = inked[position]
        if kinds[index] is not None:
            continue
        text = lines[index].text
        kind = _kind_of_footer(lines, index)
        if kind is not None:
            kinds[index] = kind
        elif not _RULE.match(text) and not is_signature_line(text):
            break
    for position in range(len(inked) - 1):
        index = inked[position]
        if kinds[index] is None and _RULE.match(lines[index].text) and kinds[inked[position + 1]] is not None:
            kinds[index] = kinds[inked[position + 1]]
        if (
            kinds[index] is None
            and _LIST_RULE.match(lines[index].text)
            and "mailing list" in lines[inked[position + 1]].text
        ):
            for later in inked[position:]:
                kinds[later] = TextKind.BANNER


def _kind_of_footer(lines: Sequence[Line], index: int) -> TextKind | None:
    text = lines[index].text
    if _is_announced(lines, index):
        return None
    if _is_banner(text) or _is_ticket_line(text):
        return TextKind.BANNER
    return TextKind.DISCLAIMER if _is_footer(text) else None


def _is_footer(text: str, *, sure: bool = False) -> bool:
    """Whether `text` at the foot of a mail is a disclaimer or a footer. At its head, be `sure`."""
    lowered = text.lower()
    if len(lowered.split()) > 4 * _MAX_FOOTER_WORDS or _speaks(text):
        return False
    count = sum(_has(lowered, kind) for kind in words.DISCLAIMER_KINDS)
    if count >= (_SURE_KINDS if sure else 2):
        return not _ASKS.search(text) or count >= _SURE_KINDS
    if sure:
        return _has(lowered, words.SUBSCRIPTION) and "browser" in lowered
    if lowered.lstrip(" *-_>[(【※").startswith(words.NOTICES):
        return True
    if len(lowered.split()) > _MAX_FOOTER_WORDS or _ASKS.search(text):
        return _has(lowered, words.PRINTING) and len(lowered.split()) < _MAX_FOOTER_WORDS
    return any(_has(lowered, kind) for kind in words.FOOTERS)
