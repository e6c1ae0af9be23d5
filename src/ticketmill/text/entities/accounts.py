"""IBANs and card numbers: digits that prove themselves by a checksum."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from ticketmill.domain.entities import EntityKind, Mention

_COUNTRIES = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24"
    " FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28"
    " LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29"
    " RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TN24 TR26 UA29 VA22 VG24 XK20"
)
IBAN_LENGTHS = {each[:2]: int(each[2:]) for each in _COUNTRIES.split()}
"""Characters of an IBAN, by country."""

_IBAN = re.compile(r"(?<![\w-])[a-z]{2}\d{2}(?=[\s\u00a0-]?[a-z\d])", re.I)
_CARD = re.compile(
    r"(?<![\w.,/+-])[2-6]\d{3}(?:[ \u00a0-]?\d){9,15}(?!\w|[.,-]\d)"
    r"|(?<![\w*•])[*•xX](?:[ \u00a0-]?[*•xX]){7,14}(?:[ \u00a0-]?\d){4}(?![\w*•]|[.,-]\d)"
)
_SEPARATOR = re.compile(r"[ \u00a0\u202f-]")
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"
    r"|(?:6011|65\d\d|64[4-9]\d)\d{12}|35\d{14}|62\d{14,17}|5[06-8]\d{14}"
)
MASK = "*"
SHOWN_DIGITS = 4


def find_ibans(text: str) -> Iterator[Mention]:
    """IBANs, in groups or not, of their country's length and with the right check digits."""
    for found in _IBAN.finditer(text):
        length = IBAN_LENGTHS.get(found[0][:2].upper())
        if length and (number := _iban_of(length).match(text, found.start())):
            compact = _SEPARATOR.sub("", number[0]).upper()
            if is_iban(compact):
                yield Mention(EntityKind.IBAN, *number.span(), compact)


@cache
def _iban_of(length: int) -> re.Pattern[str]:
    return re.compile(rf"[A-Za-z0-9](?:[ \u00a0\u202f-]*[A-Za-z0-9]){{{length - 1}}}(?![^\W_])")


def is_iban(compact: str) -> bool:
    """Whether the check digits are right: modulo 97, with letters as numbers."""
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def find_cards(text: str) -> Iterator[Mention]:
    """Numbers of payment cards, also those that are masked already.

    The normalised form is masked but for the last four digits.
    """
    for found in _CARD.finditer(text):
        signs = _SEPARATOR.sub("", found[0])
        is_masked = not signs.isdigit()
        if is_masked or (_ISSUERS.fullmatch(signs) and is_luhn(signs)):
            hidden = len(signs) - SHOWN_DIGITS
            yield Mention(EntityKind.CARD, *found.span(), MASK * hidden + signs[hidden:])


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the right one for those before it."""
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(sum(divmod(2 * number, 10)) for number in numbers[1::2])) % 10 == 0


def masked_digits(value: str) -> str:
    """`value` with all digits but the last four masked, as long as it was."""
    hidden = sum(char.isdigit() for char in value) - SHOWN_DIGITS
    parts = []
    for char in value:
        parts.append(MASK if char.isdigit() and hidden > 0 else char)
        hidden -= char.isdigit()
    return "".join(parts)
