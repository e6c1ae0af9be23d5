"""Numbers of orders, invoices, tickets and customers: beside their word, or by their own prefix."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ticketmill.domain.entities import EntityKind, Mention

_WORDS = {
    EntityKind.ORDER_NUMBER: (
        r"orders?|(?-i:PO)|purchase order|sales order|booking|reservation|bestellung|bestell|auftrag|auftrags"
        r"|buchung|buchungs"
        r"|commandes?|réservation|pedidos?|orden|reserva|encomenda|ordine|ordini|prenotazione|bestelling"
        r"|bestel|boeking"
    ),
    EntityKind.INVOICE_NUMBER: (
        r"invoices?|inv|bill|rechnung|rechnungs|re\.?-|factures?|facturas?|faturas?|fatture|fattura"
        r"|factuur|facturen"
    ),
    EntityKind.TICKET_NUMBER: (
        r"tickets?|cases?|incidents?|support request|service request|request|reference|ref|our ref"
        r"|your ref|issue"
        r"|vorgang|vorgangs|fall|anfrage|aktenzeichen|geschäftszeichen|referenz|dossier|demande|référence"
        r"|réf|caso"
        r"|incidencia|referencia|solicitud|chamado|protocolo|referência|pratica|segnalazione|riferimento"
        r"|rif|zaak"
        r"|melding|kenmerk|dossiernummer"
    ),
    EntityKind.CUSTOMER_NUMBER: (
        r"customers?|cust|client|account|acct|member|membership|subscriber|user id|kunden|kunde|kd"
        r"|mitglieds?|konto"
        r"|clients?|compte|abonné|cliente|cuenta|socio|conta|codice cliente|conto|klanten|klant|lidmaatschap"
    ),
}
_NUMBER_WORD = (
    r"(?:number|numbers|num|nos?|nrs?|nummer|nummern|id|ids|code|ref|reference|numéro|número"
    r"|numero|n[°ºo]|n\.º|nº|n\.|#)\.?"
)
_BEFORE_WORD = (
    r"(?:(?:n[°º]|nº|n\.º|n[o°]\.|num[eé]ro|número|nr\.?|no\.?|num\.?|codice|código)\s?(?:de "
    r"|du |d['’]|do |da |di |della |del |van )?"
    r"(?:la |l['’]|le |votre |mon |ma |mi |su |meu |minha |mio |mia )?)"
)
_IS = r"(?:\s(?:is|was|are|ist|lautet|war|est|es|é|è)\b)"
_REF_OF_PAYMENT = re.compile(
    r"(?:payment|bank|transfer|transaction|wire|sender|remittance|pull|merge|tax|zahlungs)[\s-]?$", re.I
)

_LABEL = re.compile(
    r"(?<![\w-])(?P<before>"
    + _BEFORE_WORD
    + r")?(?:"
    + "|".join(f"(?P<{kind}>{words})" for kind, words in _WORDS.items())
    + rf")(?:[\s.-]{{0,2}}(?P<word>{_NUMBER_WORD})(?![^\W\d_]))?(?P<more>\s?{_NUMBER_WORD}(?![^\W\d_]))?"
    rf"(?P<mark>{_IS}?[ \t]{{0,2}}[:=#(\"'“„«\[]{{0,3}}[ \t]{{0,2}}#?)$",
    re.I,
)
_FAR_LABEL = re.compile(
    r"(?<![\w-])(?:"
    + "|".join(f"(?P<{kind}>{words})" for kind, words in _WORDS.items())
    + rf")[\s.-]{{0,2}}{_NUMBER_WORD}(?![^\W\d_])[^\d.!?;:\n]{{0,28}}[ :]$",
    re.I,
)
_AFTER_LABEL = re.compile(
    r"\s(?:is|was|=|\()\s?(?:my|our|the|meine|unsere|mon|mi|il mio)?\s?(?:"
    + "|".join(f"(?P<{kind}>{words})" for kind, words in _WORDS.items())
    + rf")[\s-]?{_NUMBER_WORD}(?![^\W\d_])",
    re.I,
)
_TOKEN = re.compile(
    r"(?<![\w./@$€£%+-])(?:[A-Z]{1,6}[ ](?=\d{3}))?(?=[\w/.-]{0,12}\d)[A-Za-z]{0,8}\d?[A-Za-z\d]*"
    r"(?:[-_/.][A-Za-z\d]+){0,5}(?: \d{2,4}\b(?=[ ]\d|\W|$)){0,3}"
)
_NO_PART = re.compile(rf"(?:{'|'.join(_WORDS.values())}|{_NUMBER_WORD}|IS|WAS) ", re.I)
_PREFIXES = {
    EntityKind.ORDER_NUMBER: "ORD|ORDER|BST|BEST|CMD|PED|BKG|(?:PO|SO|BK)(?=[-_#/])",
    EntityKind.INVOICE_NUMBER: "INV|INVOICE|RNR|FACT?|BILL|(?:RE|RG|FA|FV)(?=[-_#/])",
    EntityKind.TICKET_NUMBER: "TKT|TICKET|INC|CASE|REQ|TCK|ITSM|HELP|SUP|(?:SR|CS)(?=[-_#/])",
    EntityKind.CUSTOMER_NUMBER: "CUST|CUS|CLI|CLIENT|KDNR|ACCT?|CUSTOMER|(?:KD|KN)(?=[-_#/])",
}
_OWN_PREFIX = re.compile(
    r"(?<![\w./@-])#?(?:"
    + "|".join(f"(?P<{kind}>{words})" for kind, words in _PREFIXES.items())
    + r")(?:[-_#/][A-Z\d]{1,6}){0,3}[-_#]?\d{2,12}(?:[-/_]\d{1,8}){0,3}(?![\w]|[.,-]\d)"
)
_PNR = re.compile(r"(?=[A-Z\d]*[A-Z])(?=[A-Z\d]*\d)[A-Z\d]{6}")
"""The form of an airline's booking reference."""
_GOES_ON = re.compile(r"[.,:]\d|[@%]|://")
_MEASURE = re.compile(
    r"\d{1,3}(?:st|nd|rd|th|x|k|m|h|s|min|gb|mb|kg|am|pm|d|p)|v\d{1,3}|\d+(?:\.\d{1,3}){1,3}", re.I
)
_YEARS = re.compile(r"(?:19|20)\d\d[-/](?:19|20)\d\d")
_IS_ID = re.compile(r"ids?\b", re.I)
_LETTER = re.compile(r"[^\W\d_]")
_IS_LOGIN = re.compile(r"[a-z]{3}")
_YEAR = re.compile(r"(?:19|20)\d\d")
_NOUN = re.compile(
    r" (?!is\b|was\b|has\b|does\b|this\b|as\b|plus\b|yes\b|always\b|thanks\b|us\b)[a-z]{2,}s\b(?! (?:been"
    r"|not|is|was))"
)
_UNIT = re.compile(
    r"\s?(?:%|[€$£°]|[x×]\b|euro|eur\b|usd\b|gbp\b|pounds?\b|dollars?\b|k\b|kg\b|g\b|days?\b|weeks?\b"
    r"|months?\b|years?\b|hours?\b"
    r"|hrs?\b|h\b|min|pcs\b|pieces\b|units\b|am\b|pm\b|o.clock|people|times\b|more\b|items?\b|different\b"
    r"|of (?:my|our|the|them|us)\b"
    r"|st\b|nd\b|rd\b|th\b|mal\b|tage\b|stück|uhr\b|jours?\b)",
    re.I,
)
_ALSO = re.compile(
    r"(?:,|;|/|,? not|,? then| to| bis| à|,? and| or| &| und| oder| et| ou| y| o| e| en)\s?(?:also )?#?$",
    re.I,
)
REACH = 56
MIN_BARE_DIGITS = 3
"""Of a number of digits alone without "number" or a sign before it."""
MIN_FAR_DIGITS = 4
MIN_CHARS = 2


def find_numbers(text: str) -> Iterator[Mention]:
    """Numbers of orders, invoices, tickets and customers, normalised to capitals without blanks."""
    last: Mention | None = None
    for found in _TOKEN.finditer(text):
        token, start = _trimmed(found[0]), found.start()
        if word := _NO_PART.match(token):  # "ORDER NO 60417"
            token, start = token[word.end() :], start + word.end()
        if not any(map(str.isdigit, token)):
            continue
        end = start + len(token)
        kind = _kind_of(text, start, end, token)
        if kind is None and last is not None and _continues(text, last, start, token):
            kind = last.kind
        if kind is not None:
            last = Mention(kind, start, end, _normalised(token))
            yield last
    for found in _OWN_PREFIX.finditer(text):
        yield Mention(
            EntityKind(found.lastgroup or ""),
            found.start() + found[0].startswith("#"),
            found.end(),
            _normalised(found[0].lstrip("#")),
        )


def _trimmed(token: str) -> str:
    return token.rstrip(" ./-_")


def _normalised(token: str) -> str:
    return token.replace(" ", "").upper()


def _kind_of(text: str, start: int, end: int, token: str) -> EntityKind | None:
    if end - start < MIN_CHARS or not _may_be_number(text, end, token):
        return None
    before = text[max(start - REACH, 0) : start]
    is_after_words = _LETTER.search(before)
    if is_after_words and (found := _LABEL.search(before)):
        return _labelled(text, found, end, token, before)
    digits = sum(map(str.isdigit, token))
    if digits >= MIN_FAR_DIGITS:
        if is_after_words and (found := _FAR_LABEL.search(before)):
            return _kind(found)
        if found := _AFTER_LABEL.match(text, end):
            return _kind(found)
    return None


def _labelled(text: str, found: re.Match[str], end: int, token: str, before: str) -> EntityKind | None:
    kind = _kind(found)
    if "ref" in found[kind].lower() and (own := _OWN_PREFIX.fullmatch(token)):
        return EntityKind(own.lastgroup or kind)
    is_named = found["word"] or found["before"] or found["mark"].strip()
    if kind is EntityKind.TICKET_NUMBER and _REF_OF_PAYMENT.search(before[: found.start()]):
        return None
    digits = sum(map(str.isdigit, token))
    if _PNR.fullmatch(token) and kind is EntityKind.TICKET_NUMBER and "ref" in found[kind].lower():
        return EntityKind.ORDER_NUMBER
    if kind is EntityKind.CUSTOMER_NUMBER and not found["word"] and _IS_LOGIN.match(token):
        return None
    if (
        kind is EntityKind.TICKET_NUMBER
        and "request" in found[kind].lower()
        and _IS_ID.match(found["word"] or "")
    ):
        return None
    if is_named:
        return kind if digits >= (2 if found["word"] or found["before"] else MIN_BARE_DIGITS) else None
    if not token.replace("-", "").replace("/", "").replace(" ", "").isdigit():
        return kind if digits >= 2 or _PNR.fullmatch(token) else None
    is_counted = len(token) < 5 and token.isdigit() and _NOUN.match(text, end)
    is_year = _YEAR.fullmatch(token)
    return None if is_counted or is_year or len(token) < MIN_BARE_DIGITS else kind


def _kind(found: re.Match[str]) -> EntityKind:
    return next(kind for kind in _WORDS if found[kind])


def _may_be_number(text: str, end: int, token: str) -> bool:
    if _GOES_ON.match(text, end) or _UNIT.match(text, end) or _YEARS.fullmatch(token):
        return False
    return not _MEASURE.fullmatch(token)


def _continues(text: str, last: Mention, start: int, token: str) -> bool:
    """Whether a number goes on with a list: like the one before, after a comma or an "and"."""
    between = text[last.end : start]
    if len(between) > 8 or not _ALSO.fullmatch(between.lstrip() if between.startswith("  ") else between):
        return False
    return _shape(token) == _shape(text[last.start : last.end])


def _shape(token: str) -> str:
    return re.sub(r"[a-z]", "a", re.sub(r"\d", "0", token.lower()))
