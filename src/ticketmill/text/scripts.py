"""Words of a text, also where its script has no blanks between them."""

from __future__ import annotations

import re

# Han, kana, Thai, Lao, Burmese, Khmer
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)


def count_words(text: str) -> int:
    """Words between blanks. A character of a script without blanks counts as one: it is a word piece."""
    count = len(text.split())
    return count if text.isascii() else count + len(UNSPACED.findall(text))
