"""Parts of a ticket's text as a summary shows them: on one line, without markup, of a limited length."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketmill.text.scripts import UNSPACED

MAX_CHARS = 2000
"""A single piece may be a word of any length."""
ELLIPSIS = "…"
TRAILING = " ,;:-\u2013"

_ENDED = re.compile(r"[.!?…。！？｡][\"')\]」』）\u201d\u201c\u00bb]*$")  # noqa: RUF001
# the encoder leaves them out too
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_TAGS = (
    "a|abbr|article|b|blockquote|body|br|center|code|dd|del|details|div|dl|dt|em|font|footer|h[1-6]|head|header|hr|html|i"
    "|img|li|main|meta|o:p|ol|p|pre|s|section|small|span|strike|strong|style|sub|summary|sup|table|tbody|td|th|thead|tr"
    "|tt|u|ul"
)
_MARKUP = re.compile(
    r"<!--.*?(?:-->|$)"
    rf"|</?(?:{_TAGS})(?:\s[^<>]{{0,500}})?/?>"
    r"|\{\{[^{}]{0,200}\}\}|%[A-Z][A-Z_]{2,40}%"
    r"|\{/?(?:code|noformat|quote|panel|color|info|warning|tip)(?::[^{}]{0,100})?\}"
    r"|\\r\\n|\\n(?![a-z]{2})|```\w*|\*{2,}|~~|(?<!\w)__(?=\w)|(?<=\w)__(?!\w)|^(?:#{1,6}|h[1-6]\.|bq\.)\s"
    r"|(?<!\w)[*](?=[^\s*][^*]{0,200}[^\s*][*](?!\w))|(?<=[^\s*])[*](?!\w)"
    r"|(?<!`)`(?!`)",
    re.DOTALL,
)
_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\((?:[^()\s]|\([^()]*\)){0,500}(?:\s+\"[^\"]*\")?\)")
_SIGNS = frozenset("<{%\\`*~_#[.")


class Excerpt(NamedTuple):
    """The characters `start` to `end` of an encoded text, and how a summary shows them."""

    text: str
    start: int
    end: int
    first_piece: int
    last_piece: int
    """The piece after the last one."""
    pieces: int
    """Word pieces that are shown, with an ellipsis."""

    @property
    def is_ended(self) -> bool:
        """Whether it ends as a sentence does."""
        return _ENDED.search(self.text[-8:]) is not None

    @property
    def pieces_with_end(self) -> int:
        """Word pieces with the full stop that it needs before another sentence."""
        return self.pieces + (not self.is_ended)


class EncodedText:
    """A text with the offsets of its word pieces."""

    def __init__(self, text: str, offsets: NDArray[np.int32]) -> None:
        """`offsets` (pieces, 2): start and end of each piece, in characters."""
        self.text = text
        self._starts, self._ends = offsets[:, 0], offsets[:, 1]
        self.read_end = int(self._ends[-1]) if len(offsets) else 0
        """Where the last encoded piece ends."""

    def excerpt(self, start: int, end: int, max_pieces: int) -> Excerpt:
        """`start` to `end` on one line.

        It is cut before the first word beyond `max_pieces`, and after the last encoded piece.
        """
        first = int(np.searchsorted(self._starts, start, side="left"))
        last = int(np.searchsorted(self._ends, end, side="right"))
        shown_end = min(end, self.read_end) if self.read_end else end
        shown_last = last
        if last - first > max_pieces or shown_end - start > MAX_CHARS:
            # one piece for the ellipsis
            within = int(np.searchsorted(self._ends, start + MAX_CHARS, side="right"))
            shown_last = max(min(first + max_pieces - 1, within), first)
            shown_end = self._word_end(start, shown_last) if shown_last > first else start + MAX_CHARS
        text = one_line(self.text[start:shown_end])
        if text and _has_more(self.text[shown_end : min(end, shown_end + MAX_CHARS)]):
            return Excerpt(
                f"{text.rstrip(TRAILING)} {ELLIPSIS}", start, end, first, last, max(shown_last - first, 1) + 1
            )
        return Excerpt(text, start, end, first, last, shown_last - first)

    def _word_end(self, start: int, piece: int) -> int:
        """Where to cut before `piece`: between words, where there are any."""
        end = int(self._starts[piece])
        around = self.text[end - 1 : end + 1]
        if around.isalnum() and not UNSPACED.search(around):
            blank = max(self.text.rfind(blank, start, end) for blank in " \n\t")
            return blank if blank > start else end
        return end


def joined(encoded: EncodedText, excerpts: list[Excerpt]) -> str:
    """The excerpts as sentences one after the other, no two of them as one."""
    text = ""
    for excerpt, following in zip_longest(excerpts, excerpts[1:]):
        shown = excerpt.text
        if following is None:
            shown = shown.rstrip(TRAILING)
        elif not excerpt.is_ended and not _introduces(encoded.text, excerpt, following):
            shown = shown.rstrip(TRAILING) + ("。" if UNSPACED.match(shown[-1:]) else ".")
        if text and len(text) + len(shown) >= MAX_CHARS:
            break
        text = f"{text}{shown}" if not text or UNSPACED.match(shown) else f"{text} {shown}"
    return text


def one_line(text: str) -> str:
    """`text` without markup, control characters and line breaks."""
    if not _SIGNS.isdisjoint(text):
        text = _MARKUP.sub(_gap, _LINK.sub(r"\1", text))
    return " ".join(_CONTROL.sub("", text).split())


def _gap(match: re.Match[str]) -> str:
    """A blank where markup stood between two words."""
    before, after = (
        match.string[match.start() - 1 : match.start()],
        match.string[match.end() : match.end() + 1],
    )
    return " " if before.isalnum() and after.isalnum() else ""


def _introduces(text: str, excerpt: Excerpt, following: Excerpt) -> bool:
    """Whether `excerpt` ends with a colon, and what it introduces comes next."""
    between = text[excerpt.end : following.start]
    return excerpt.text.endswith((":", "：")) and not any(map(str.isalpha, between))  # noqa: RUF001


def _has_more(rest: str) -> bool:
    return any(map(str.isalnum, rest))
