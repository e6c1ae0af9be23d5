"""Phone numbers: in international form, or beside a word of phones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ticketmill.domain.entities import EntityKind, Mention

Normalise = Callable[[str], str | None]
"""A phone number in international form, None for digits that are none."""

_GROUPS = r"(?:[ \u00a0.-]{0,2}(?:(?:\(\d{1,4}\)|/)[ \u00a0.-]{0,2})?\d){%s}"
_INTERNATIONAL = re.compile(
    rf"(?<![\w.,/+-])(?:\+|00)[1-9]{_GROUPS % '6,14'}(?:\s?(?:ext|x)\.?\s?\d{{1,5}})?(?![\w]|[.,/-]\d)"
)
_NATIONAL = re.compile(
    rf"(?<![\w.,/:+$€£#-])(?:\(\d{{2,5}}\)[ -]?\d|\d){_GROUPS % '5,13'}"
    r"(?:\s?(?:ext|x)\.?\s?\d{1,5})?(?![\w]|[.,/:-]\d)"
)
_NORTH_AMERICA = re.compile(r"(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}")
_WORDS = (
    r"phone|telephone|tel|mobile|mob|cell|cellphone|call|calls|called|calling|ring|rang|dial|dial-in|reach"
    r"|reachable|text me"
    r"|sms|fax|hotline|number is|whatsapp|landline|contact number|callback|call back|call me|telefon"
    r"|telefonnummer|handy"
    r"|handynummer|mobil|rufnummer|rückruf|anrufen|erreichbar|téléphone|telephone|tél|portable|appeler"
    r"|rappeler|joindre"
    r"|joignable|teléfono|telefono|móvil|movil|celular|llamar|llámame|llámenme|telefone|telemóvel|ligar"
    r"|ligue|cellulare"
    r"|chiamare|chiamatemi|telefoonnummer|telefoon|mobiel|bellen|bel|bel me|bereikbaar|gsm"
)
_BEFORE = re.compile(rf"(?<![\w-])(?:{_WORDS})\b[^\d\n.!?;+]{{0,28}}(?:[.:]{{1,2}} ?)?$", re.I)
_OF_SOMETHING_ELSE = re.compile(
    r"(?:order|invoice|ticket|case|customer|account|reference|ref|booking|serial|policy|contract|parcel"
    r"|tracking|meter|driver"
    r"|bestell\w*|rechnung\w*|kunden\w*|auftrag\w*|vertrag\w*|commande|facture|dossier|client|contrat"
    r"|pedido|factura|cliente"
    r"|ordine|fattura|bestelling|factuur|klant\w*)[^\d\n.!?;]{0,16}$",
    re.I,
)
REACH = 44
MIN_DIGITS = 7
MAX_DIGITS = 15
CLEAR_DIGITS = 13


def plain_form(value: str) -> str | None:
    """The digits, with a plus for the international form; no country is added."""
    bare = re.split(r"\s?(?:ext|x)", value, maxsplit=1, flags=re.I)[0]
    is_international = bare.startswith(("+", "00"))
    bare = bare.replace("(0)", "") if is_international else bare
    digits = re.sub(r"\D", "", bare)
    if is_international and not bare.startswith("+"):
        digits = digits[2:]
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS or len(set(digits)) < 3:
        return None
    return f"+{digits}" if is_international else digits


def find_phones(text: str, normalise: Normalise = plain_form) -> Iterator[Mention]:
    """Phone numbers. `normalise` has the last word on what is one."""
    for pattern in (_INTERNATIONAL, _NATIONAL):
        for found in pattern.finditer(text):
            start, end = found.start(), found.end()
            before = text[max(start - REACH, 0) : start]
            if _OF_SOMETHING_ELSE.search(before):
                continue
            is_clear = pattern is _INTERNATIONAL and _is_clear(found[0])
            if not (is_clear or _NORTH_AMERICA.fullmatch(found[0]) or _BEFORE.search(before)):
                continue
            if normalised := normalise(text[start:end]):
                yield Mention(EntityKind.PHONE, start, end, normalised)


def _is_clear(value: str) -> bool:
    """Whether the international form needs no word before it: two zeros may begin any number."""
    return value.startswith("+") or sum(map(str.isdigit, value)) >= CLEAR_DIGITS
