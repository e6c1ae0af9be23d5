"""The text of a ticket in passages: the writer's own words with what is marked in them, and the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

MAX_INLINE_CHARS = 80
"""A gap within a line that is shorter is shown faint in its place; a longer one is folded."""


class Mark(NamedTuple):
    """Something to mark in the text: the words that spoke for a label, or an entity."""

    start: int
    end: int
    kind: str
    """`evidence` or `entity`; the name of a CSS class."""
    title: str


@dataclass(frozen=True, slots=True)
class Run:
    """Characters that have the same marks."""

    text: str
    kinds: tuple[str, ...] = ()
    title: str = ""
    is_own: bool = True


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of the text. `is_own` is False for what is folded."""

    runs: tuple[Run, ...]
    is_own: bool = True

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return "".join(run.text for run in self.runs).strip("\n").count("\n") + 1


Range = tuple[int, int]


def runs(text: str, start: int, end: int, marks: Sequence[Mark], is_own: bool = True) -> Iterator[Run]:
    """The characters from `start` to `end`, cut where a mark begins or ends."""
    here = [mark for mark in marks if mark.start < end and mark.end > start]
    cuts = {start, end, *(each for mark in here for each in mark[:2] if start < each < end)}
    bounds = sorted(cuts)
    for first, last in pairwise(bounds):
        over = [mark for mark in here if mark.start <= first and mark.end >= last]
        kinds = tuple(dict.fromkeys(mark.kind for mark in over))
        yield Run(text[first:last], kinds, "; ".join(mark.title for mark in over), is_own)


def passages(text: str, start: int, own: Iterable[Range], marks: Sequence[Mark]) -> list[Passage]:
    """The text from `start` on. Without any own range all of it is the writer's own."""
    ranges = [(max(first, start), last) for first, last in own if last > start] or [(start, len(text))]
    found: list[Passage] = []
    plain: list[Run] = []
    position = start
    for first, last in [*ranges, (len(text), len(text))]:
        gap = text[position:first]
        if _is_inline(gap):
            plain += runs(text, position, first, marks, is_own=not gap.strip())
        else:
            found += [*_own(plain), Passage(tuple(runs(text, position, first, marks, False)), is_own=False)]
            plain = []
        plain += runs(text, first, last, marks)
        position = last
    return [*found, *_own(plain)]


def _is_inline(gap: str) -> bool:
    """Whether a gap stays in its place: only blanks, or a few characters within a line."""
    return not gap.strip() or (len(gap) <= MAX_INLINE_CHARS and "\n" not in gap.strip(" \t"))


def _own(plain: Sequence[Run]) -> list[Passage]:
    return [Passage(tuple(plain))] if any(run.text.strip() for run in plain) else []


def phrase_marks(text: str, phrase: str, own: Sequence[Range], kind: str, title: str) -> list[Mark]:
    """The first place of a phrase within the writer's own words; none where it is not there."""
    for first, last in own or [(0, len(text))]:
        at = text.find(phrase, first, last)
        if phrase and at >= 0:
            return [Mark(at, at + len(phrase), kind, title)]
    return []
