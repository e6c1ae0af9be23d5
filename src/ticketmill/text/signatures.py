"""Signatures: the closing of a mail, with the name, role, company and addresses below it.

Only the end of a text is looked at. A closing in the middle ends nothing. A line that says something stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ticketmill.domain.spans import Span, TextKind
from ticketmill.text.closings import closing_with_name, is_closing, is_formal
from ticketmill.text.lines import Line, in_first_person, lines_of, spans_of

_MAX_CHARACTERS = 4_000
_MAX_LINES = 14
"""A signature is no longer than this."""
_MAX_DELIMITED_CHARACTERS = 900
_MAX_WORDS = 7
_MAX_CONTACT_WORDS = 18

_DELIMITER = re.compile(r"\s*(?:--|—|––)\s*$")
_DASHED_NAME = re.compile(r"\s*(?:--?|—|–|/|~)\s?[^\W\d_]\S*(?:\s[^\W\d_][\w.\-]*){0,2}\s*$")
_POSTSCRIPT = re.compile(r"\s*p\.?\s?s\b\.?", re.IGNORECASE)
_PHONE = re.compile(r"(?:\+|\b0|\()\d?[\d ()/.\-]{6,}\d|\b\d{3}[ .\-]\d{3,4}[ .\-]\d{3,4}\b")
_CONTACT = re.compile(
    r"\S@\S|\bwww\.|https?:|\s\|\s|\s[·•]\s"
    r"|\b(?:tel|telefon|telephone|phone|mobile?|mob|cell|fax|direct(?: line)?|mobil|handy|durchwahl"
    r"|portable|tél"
    r"|téléphone|teléfono|móvil|telefone|telemóvel|celular|cellulare|telefono|telefoon|mobiel|tlf|kom"
    r"|web|website"
    r"|e-?mail|電話|携帯)\b\.?\s?:?\s*[+(\d]",
    re.IGNORECASE,
)
_COMPANY = re.compile(
    r"\b(?:Ltd|Limited|Inc|LLC|PLC|GmbH|AG|KG|e\.K|OHG|SARL|S\.?A\.?S?|S\.?L|Lda|Ltda|S\.?r\.?l"
    r"|S\.?p\.?A|B\.?V|N\.?V"
    r"|ApS|A/S|AB|Sp\. z o\.o|株式会社|有限会社)\b\.?"
)
_REQUEST = re.compile(
    r"\b(?:please|pls|plz|need|needs|call me|ring me|urgent|cannot|can't|doesn't|don't|isn't|still|asap"
    r"|order|invoice"
    r"|ticket|ask for|bitte|dringend|bestellung|rechnung|auftrag|kundennummer|svp|s'il|commande|facture"
    r"|por favor|pedido"
    r"|factura|fatura|per favore|ordine|fattura|alstublieft|graag|bestelling|factuur|venligst|ordre"
    r"|faktura|proszę"
    r"|zamówien\w+|注文|至急)\b",
    re.IGNORECASE,
)
_DEVICE = r"(?:i ?phone|i ?pad|android|galaxy|samsung|huawei|xiaomi|pixel|handy|smartphone|mobile?\b"
_DEVICE += r"|phone|tablet|outlook"
_DEVICE += r"|yahoo|gmail|proton ?mail|blackberry|mail (?:for|für|pour|para|per|voor|til)|gmx|web\.de"
_DEVICE += r"|t-online|watch|ipod"
_DEVICE += r"|téléphone|portable|móvil|celular|telem[oó]vel|cellulare|telefoon|mobiel|telefonu?"
_DEVICE += r"|komórk\w+|windows|thunderbird"
_DEVICE += r"|スマートフォン|携帯)"
_MOBILE = re.compile(
    r"\s*(?:[*_(\[]*)(?:(?:sent|written|typed|dictated) (?:from|with|via|using|on) (?:my |the |a )?"
    r"|(?:get|download|try) (?=outlook)"
    r"|(?:von|auf) (?:meinem|meiner) |gesendet (?:von|mit|mittels|über) (?:der |dem )?"
    r"|(?:diese nachricht wurde )?von (?:meinem )?"
    r"|envoy[ée]e? (?:de|depuis|à partir de|avec|du) (?:mon |mes |l')?|t[ée]l[ée]charge[zr] (?=outlook)"
    r"|obtenir "
    r"|enviado (?:desde|con|do|de|a partir do|a través de|pelo|via) (?:mi |meu |o |el )?|obtener |obter "
    r"|baixar "
    r"|inviato (?:da|dal|con|tramite) (?:il )?(?:mio )?|scarica |ottieni "
    r"|(?:verstuurd|verzonden) (?:vanaf|van|met|via) (?:mijn )?|outlook voor|download "
    r"|sendt (?:fra|med|via) (?:min )?|hent |skickat från (?:min )?"
    r"|wysłan[eoay] (?:z|ze|za pomocą|przy użyciu) (?:mojego |mojej )?|pobierz "
    r"|outlook (?:for|für|pour|para|per|voor|til) )?"
    rf"(?:my |the |meinem |mon |mi |meu |mio |mijn |min )?{_DEVICE}",
    re.IGNORECASE,
)
_MOBILE_OPENS = (
    "sent",
    "written",
    "typed",
    "dictated",
    "get outlook",
    "download outlook",
    "try outlook",
    "von mein",
    "auf mein",
    "gesendet",
    "diese nachricht wurde von",
    "outlook f",
    "outlook p",
    "outlook v",
    "outlook til",
    "envoy",
    "télécharge",
    "telecharge",
    "obtenir",
    "enviado",
    "enviada",
    "obtener outlook",
    "obter",
    "baixar o outlook",
    "inviat",
    "scarica",
    "ottieni",
    "verstuurd",
    "verzonden",
    "sendt",
    "hent outlook",
    "skickat",
    "wysłan",
    "pobierz",
)
_MOBILE_JAPANESE = re.compile(r"\s*\S{0,20}から(?:送信|送られ|お送り)")
_MAX_MOBILE_WORDS = 10
_EXCUSE = re.compile(
    r"sorry|excuse|typo|dictat|brief|verzeih|entschuld|tippfehler|désolé|fautes|disculp|desculp|scus",
    re.IGNORECASE,
)


def signature_spans(text: str) -> list[Span]:
    """The signature at the end of `text`, a ticket's body whose quotes and footers are blanked already."""
    start = _start_of_end(text)
    lines = lines_of(text[start:])
    kinds: list[TextKind | None] = [None] * len(lines)
    inked = [index for index, line in enumerate(lines) if not line.blank]
    if not inked:
        return []
    written = _without_mobile_lines(lines, inked, kinds)
    end = _postscript(lines, written)
    for first, last in _signatures(lines, written[:end]):
        for index in written[first:last]:
            if not _IDENTIFIER.search(lines[index].text):
                kinds[index] = TextKind.SIGNATURE
    if start == 0 and all(kinds[index] is not None for index in inked):
        return []
    return [span._replace(start=span.start + start, end=span.end + start) for span in spans_of(lines, kinds)]


def _start_of_end(text: str) -> int:
    """Where the part of `text` begins that may hold a signature: quotes below it are blank by now."""
    written = len(text.rstrip())
    return text.rfind("\n", 0, max(0, written - _MAX_CHARACTERS)) + 1


def _without_mobile_lines(lines: Sequence[Line], inked: list[int], kinds: list[TextKind | None]) -> list[int]:
    """The lines other than "Sent from my iPhone", which are marked."""
    for position in inked[-_MAX_LINES:]:
        if _is_mobile_line(lines[position].text):
            kinds[position] = TextKind.SIGNATURE
    return [index for index in inked if kinds[index] is None]


def _is_mobile_line(line: str) -> bool:
    text = line.strip(" \t\r*_-–—<>()[]").lower()
    if not text.startswith(_MOBILE_OPENS):
        return _MOBILE_JAPANESE.match(line) is not None and len(text) < 40
    if len(text.split()) > _MAX_MOBILE_WORDS or _MOBILE.match(text) is None:
        return False
    head, comma, tail = text.partition(",")
    head, stop, sentence = head.partition(". ")
    if len(head.split()) > 8:
        return False
    return not (comma or stop) or _EXCUSE.search(tail or sentence) is not None


def _postscript(lines: Sequence[Line], written: list[int]) -> int:
    """How many of the `written` lines stand before a P.S.; all, where there is none."""
    for position in range(max(0, len(written) - _MAX_LINES), len(written)):
        if _POSTSCRIPT.match(lines[written[position]].text):
            return position
    return len(written)


def _signatures(lines: Sequence[Line], written: list[int]) -> list[tuple[int, int]]:
    """The parts of `written` that are signatures, as positions in it."""
    texts = [lines[index].text for index in written]
    first = max(0, len(texts) - _MAX_LINES)
    for position in range(first, len(texts)):
        if _DELIMITER.match(texts[position]) and _is_delimited_signature(texts[position + 1 :]):
            before = _closing_before(texts, position)
            return [(before, len(texts))]
    for position in range(first, len(texts)):
        end = _end_of_signature(texts, position)
        if end is not None:
            return [(position, end)]
    block = _contact_block(lines, written)
    if block is not None:
        return [(block, len(texts))]
    if (
        len(texts) > 1
        and _DASHED_NAME.match(texts[-1])
        and not _REQUEST.search(texts[-1])
        and _ends(texts[-2])
    ):
        return [(len(texts) - 1, len(texts))]
    return []


def _ends(text: str) -> bool:
    return text.rstrip().endswith((".", "!", "?", "…", ")"))


def _closing_before(texts: Sequence[str], position: int) -> int:
    """Where the closing and the name above a delimiter begin."""
    for first in range(max(0, position - 4), position):
        if _end_of_signature(texts[:position], first) == position:
            return first
    return position


def _is_delimited_signature(texts: Sequence[str]) -> bool:
    """Whether what stands below "-- " is a signature, not a text with a rule above it."""
    return sum(map(len, texts)) <= _MAX_DELIMITED_CHARACTERS and not any(map(_says_something, texts))


_IDENTIFIER = re.compile(
    r"\b(?:account|card|customer|contract|member(?:ship)?|employee|staff|order|booking|reservation"
    r"|policy|advertiser"
    r"|client|user|seller|shop|case|ref|reference|workspace|kunde\w*|konto\w*|vertrag\w*|mitglied\w*"
    r"|personal\w*"
    r"|contrat|matricule|cliente|contrato|pedido|socio|sócio|contratto|codice|klant\w*|polis\w*"
    r"|medlem\w*|klient\w*"
    r"|umowa|契約|会員)\b[^\n]{0,24}?[\d\"]",
    re.IGNORECASE,
)
"""What a helpdesk needs to know stays, also in a signature."""


def _says_something(text: str) -> bool:
    """Whether a line below "-- " is the writer's own word to the reader."""
    if "?" in text and not _is_contact(text):
        return True
    return in_first_person(text) or (_REQUEST.search(text) is not None and len(text.split()) > 2)


def _end_of_signature(texts: Sequence[str], position: int) -> int | None:
    """Where the signature that begins with a closing at `position` ends; None where none begins."""
    text = texts[position]
    named = closing_with_name(text)
    if not named and not is_closing(text):
        return None
    end = position + 1
    while end < len(texts) and is_signature_line(texts[end]):
        end += 1
    if end == len(texts):
        return end
    # a slogan may follow a name; after thanks alone it may as well be the next sentence
    formal = named or (is_formal(text) and end > position + 1)
    return end if formal and not _is_item(texts, position) else None


def _is_item(texts: Sequence[str], position: int) -> bool:
    """Whether the line is one of a list, or what a sentence above announces."""
    return position > 0 and texts[position - 1].rstrip().endswith((":", ","))


def is_signature_line(text: str) -> bool:
    """Whether a line below a closing is a name, a role, a company or an address."""
    line = text.strip(" \t\r*_-–—|=~")
    if not line:
        return True
    if "?" in line or _POSTSCRIPT.match(line) or in_first_person(line) or _REQUEST.search(line):
        return False
    words = line.split()
    if is_closing(line):
        return True
    if _is_contact(line) or _COMPANY.search(line):
        return len(words) <= _MAX_CONTACT_WORDS
    if line[0] in '"“„«' and line[-1] in '"”“»':
        return len(words) <= _MAX_CONTACT_WORDS
    if len(words) > _MAX_WORDS or (line.endswith((".", "!")) and len(words) > 3) or "。" in line:
        return False
    if line.isascii() or line[0].isascii():
        capital = sum(word[0].isupper() or not word[0].isalpha() for word in words)
        return 2 * capital >= len(words) or len(words) <= 2
    return len(line) <= 40


def _is_contact(line: str) -> bool:
    return _CONTACT.search(line) is not None or _PHONE.search(line) is not None


def _contact_block(lines: Sequence[Line], written: list[int]) -> int | None:
    """Where the last paragraph begins, if it is a name with addresses and no closing stands above it."""
    first = len(written) - 1
    while first > 0 and written[first - 1] == written[first] - 1:
        first -= 1
    texts = [lines[index].text for index in written[first:]]
    if first == 0 or len(texts) < 2 or len(texts) > _MAX_LINES:
        return None
    if lines[written[first - 1]].text.rstrip().endswith((":", ",")) or not all(map(is_signature_line, texts)):
        return None
    return first if any(map(_is_contact, texts[1:])) and not _is_contact(texts[0]) else None
