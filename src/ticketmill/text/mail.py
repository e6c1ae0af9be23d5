"""Quoted and forwarded mail in a ticket's text, with the headers that mail programs put above it.

The text is looked through line by line. A header that stands above the whole text hides nothing below it, and
where nothing of the writer's own would be left, what is quoted stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ticketmill.domain.spans import Span, TextKind
from ticketmill.text.attributions import attribution_ending_at, is_groupwise
from ticketmill.text.forwards import (
    is_forward,
    is_forward_marker,
    is_original_marker,
    is_reply_line,
    may_hold_reply_line,
    only_points,
)
from ticketmill.text.lines import Line, lines_of, spans_of
from ticketmill.text.notices import is_footer
from ticketmill.text.reply_headers import HeaderBlock, header_block
from ticketmill.text.signatures import is_signature_line

_RULE = re.compile(r"\s*[_\-=*]{5,}\s*$")
_QUOTED = re.compile(r"[ \t]*(?:>|&gt;|\|\s)")
_COMPARED = re.compile(r"\s*>=?\s?[\d$€£]")
_PROMPT = re.compile(
    r"\s*(?:>>> ?(?:\w+\.\w|\w+\(|\w+ = |import |from \w+ import |print)"
    r"|>\s?(?:npm|git|cd|ls|curl|pip|GET|PUT|POST|PATCH|DELETE|SELECT)\s)"
)
_BAR = re.compile(r"\|\s[^|]*[^|\s][^|]*$")
_OPENS_QUOTATION = ('"', "“", "„", "«", "'", "‘", "「", "»")
_FENCES = ("--", "__", "==", "——", "~~")
_HEADER_SIGNS = (":", "：", *_FENCES, "**")
_MARKS = (">", "&", "|")
_MAX_SAMPLE = 400
"""Characters of the writer's own words that tell whether they only point to what is below."""
_FORWARD_ENDS = re.compile(r"[\s\-–—_=]*end (?:of )?forwarded (?:message|mail)", re.IGNORECASE)


def mail_spans(text: str, *, subject: str = "") -> list[Span]:
    """Quoted and forwarded mail in `text`, a ticket's body. `subject` may tell that it is forwarded."""
    if not _may_hold_mail(text):
        return []
    scan = _Scan(lines_of(text), forwards=is_forward(subject), replies=may_hold_reply_line(text))
    scan.run()
    return spans_of(scan.lines, scan.kinds)


def _may_hold_mail(text: str) -> bool:
    """Whether `text` has any of the characters that a quoted mail cannot do without."""
    if ">" in text or "&gt;" in text or "\n| " in text or may_hold_reply_line(text):
        return True
    return "\n" in text and (":" in text or "：" in text or any(map(text.__contains__, _FENCES)))


class _Scan:
    """One pass over a text's lines, which says of each what it is."""

    def __init__(self, lines: Sequence[Line], *, forwards: bool, replies: bool) -> None:
        self.lines = lines
        self.kinds: list[TextKind | None] = [None] * len(lines)
        self._forwards = forwards
        self._replies = replies
        self._rest: TextKind | None = None
        """What the lines are that carry no mark, from here on."""
        self._headers: set[int] = set()
        self._own = ""
        self._passed_on = ""

    def run(self) -> None:
        index = 0
        while index < len(self.lines):
            line = self.lines[index]
            index = index + 1 if line.blank else self._step(index, line)
        self._pass_on_what_is_marked()
        if self._nothing_is_left():
            self._keep_all_but_headers()

    def _step(self, index: int, line: Line) -> int:
        """Say what line `index` is, and give the number of the next to look at."""
        text = line.text
        if text.lstrip()[:1] in _MARKS:
            if is_groupwise(text):
                return self._attributed(index, index + 1)
            if _QUOTED.match(text) and (self._rest or self._is_quoted(index)):
                self.kinds[index] = TextKind.QUOTE
                return index + 1
        if self._replies and is_reply_line(text):
            return self._reply_line(index)
        if not any(map(text.__contains__, _HEADER_SIGNS)):
            return self._unmarked(index)
        return self._header(index, text)

    def _header(self, index: int, text: str) -> int:
        """The same for a line that has any of the signs of a header."""
        if is_forward_marker(text):
            return self._forwarded(index)
        if self._rest and _FORWARD_ENDS.match(text):
            self._mark_header(index, index + 1)
            self._rest = None
            return index + 1
        block = self._announced_block(index) or header_block(self.lines, index)
        if block is not None:
            return self._quoted_below(block)
        attribution = attribution_ending_at(self.lines, index)
        if attribution is not None and (attribution.certain or self._next_is_quoted(attribution.end)):
            for earlier in range(index - 1, attribution.first - 1, -1):
                self._own = self._own.removesuffix(self.lines[earlier].text + "\n")
            return self._attributed(attribution.first, attribution.end)
        return self._unmarked(index)

    def _is_quoted(self, index: int) -> bool:
        """Whether ">" at the head of line `index` marks a quote, not a comparison or a prompt."""
        text = self.lines[index].text
        before = self._line_before(index)
        if before is not None and self.kinds[before] is TextKind.QUOTE:
            return True
        if text.lstrip().startswith("|"):
            return _BAR.match(text) is not None and self._next_is_barred(index + 1)
        if before is not None and self._is_shown(index, before):
            return False
        return not (_COMPARED.match(text) and not self._next_is_quoted(index + 1)) and not _PROMPT.match(text)

    def _next_is_barred(self, index: int) -> bool:
        return index < len(self.lines) and _BAR.match(self.lines[index].text) is not None

    def _is_shown(self, index: int, before: int) -> bool:
        """Whether the writer shows a single line to the reader: "The app says: > Payment failed."."""
        if self._next_is_quoted(index + 1):
            return False
        return self.lines[before].text.rstrip().endswith((":", "："))

    def _next_is_quoted(self, index: int) -> bool:
        following = self._next_line(index)
        return following is not None and _QUOTED.match(self.lines[following].text) is not None

    def _line_before(self, index: int) -> int | None:
        return next((at for at in range(index - 1, -1, -1) if not self.lines[at].blank), None)

    def _next_line(self, index: int) -> int | None:
        """The first line from `index` on with anything in it."""
        return next((at for at in range(index, len(self.lines)) if not self.lines[at].blank), None)

    def _mark_header(self, first: int, end: int) -> None:
        for index in range(first, end):
            self.kinds[index] = TextKind.QUOTE
            self._headers.add(index)

    def _unmarked(self, index: int) -> int:
        """Say that line `index` is what all lines without a mark are from here on."""
        kind = self.kinds[index] = self._rest
        if kind is None and len(self._own) < _MAX_SAMPLE:
            self._own += self.lines[index].text + "\n"
        elif kind is TextKind.FORWARDED and len(self._passed_on) < _MAX_SAMPLE:
            self._passed_on += self.lines[index].text + "\n"
        return index + 1

    def _announced_block(self, index: int) -> HeaderBlock | None:
        """The header block below a rule or "Original Message" at line `index`, with that line."""
        text = self.lines[index].text
        original = is_original_marker(text)
        if not original and not _RULE.match(text):
            return None
        following = self._next_line(index + 1)
        block = None if following is None else header_block(self.lines, following, announced=original)
        if block is not None:
            return HeaderBlock(index, block.end)
        return HeaderBlock(index, index + 1) if original else None

    def _quoted_below(self, block: HeaderBlock) -> int:
        """A header block: what is unmarked below it is quoted, unless nothing of the writer's is above."""
        own = self._own
        self._mark_header(block.first, block.end)
        if self._rest is TextKind.FORWARDED and only_points(self._passed_on):
            return block.end
        if self._next_is_quoted(block.end):
            return block.end
        if self._rest is None and not own:
            return block.end
        points = self._rest is None and (self._forwards or only_points(own))
        self._rest = TextKind.FORWARDED if points else TextKind.QUOTE
        return block.end

    def _forwarded(self, index: int) -> int:
        """A line that announces a forwarded mail, its header, and the mail."""
        end = index + 1
        following = self._next_line(end)
        if following is not None:
            block = header_block(self.lines, following, announced=True)
            end = block.end if block is not None else end
        self._mark_header(index, end)
        following = self._next_line(end)
        if following is not None and _QUOTED.match(self.lines[following].text):
            while end < len(self.lines) and (self.lines[end].blank or _QUOTED.match(self.lines[end].text)):
                self.kinds[end] = TextKind.FORWARDED
                end += 1
            return end
        self._rest = TextKind.FORWARDED
        return end

    def _reply_line(self, index: int) -> int:
        """A ticket system's line: what is below it is quoted, unless nothing of the writer's is above."""
        before = self._line_before(index)
        if before is not None and self.kinds[before] is None and _RULE.match(self.lines[before].text):
            self.kinds[before] = TextKind.BANNER
            self._own = self._own.removesuffix(self.lines[before].text + "\n")
        self.kinds[index] = TextKind.BANNER
        self._headers.add(index)
        if self._own and self._rest is None:
            self._rest = TextKind.QUOTE
        return index + 1

    def _attributed(self, first: int, end: int) -> int:
        """ "On … wrote:": what is marked below it is quoted; without marks, all of the rest is."""
        following = self._next_line(end)
        marked = self._next_is_quoted(end)
        if not marked and following is not None:
            text = self.lines[following].text
            if text.lstrip().startswith(_OPENS_QUOTATION):
                self.kinds[end - 1] = self._rest
                return end
            if _is_indented(text):
                return self._indented(first, end, following)
        self._mark_header(first, end)
        if not marked and self._own and self._rest is None:
            self._rest = TextKind.QUOTE
        return end

    def _indented(self, first: int, end: int, index: int) -> int:
        """A quote that the mail program has indented instead of marking it."""
        self._mark_header(first, end)
        while index < len(self.lines) and (self.lines[index].blank or _is_indented(self.lines[index].text)):
            self.kinds[index] = TextKind.QUOTE
            index += 1
        return index

    def _pass_on_what_is_marked(self) -> None:
        """Below words that only point to it, and in a forwarded mail, what is marked as quoted is meant."""
        if self._headers or TextKind.QUOTE not in self.kinds:
            return
        first = self.kinds.index(TextKind.QUOTE)
        own = self._own
        below = zip(self.lines[first:], self.kinds[first:], strict=True)
        if not all(kind or line.blank or _is_no_answer(line.text) for line, kind in below):
            return
        if own and (self._forwards or (only_points(own) and len(own) > len(own.split()[0]))):
            self.kinds = [TextKind.FORWARDED if kind is TextKind.QUOTE else kind for kind in self.kinds]

    def _nothing_is_left(self) -> bool:
        kinds = {kind for line, kind in zip(self.lines, self.kinds, strict=True) if not line.blank}
        return None not in kinds and TextKind.FORWARDED not in kinds

    def _keep_all_but_headers(self) -> None:
        self.kinds = [kind if index in self._headers else None for index, kind in enumerate(self.kinds)]


def _is_no_answer(text: str) -> bool:
    return is_signature_line(text) or is_footer(text)


def _is_indented(text: str) -> bool:
    return text.startswith(("    ", "\t", "  > "))
