"""Where known values stand in a text, with other separators than theirs, or with none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

Span = tuple[int, int]

SIGN = re.compile(r"[^\W_]")
"""A letter or a digit: what a value is told by."""
_GAP = re.compile(r"[\s()./-]{0,3}")
_INSIDE = re.compile(r"\w")


class KnownValues:
    """Finds values that are known, whatever the case of their letters.

    Up to three separators may stand between two letters or digits. An e-mail address is found only as it is
    written.
    """

    def __init__(self, values: Iterable[str]) -> None:
        folded = {_folded(value) for value in values if SIGN.search(value)}
        self._addresses = {value for value in folded if not value.isalnum() and any(map(str.isalpha, value))}
        self._signs = {"".join(SIGN.findall(value)) for value in folded - self._addresses}

    def find(self, text: str) -> list[Span]:
        """Their spans in order; of two that overlap, the first."""
        if not self._addresses and not self._signs:
            return []
        text = _folded(text)
        found = [span for address in self._addresses for span in _find_address(text, address)]
        places = [sign.start() for sign in SIGN.finditer(text)]
        signs = "".join(map(text.__getitem__, places))
        found += [span for sought in self._signs for span in _find_signs(text, signs, places, sought)]
        return list(_without_overlaps(sorted(found)))


def _find_address(text: str, address: str) -> Iterator[Span]:
    at = text.find(address)
    while at >= 0:
        yield at, at + len(address)
        at = text.find(address, at + len(address))


def _find_signs(text: str, signs: str, places: list[int], sought: str) -> Iterator[Span]:
    """`signs` are the letters and digits of `text`, and `places` says where they stand."""
    at = signs.find(sought)
    while at >= 0:
        own = places[at : at + len(sought)]
        start, end = own[0], own[-1] + 1
        is_apart = not _INSIDE.match(text, end) and not (start and _INSIDE.match(text, start - 1))
        if is_apart and all(_GAP.fullmatch(text, one + 1, other) for one, other in pairwise(own)):
            yield start, end
        at = signs.find(sought, at + 1)


def _without_overlaps(spans: Iterable[Span]) -> Iterator[Span]:
    last = 0
    for start, end in spans:
        if start >= last:
            yield start, end
            last = end


def _folded(text: str) -> str:
    """`text` in small letters, as long as it was."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)
