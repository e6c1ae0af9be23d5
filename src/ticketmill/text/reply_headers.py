"""The header block that mail programs put above a quoted or forwarded mail: From, Sent, To, Subject."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from ticketmill.text.lines import Line


class Field(Enum):
    """What a line of a header block tells."""

    FROM = auto()
    SENT = auto()
    """When, under a name that only mail programs use."""
    DATE = auto()
    """When, under a name that timetables and forms use as well."""
    TO = auto()
    SUBJECT = auto()
    OTHER = auto()
    FORM = auto()
    """A field of a contact form: what stands around it is no header block."""


_NAMES: dict[Field, str] = {
    Field.FROM: "from|von|de|da|van|fra|od|från|expéditeur|remitente|mittente|absender|afzender"
    "|差出人|送信者",
    Field.SENT: "sent|sent at|gesendet|gesendet am|envoyé|envoyée|envoyé le|enviado|enviada|enviado el"
    "|enviado em"
    "|enviada em|inviato|inviata|verzonden|verstuurd|sendt|wysłano|wysłane|skickat|送信日時|送信日",
    Field.DATE: "date|datum|fecha|data|dato|日付|日時",
    Field.TO: "to|an|à|a|para|aan|til|do|till|cc|bcc|copie à|copie|copia|kopie|kopi|dw|do wiadomości|宛先"
    "|destinataire|destinatario|empfänger",
    Field.SUBJECT: "subject|betreff|objet|sujet|asunto|assunto|oggetto|onderwerp|emne|temat|ämne|件名",
    Field.OTHER: "reply-to|reply to|antwort an|importance|wichtigkeit|importancia|importância|priorità"
    "|prioriteit"
    "|sensitivity|attachments|attachment|anlagen|anhänge|pièces jointes|adjuntos|anexos|allegati|bijlagen"
    "|vedhæftede filer|załączniki|添付ファイル|message-id|return-path|x-mailer|mime-version",
    Field.FORM: "message|nachricht|mensaje|mensagem|messaggio|bericht|besked|wiadomość|メッセージ|name|nom"
    "|nombre|nome|naam|navn|phone|telephone|telefon|téléphone|teléfono|telefone|telefono|telefoon"
    "|category|topic"
    "|comment|comments|question|passengers|departure|return|seat|class|time|train|flight|via|platform",
}
FIELDS = {name: field for field, names in _NAMES.items() for name in names.split("|")}

_FIELD = re.compile(
    r"[ \t>*_|]*([^\W\d_][\w\- ]{0,19}?)[ \t]?[*_]{0,2}[ \t]{0,2}[:：][*_]{0,2}(.*)", re.DOTALL
)
_SENT_IN_LINE = re.compile(rf"\s(?:{_NAMES[Field.SENT]}|date|datum)\s?:\s*\S*\s?\d", re.IGNORECASE)
_SUBJECT_IN_LINE = re.compile(rf"\s(?:{_NAMES[Field.SUBJECT]})\s?:", re.IGNORECASE)
_MAX_CONTINUED_LINES = 4
_MAX_LINES = 40
_MAX_LINES_TO_SENDER = 5
_OPENING_FIELDS = (Field.FROM, Field.DATE, Field.SENT, Field.SUBJECT, Field.TO)


class HeaderBlock(NamedTuple):
    """The lines `first` to `end` (not included) of a text, which are a mail's header."""

    first: int
    end: int


def field_of(line: str) -> tuple[Field, str] | None:
    """The field that `line` gives, and its value; None for a line that is no field."""
    found = _FIELD.match(line)
    if found is None:
        return None
    field = FIELDS.get(found[1].strip().lower())
    return None if field is None else (field, found[2].strip())


def header_block(lines: Sequence[Line], first: int, *, announced: bool = False) -> HeaderBlock | None:
    """The header block that begins at line `first`. One that is `announced` by a line such as
    "Original Message" needs no further sign that it is one."""
    opening = _opening_field(lines, first, announced=announced)
    if opening is None:
        return None
    values: dict[Field, str] = {}
    end = index = first
    continued = 0
    while index < min(len(lines), first + _MAX_LINES):
        line = lines[index]
        given = field_of(line.text)
        if given is not None:
            if given[0] is Field.FORM:
                if index - end <= 1 and not announced:
                    return None
                break
            if given[0] in values and given[0] is Field.FROM:
                break
            values[given[0]] = f"{values.get(given[0], '')} {given[1]}"
            end, continued = index + 1, 0
        elif line.blank:
            if index > end:
                break
        elif (
            index == end and continued < _MAX_CONTINUED_LINES and _continues(lines[index - 1].text, line.text)
        ):
            end, continued = index + 1, continued + 1
        else:
            break
        index += 1
    fits = announced or _is_mail(opening, values) or is_one_line_header(lines[first].text)
    return HeaderBlock(first, end) if fits else None


def _opening_field(lines: Sequence[Line], first: int, *, announced: bool) -> Field | None:
    """The field of line `first`, if a header may begin with it: most do with the sender."""
    given = field_of(lines[first].text)
    if given is None or given[0] not in _OPENING_FIELDS:
        return None
    begins = announced or given[0] is Field.FROM
    return given[0] if begins or _has_sender(lines[first + 1 : first + _MAX_LINES_TO_SENDER]) else None


def _has_sender(lines: Sequence[Line]) -> bool:
    given = (field_of(line.text) for line in lines if "@" in line.text)
    return any(field is not None and field[0] is Field.FROM for field in given)


def _continues(previous: str, line: str) -> bool:
    """Whether `line` is the rest of a long list of recipients."""
    return previous.rstrip().endswith((";", ",")) or (line[:1] in " \t" and "@" in line)


def _is_mail(opening: Field, values: dict[Field, str]) -> bool:
    """Whether the fields can only be a mail's: "From: Berlin, To: Paris" is a journey."""
    if opening is not Field.FROM:
        return len(values) > 2 and "@" in values.get(Field.FROM, "")
    if Field.FROM not in values or len(values) < 2:
        return False
    if not values[Field.FROM].strip() and Field.SUBJECT not in values:
        return False
    if any("@" in value for value in values.values()):
        return True
    if any(character.isdigit() for character in values.get(Field.SENT, "")):
        return True
    return Field.SUBJECT in values and len(values) >= 3


def is_one_line_header(line: str) -> bool:
    """Whether a program has put all fields into one line."""
    return _SENT_IN_LINE.search(line) is not None and _SUBJECT_IN_LINE.search(line) is not None
