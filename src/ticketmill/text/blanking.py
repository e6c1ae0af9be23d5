"""Equal length: what takes the place of text that is taken out, so that every offset still holds."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ticketmill.domain.spans import Span, TextKind

_SEEN = re.compile(r"\S+(?:[^\S\n]+\S+)*")


def blank(text: str) -> str:
    """Blanks as long as `text`. Line breaks stay."""
    if "\n" not in text:
        return " " * len(text)
    return "\n".join(" " * len(line) for line in text.split("\n"))


def blank_match(match: re.Match[str]) -> str:
    """`blank` as the replacement of a pattern."""
    return blank(match[0])


def fit(text: str, length: int) -> str:
    """`text`, padded to `length` characters."""
    return text[:length].ljust(length)


def without(text: str, spans: Iterable[Span]) -> str:
    """`text` with `spans` blanked. They are in order and do not overlap."""
    parts: list[str] = []
    at = 0
    for start, end, _ in spans:
        parts += (text[at:start], blank(text[start:end]))
        at = end
    return "".join((*parts, text[at:]))


def visible(text: str, kind: TextKind, start: int = 0, end: int | None = None) -> list[Span]:
    """Spans of `kind` around what can be seen of `text` from `start` to `end`, one a line."""
    return [
        Span(*found.span(), kind) for found in _SEEN.finditer(text, start, len(text) if end is None else end)
    ]
