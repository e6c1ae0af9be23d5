"""All entities of a text: each kind looks at what those before it left."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain

from ticketmill.domain.entities import EntityKind, Mention
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

Find = Callable[[str], Iterator[Mention]]

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
    """Finds entities: `products` are the user's own, `phone_form` decides what is a phone number.

    All patterns read the first `max_chars` of a text alone.
    """

    def __init__(
        self,
        products: Mapping[str, str] | None = None,
        phone_form: Normalise = plain_form,
        max_chars: int = MAX_CHARS,
    ) -> None:
        self._products = Products(products or {})
        self._phone_form = phone_form
        self._max_chars = max_chars
        self._maskable: dict[str, Find] = {
            EntityKind.EMAIL: find_emails,
            EntityKind.IBAN: find_ibans,
            EntityKind.CARD: find_cards,
            EntityKind.PHONE: self._phones,
        }

    def find(self, text: str) -> tuple[Mention, ...]:
        """The entities of `text` in order, without overlaps: at most the first 200.

        Of two that overlap the one of the surer kind stays.
        """
        text = text[: self._max_chars]
        return _without_overlaps(len(text), self._candidates(text))[:MAX_MENTIONS]

    def find_to_hide(self, text: str, kinds: Collection[str]) -> tuple[Mention, ...]:
        """Entities of the kinds that can be masked, anywhere in `text`.

        After `max_chars` no other kind is looked for, so that a date may pass for a phone number there:
        it is hidden rather than shown.
        """
        beginning = text[: self._max_chars]
        # what touches the cut may be the beginning of something else
        sure = (each for each in self._candidates(beginning) if each.end < self._max_chars)
        maskable = (
            mention for kind, find in self._maskable.items() if kind in kinds for mention in find(text)
        )
        chosen = _without_overlaps(len(text), chain(sure, maskable))
        return tuple(each for each in chosen if each.kind in kinds)

    def _candidates(self, text: str) -> Iterator[Mention]:
        """Entities that may overlap, the surer kinds first."""
        for find in _WITHOUT_DIGITS:
            yield from find(text)
        yield from self._products.find(text)
        if _DIGIT.search(text):
            for find in _WITH_DIGITS:
                yield from find(text)
            yield from self._phones(text)
        else:
            yield from find_error_codes(text)

    def _phones(self, text: str) -> Iterator[Mention]:
        return find_phones(text, self._phone_form)


def _without_overlaps(length: int, mentions: Iterable[Mention]) -> tuple[Mention, ...]:
    """Those of `mentions` in a text of `length` that overlap none before them, in the order of the text."""
    taken = bytearray(length)
    chosen = []
    for mention in mentions:
        span = slice(mention.start, mention.end)
        if not any(taken[span]):
            taken[span] = b"\1" * (mention.end - mention.start)
            chosen.append(mention)
    return tuple(sorted(chosen, key=lambda each: each.start))
