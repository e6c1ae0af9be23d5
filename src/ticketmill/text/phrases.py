"""Lists of phrases, written down as running text."""

from __future__ import annotations


def phrases(text: str) -> tuple[str, ...]:
    """The phrases of `text`, which stand between bars and line breaks. Blanks count."""
    return tuple(each for each in text.replace("\n", "|").split("|") if each)
