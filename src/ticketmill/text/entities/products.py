"""Names of products, by a list of the user's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ticketmill.domain.entities import EntityKind, Mention

_BLANKS = re.compile(r"\s+")


class Products:
    """Finds products. `names` has for each spelling the product that it stands for.

    Capitals and small letters count as the same, and so do all blanks.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = {_folded(spelling): name for spelling, name in names.items()}
        spellings = sorted(self._names, key=len, reverse=True)
        either = "|".join(r"\s+".join(map(re.escape, spelling.split())) for spelling in spellings)
        self._pattern = re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.I) if either else None

    def find(self, text: str) -> Iterator[Mention]:
        """Products, normalised to their name in the list."""
        for found in self._pattern.finditer(text) if self._pattern else ():
            name = self._names.get(_folded(found[0]), found[0])
            yield Mention(EntityKind.PRODUCT, found.start(), found.end(), name)


def _folded(name: str) -> str:
    return _BLANKS.sub(" ", name.strip()).lower()
