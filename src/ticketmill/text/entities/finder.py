"""All entities of a text: each kind looks at what those before it left."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping

from ticketmill.domain.entities import Mention
from ticketmill.text.entities.accounts import find_cards, find_ibans
from ticketmill.text.entities.amounts import find_amounts
from ticketmill.text.entities.dates import find_dates
from ticketmill.text.entities.error_codes import find_error_codes
from ticketmill.text.entities.numbers import find_numbers
from ticketmill.text.entities.phones import Normalise, find_phones, plain_form
from ticketmill.text.entities.products import Products
from ticketmill.text.entities.times import find_times
from ticketmill.text.entities.versions import find_versions
from ticketmill.text.entities.web import find_emails, find_ips, find_urls

MAX_CHARS = 20_000
"""Of a text, from its beginning: twice what the encoder takes. What is after them is not searched."""
MAX_MENTIONS = 200

_WITHOUT_DIGITS = (find_emails, find_urls)
_WITH_DIGITS = (
    find_ips,
    find_ibans,
    find_cards,
    find_dates,
    find_times,
    find_amounts,
    find_numbers,
    find_error_codes,
    find_versions,
)
_DIGIT = re.compile(r"\d")


class EntityFinder:
    """Finds entities: `products` are the user's own, `phone_form` decides what is a phone number."""

    def __init__(self, products: Mapping[str, str] | None = None, phone_form: Normalise = plain_form) -> None:
        self._products = Products(products or {})
        self._phone_form = phone_form

    def find(self, text: str) -> tuple[Mention, ...]:
        """The entities of `text` in order, without overlaps: at most the first 200.

        Of two that overlap the one of the surer kind stays.
        """
        return self.find_all(text[:MAX_CHARS])[:MAX_MENTIONS]

    def find_all(self, text: str) -> tuple[Mention, ...]:
        """The same without a limit."""
        chosen = _Chosen()
        for mention in self._candidates(text):
            chosen.add(mention)
        return tuple(chosen.mentions)

    def _candidates(self, text: str) -> Iterator[Mention]:
        """Entities that may overlap, the surer kinds first."""
        for find in _WITHOUT_DIGITS:
            yield from find(text)
        yield from self._products.find(text)
        if _DIGIT.search(text):
            for find in _WITH_DIGITS:
                yield from find(text)
            yield from find_phones(text, self._phone_form)
        else:
            yield from find_error_codes(text)


class _Chosen:
    """Mentions in order; one that overlaps another is refused."""

    def __init__(self) -> None:
        self.mentions: list[Mention] = []
        self._starts: list[int] = []

    def add(self, mention: Mention) -> None:
        at = bisect_left(self._starts, mention.start)
        is_free = at == 0 or self.mentions[at - 1].end <= mention.start
        if is_free and (at == len(self._starts) or mention.end <= self._starts[at]):
            self.mentions.insert(at, mention)
            self._starts.insert(at, mention.start)
