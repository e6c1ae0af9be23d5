"""A ticket's text without links, @handles and escaped HTML, which carry no meaning for the models."""

from __future__ import annotations

import re

ENTITIES = {
    "&amp;": "&",
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&apos;": "'",
    "&#39;": "'",
    "&nbsp;": " ",
}

# an address has its @ inside a word, a handle has it before one
_NOISE = re.compile(rf"https?://\S+|www\.\S+|(?<![\w.])@\w+|{'|'.join(ENTITIES)}")


def plain_text(text: str) -> str:
    """`text` with links and handles blanked and entities decoded. Its length and all offsets stay the same.

    Handles and links are names, not words. The encoder splits each into a dozen word pieces, which outweigh
    a short message.
    """
    # most tickets have none, and a search for three characters is far cheaper than the pattern
    if "@" in text or "&" in text or "://" in text or "www." in text:
        return _NOISE.sub(_blank, text)
    return text


def _blank(match: re.Match[str]) -> str:
    found = match[0]
    return ENTITIES.get(found, "").ljust(len(found))
