"""Text of tickets as people may see it: characters that hide, or that turn the direction of others, show.

What a stranger wrote is escaped, and its control characters stand as their names. Joiners stay: emoji and
several scripts need them.
"""

from __future__ import annotations

import re
import unicodedata

from markupsafe import Markup, escape

NAMES = {
    "\u00ad": "SHY",
    "\u061c": "ALM",
    "\u180e": "MVS",
    "\u200b": "ZWSP",
    "\u200e": "LRM",
    "\u200f": "RLM",
    "\u2028": "LSEP",
    "\u2029": "PSEP",
    "\u202a": "LRE",
    "\u202b": "RLE",
    "\u202c": "PDF",
    "\u202d": "LRO",
    "\u202e": "RLO",
    "\u2060": "WJ",
    "\u2066": "LRI",
    "\u2067": "RLI",
    "\u2068": "FSI",
    "\u2069": "PDI",
    "\ufeff": "BOM",
}
"""The short names that Unicode gives to some characters that have no shape."""

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def name_of(char: str) -> str:
    """As in `RLO`, or `U+0007` for a character without a short name."""
    return NAMES.get(char) or f"U+{ord(char):04X}"


def visible(text: object) -> Markup:
    """The text for an element: escaped, with a mark in the place of each hidden character."""
    parts: list[Markup] = []
    end = 0
    shown = str(text).replace("\r\n", "\n")
    for found in _HIDDEN.finditer(shown):
        title = unicodedata.name(found[0], "control character").lower()
        mark = Markup('<span class="control" title="{}">{}</span>').format(title, name_of(found[0]))
        parts += [escape(shown[end : found.start()]), mark]
        end = found.end()
    return Markup("").join([*parts, escape(shown[end:])])


def plain(text: object) -> str:
    """The text for an attribute or a title: on one line, with `[RLO]` in the place of a hidden character."""
    line = " ".join(str(text).split())
    return _HIDDEN.sub(lambda found: f"[{name_of(found[0])}]", line)
