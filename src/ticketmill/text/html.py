"""HTML in a ticket: tags, comments, style sheets and entities, taken out at equal length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from ticketmill.domain.spans import Span, TextKind
from ticketmill.text.blanking import blank, blank_match, fit

BLOCK = re.compile(
    r"address|article|aside|blockquote|br|center|dd|div|dl|dt|footer|h[1-6]|header|hr|li|main|nav|ol|p|pre"
    r"|section|table"
    r"|tbody|tfoot|thead|tr|ul|caption",
    re.I,
)
"""Elements that begin a line."""
INLINE = re.compile(
    r"a|abbr|b|big|cite|code|col|colgroup|del|em|font|i|img|ins|kbd|mark|q|s|small|span|strike|strong|su[bp]"
    r"|t[dhtr]|u|var"
    r"|wbr",
    re.I,
)
PAGE = re.compile(
    r"!doctype|area|audio|base|body|button|canvas|form|frame|frameset|head|html|iframe|input|label|link|map"
    r"|meta|noscript"
    r"|object|option|picture|script|select|source|style|svg|template|textarea|title|video",
    re.I,
)
"""Elements that only a page has. In a developer's plain text they are the example."""
_OFFICE = ("o", "v", "w", "m", "x", "st1")
"""Namespaces of Office's own elements."""

# Each stops at the next "<": no text makes them backtrack.
_TAG = re.compile(r"<(/?)([A-Za-z!][A-Za-z0-9]*+)(?::(\w++))?(?:\s[^<>]*+|/)?>")
_CONDITION = re.compile(r"<!\[[^\]<>]*+\]>")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_HIDDEN = {
    name: re.compile(rf"<{name}\b.*?</{name}\s*+>?", re.DOTALL | re.I)
    for name in ("style", "script", "title")
}
_CITED = re.compile(r"""type=["']?cite|class=["']?[^"'<>]*quote""", re.I)
_ATTRIBUTION = re.compile(
    r"""<div[^<>]*(?:gmail_quote|gmail_attr|moz-cite-prefix|yahoo_quoted)[^<>]*>""", re.I
)
_MAX_ATTRIBUTION_CHARS = 1000

_SPACE = re.compile(r"&(?:amp;)*(?:nbsp|#160|#[xX][aA]0|ensp|emsp|thinsp|zwnj|shy|#8203|#8204|#173);")
_ENTITY = r"&(?:amp;)*(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
# from an entity to the end of its word
_REST_OF_WORD = re.compile(rf"(?:{_ENTITY}[^\s&<\ue000]*+)+")
_AMPERSANDS = re.compile(r"&(?:amp;)+")
# a letter that a decoded entity gives may be the last one of the next entity
_MAX_ROUNDS = 4


def without_html(text: str) -> str:
    """`text` without HTML, at equal length: blocks begin lines, entities become their letters.

    Tags go only where the text is HTML: a page, or plain text with closed elements. A tag that is merely
    mentioned stays, and so do XML, generics and addresses in angle brackets.
    """
    for _ in range(_MAX_ROUNDS):
        plain = without_tags(decode_entities(text))
        if plain == text:
            break
        text = plain
    return text


def decode_entities(text: str) -> str:
    """`text` with entities decoded. The rest of a word moves up to its letters, so that it stays one word."""
    if "&" not in text or ";" not in text:
        return text
    return _REST_OF_WORD.sub(_decoded, _SPACE.sub(blank_match, text))


def _decoded(match: re.Match[str]) -> str:
    return fit(unescape(_AMPERSANDS.sub("&", match[0])), len(match[0])).replace("\xa0", " ")


def without_tags(text: str) -> str:
    """`text` with the tags, comments and style sheets of HTML blanked."""
    if "<" not in text or ">" not in text:
        return text
    text = _without_closed(text, _COMMENT, "-->")
    page = _is_page(text)
    if not page and not _has_elements(text):
        return text
    for name, pattern in _HIDDEN.items():
        if page or name == "style":
            text = _without_closed(text, pattern, f"</{name}")
    return _TAG.sub(_without_page_tag if page else _without_mail_tag, _CONDITION.sub(blank_match, text))


def _without_closed(text: str, pattern: re.Pattern[str], closing: str) -> str:
    """`text` without what `pattern` finds up to the last `closing`, so that every search for one ends."""
    last = max(text.rfind(closing), text.rfind(closing.upper()))
    if last < 0:
        return text
    end = last + len(closing) + 1
    return pattern.sub(blank_match, text[:end]) + text[end:]


def _is_page(text: str) -> bool:
    first = _TAG.match(text.lstrip()[:2000])
    return (
        first is not None
        and not first[1]
        and first[2].lower() != "br"
        and (_is_of_mail(first) or _is_of_page(first))
    )


def _is_of_mail(tag: re.Match[str]) -> bool:
    if tag[3]:
        return tag[2].lower() in _OFFICE
    return BLOCK.fullmatch(tag[2]) is not None or INLINE.fullmatch(tag[2]) is not None


def _is_of_page(tag: re.Match[str]) -> bool:
    return PAGE.fullmatch(tag[2]) is not None and not tag[3]


def _has_elements(text: str) -> bool:
    """Whether an element of a mail is closed, or two lines are broken, outside quotation marks.

    A text with elements of other names is XML.
    """
    opened: set[str] = set()
    breaks = 0
    found = False
    for tag in _TAG.finditer(text):
        name = tag[2].lower()
        if tag[1] and not _is_of_mail(tag) and not _is_of_page(tag):
            return False
        if _is_quoted(tag):
            continue
        breaks += name == "br"
        found = found or breaks == 2 or (bool(tag[1]) and name in opened)
        if not tag[1] and _is_of_mail(tag):
            opened.add(name)
    return found


def _is_quoted(tag: re.Match[str]) -> bool:
    return tag.start() > 0 and tag.string[tag.start() - 1] in "\"'`=("


def _without_mail_tag(tag: re.Match[str]) -> str:
    return tag[0] if _is_quoted(tag) or not _is_of_mail(tag) else _without_tag(tag)


def _without_page_tag(tag: re.Match[str]) -> str:
    return _without_tag(tag) if _is_of_mail(tag) or _is_of_page(tag) else tag[0]


def _without_tag(tag: re.Match[str]) -> str:
    gap = blank(tag[0])
    return "\n" + gap[1:] if BLOCK.fullmatch(tag[2]) else gap


def cited_spans(text: str) -> list[Span]:
    """The earlier messages that mail programs quote in `blockquote` elements, with the line above them."""
    if "<blockquote" not in text:
        return []
    spans: list[Span] = []
    for start, end in _outermost_blockquotes(text):
        if not _CITED.search(text, start, text.index(">", start)):
            continue
        before = spans[-1].end if spans else 0
        above = list(_ATTRIBUTION.finditer(text, max(before, start - _MAX_ATTRIBUTION_CHARS), start))
        spans.append(Span(above[0].start() if above else start, end, TextKind.QUOTE))
    return spans


def _outermost_blockquotes(text: str) -> Iterator[tuple[int, int]]:
    depth = begin = 0
    for tag in _TAG.finditer(text):
        if tag[2].lower() != "blockquote":
            continue
        if not tag[1]:
            begin = begin if depth else tag.start()
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                yield begin, tag.end()
