"""Where the sentences of a paragraph end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ticketmill.text.abbreviations import ends_sentence

# starts with a set of characters: the search for the next one is fast
_END = re.compile(r"[.!?…。\uff01\uff1f\uff61][\"')\]\u00bb\u201c\u201d\u2019*_」』\uff09]*(?=\s*\S)")
_WORD_AFTER = re.compile(r"[\s(\[\"'\u201e\u201c\u2018\u00ab*_-]*(\w*)")
_OPENING_MARKS = "([\"'\u201e\u201c\u2018\u00bf\u00a1*_"
_START = re.compile(r"[.!?]\s+([^\W\d_])")
_WORDS_CHARS = 40
_MAX_STARTS_CHARS = 4000


def has_capitals(text: str) -> bool:
    """Whether half of the sentences of `text` or more begin with a capital letter."""
    letters = text.lstrip()[:1] + "".join(_START.findall(text, 0, _MAX_STARTS_CHARS))
    return 2 * sum(map(str.isupper, letters)) >= len(letters)


def split_at_ends(text: str, start: int, *, capitals: bool) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence of `text` from `start` on, with the blanks around it.

    `capitals` says that the writer begins sentences with capital letters.
    """
    for end in _END.finditer(text, start):
        if _is_end(text, start, end, capitals=capitals):
            yield start, end.end()
            start = end.end()
    yield start, len(text)


def _is_end(text: str, start: int, end: re.Match[str], *, capitals: bool) -> bool:
    mark = end[0][0]
    if mark not in ".!?…":
        return True
    if not text[end.end()].isspace():
        return False
    following = _WORD_AFTER.match(text, end.end())
    word_after = following[1] if following else ""
    goes_on = word_after[:1].islower() and capitals
    if mark in "!?":
        # a quotation within a sentence: "Item not found!" appears
        return not (goes_on and len(end[0]) > 1)
    words = text[max(start, end.start() - _WORDS_CHARS) : end.start()].split()
    if not words or words[-1][-1] in ".!?…":
        return not goes_on
    word = words[-1].lstrip(_OPENING_MARKS)
    return ends_sentence(word, words[-2] if len(words) > 1 else "", word_after, capitals=capitals)
