"""A text as lines with their offsets, and who speaks in a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ticketmill.domain.spans import Span, TextKind


class Line(NamedTuple):
    """One line of a text, without the characters that end it."""

    start: int
    end: int
    text: str

    @property
    def blank(self) -> bool:
        """Whether there is nothing to see."""
        return not self.text or self.text.isspace()


def lines_of(text: str) -> list[Line]:
    """The lines of `text`, in order."""
    lines = []
    start = 0
    for each in text.split("\n"):
        lines.append(Line(start, start + len(each), each))
        start += len(each) + 1
    return lines


def paragraphs_of(lines: Sequence[Line]) -> list[tuple[int, int]]:
    """The runs of lines without a blank one among them, as the indexes of their first line and their end."""
    found = []
    first = None
    for index, line in enumerate(lines):
        if not line.blank:
            first = index if first is None else first
        elif first is not None:
            found.append((first, index))
            first = None
    return [*found, (first, len(lines))] if first is not None else found


def spans_of(lines: Sequence[Line], kinds: Sequence[TextKind | None]) -> list[Span]:
    """One span for each run of lines of the same kind. Blank lines belong to the run that they lie in."""
    spans: list[Span] = []
    run: Span | None = None
    for line, kind in zip(lines, kinds, strict=True):
        if line.blank:
            continue
        start = line.start + len(line.text) - len(line.text.lstrip())
        end = line.start + len(line.text.rstrip())
        if run is not None and run.kind == kind:
            run = run._replace(end=end)
            continue
        if run is not None:
            spans.append(run)
        run = Span(start, end, kind) if kind is not None else None
    return [*spans, run] if run is not None else spans


def blanked(text: str, spans: Iterable[Span]) -> str:
    """`text` with `spans` blanked at equal length. Line breaks stay."""
    parts: list[str] = []
    end = 0
    for span in spans:
        parts += (text[end : span.start], _INK.sub(" ", text[span.start : span.end]))
        end = span.end
    return "".join((*parts, text[end:]))


_INK = re.compile(r"\S")

# "we" and "our" are in every footer, "I" and "my" in hardly any; words that mean something else in another
# of the languages ("mit", "min", "mon", "ja") are left out
_FIRST_PERSON = re.compile(
    r"\bI\b(?!\.)|\bi(?:'m|’m|'ve|’ve|'ll|’ll| am| have| was| need| want| can)\b"
    r"|\b(?:[Mm]y|[Mm]e|[Mm]yself"
    r"|[Ii]ch|[Mm]ir|[Mm]ich|[Mm]ein(?:e[mnrs]?)?"
    r"|[Jj]e|[Mm]oi|[Yy]o|[Mm]i|[Mm]is|[Ee]u|[Mm]eus?|[Mm]inhas?|[Ii]o|[Mm]io|[Mm]ia"
    r"|[Ii]k|[Mm]ijn|[Jj]eg|[Mm]ig|[Mm]nie|[Mm]ój|[Mm]oja|[Mm]oje|[Mm]ojego)\b"
    r"|\b[Jj]['’]\w|私|僕|弊社の(?:担当|端末)",
)


def in_first_person(text: str) -> bool:
    """Whether somebody speaks of themselves in `text`, in one of the ten languages."""
    return _FIRST_PERSON.search(text) is not None
