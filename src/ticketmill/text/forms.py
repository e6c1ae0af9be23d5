"""Forms: names of fields and fields that are no text, from contact pages and the templates of code forges."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ticketmill.domain.spans import Span, TextKind
from ticketmill.text.blanking import visible

MIN_FIELDS = 2
"""Known fields beside the message, in a contact form."""
MIN_MESSAGE_SHARE = 0.6
"""Of all words, in a form with many fields of other names."""
MAX_VALUE_WORDS = 8
"""Of a value that stands on the line below its name."""

_PREFIX = (
    r"(?:(?:your|my|the|ihre?|deine?|votre|vos|su|tu|seu|sua|il tuo|la tua|uw|je|din|dit|twój|twoje|ご)[ ]+)?"
)
_SUFFIX = r"(?:[ ]*(?:\((?:optional|required|optionnel|obligatoire|opcional|pflichtfeld|必須|任意)\)|\?))?"
_MESSAGE = re.compile(
    _PREFIX
    + r"(?:message(?: body)?|comments?|description|question|enquiry|inquiry|request|details|problem|issue"
    r"|feedback|text"
    r"|body|how can we help(?: you)?|what (?:is|can|do|happen)[^\n]*|say it|remarks?|cover letter|praise"
    r"|idea|complaint"
    r"|suggestion|tell us[^\n]*|describe[^\n]*|defect"
    r"|nachricht|beschreibung|anliegen|frage|mitteilung|kommentare?|bemerkung(?:en)?|(?:ihr )?text"
    r"|commentaires?|demande|problème|texte|mensaje|comentarios?|descripción|consulta|pregunta|problema"
    r"|solicitud|texto"
    r"|mensagem|comentários?|descrição|pergunta|solicitação|dúvida|messaggio|commenti?|descrizione|domanda"
    r"|richiesta|testo"
    r"|bericht|opmerking(?:en)?|omschrijving|vraag|probleem|toelichting|tekst"
    r"|besked|meddelelse|beskrivelse|spørgsmål|kommentar|wiadomość|treść(?: wiadomości)?|opis|pytanie"
    r"|komentarz|uwagi"
    r"|お問い合わせ内容|お問合せ内容|内容|メッセージ|本文|ご?質問|ご?用件|備考)" + _SUFFIX,
    re.I,
)
_SUBJECT = re.compile(
    _PREFIX + r"(?:subject|betreff|objet|sujet|asunto|assunto|oggetto|onderwerp|emne|temat|件名)" + _SUFFIX,
    re.I,
)
_CONTACT = re.compile(
    _PREFIX + r"(?:(?:full |first |last |given |family |user)?name|surname|e-?mail(?:[ -]?(?:address|adresse?"
    r"|adres))?|mail"
    r"|(?:tele)?phone(?: number)?|tel|mobile(?: number)?"
    r"|(?:vor|nach|fir?men)name|telefon(?:nummer)?|handy|nom|prénom|(?:adresse )?courriel|téléphone"
    r"|adresse e-?mail"
    r"|nombre(?: completo| y apellidos?)?|apellidos?|correo(?: electrónico)?|teléfono|móvil"
    r"|nome(?: completo)?|sobrenome|telefone|celular|cognome|telefono|cellulare"
    r"|naam|voornaam|achternaam|telefoon(?:nummer)?|navn|fornavn|efternavn|mobil"
    r"|imię(?: i nazwisko)?|nazwisko|adres e-?mail|numer telefonu"
    r"|お?名前|氏名|フリガナ|メール(?:アドレス)?|電話(?:番号)?|who are you|reported by|requester)" + _SUFFIX,
    re.I,
)
_OTHER = re.compile(
    _PREFIX
    + r"(?:salutation|title|fax|company|organi[sz]ation|address|street|postcode|zip(?: code)?|city|country"
    r"|state"
    r"|department|category|topic|priority|severity|urgency|how urgent is it|how fast|has it to be soon"
    r"|preferred contact[^\n]*"
    r"|website|ip(?: address| gespeichert)?|user agent|referr?er|(?:sent from )?page(?: url)?|consent[^\n]*"
    r"|captcha|spam ?check"
    r"|newsletter|privacy[^\n]*|gdpr|i (?:have read|agree|accept|consent)\b[^\n]*|how did you hear[^\n]*"
    r"|would you recommend[^\n]*"
    r"|cv|attachments?|callback|form(?: name| id)?|role|age|class|please choose|position applied for"
    r"|earliest start|salary"
    r"|(?:student|customer|client|member|account) (?:id|number|no)|relation to us|partner level"
    r"|internal routing|mood today"
    r"|may we print[^\n]*|do you need[^\n]*|did a grown-up help|subject of praise|cost centre[^\n]*"
    r"|danger to life"
    r"|anrede|firma|straße|plz|ort|land|abteilung|kategorie|thema|betreff-auswahl|priorität|dringlichkeit"
    r"|datenschutz[^\n]*"
    r"|einwilligung[^\n]*|kundennummer|kopie an mich|civilité|société|entreprise|adresse|ville|code postal"
    r"|pays|service"
    r"|catégorie|priorité|numéro de client|empresa|dirección|ciudad|país|código postal|departamento"
    r"|categoría|tema"
    r"|prioridad|número de cliente|endereço|cidade|cep|categoria|azienda|indirizzo|città|cap|paese|reparto"
    r"|priorità"
    r"|bedrijf|adres|plaats|afdeling|categorie|prioriteit|klantnummer|virksomhed|postnummer|by|kategori"
    r"|prioritet"
    r"|kundenummer|miasto|kod pocztowy|kraj|dział|kategoria|priorytet"
    r"|会社名|住所|郵便番号|部署|カテゴリー?|種別)" + _SUFFIX,
    re.I,
)
_FIELD = re.compile(
    r"^[ \t*_•>-]{0,4}(?P<name>[^\W_][^\n:：]{0,80}?)(?P<gap>[ .*_\t]{0,20}[:：][*_]{0,2})"
    r"[ \t]*(?P<value>[^\n]*)$",
    re.M,
)

# a line of its own, its value on the next
_BARE_NAME = re.compile(r"^[ \t]*(?P<name>[^\W_][^\n:：]{0,40}?)[ \t]*(?P<value>)$", re.M)
_NEXT_LINE = re.compile(r"\s*+[^\n]*")

_TEMPLATE = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]*|\*\*)?(?:describe the (?:bug|issue|problem|feature(?: request)?"
    r"|solution you'?d like)"
    r"|(?:bug|issue) description|to reproduce|steps to reproduce(?: the (?:behaviou?r|issue|problem))?"
    r"|how to reproduce"
    r"|reproduction(?: steps)?|(?:minimal )?(?:reproducible )?example|expected (?:behaviou?r|result)s?"
    r"|(?:actual|current) (?:behaviou?r|result)s?|screenshots?(?: / videos?)?|additional (?:context"
    r"|information|comments?)"
    r"|environment|desktop|smartphone|checklist|pre-?requisites|anything else\??|any additional comments\??"
    r"|what happened\??|what did you expect(?: to happen)?\??|what is expected\??"
    r"|what is actually happening\??"
    r"|relevant log output|system info(?:rmation)?|version(?:s)?|logs?|code|before you (?:send|submit|start)"
    r"|is your (?:feature request|wish) related to a problem\??(?: please describe\.?)?"
    r"|describe alternatives(?: you'?ve considered)?"
    r"|alternatives (?:considered|you'?ve (?:considered|thought about))|what would you like\??"
    r"|is there an existing issue for this\??|link to (?:a )?(?:the )?(?:minimal )?(?:reproduction|example)"
    r"|possible (?:solution|fix)|context|motivation|use case|proposal|summary|description|page"
    r"|notes for reviewers?"
    r"|contact details|code of conduct)(?:\*\*)?[ \t]*:?(?:\*\*)?[ \t]*$",
    re.I | re.M,
)
_TEMPLATE_HINTS = (
    "**",
    "#",
    "describe",
    "reproduc",
    "expected",
    "additional",
    "environment",
    "version",
    "check",
)
_CHECKBOX = re.compile(r"^[ \t]*[-*+][ \t]+\[[ xX]?\][ \t]+(?P<text>[^\n]*)$", re.M)
_STATEMENT = re.compile(
    r"(?:i |i'd |i'm |i've |i’ve |yes, |not (?:yet )?reported|(?:code|rules) of conduct|looked through"
    r"|(?:all )?tests pass|no new dep"
    r"|style check|this issue exists|(?:is|it is) (?:not )?a (?:fault|bug|question|duplicate)|(?:newest"
    r"|latest) (?:release|version)"
    r"|searched|checked|read the)",
    re.I,
)
_NO_ANSWER = re.compile(
    r"^[ \t]*(?:_no response_|\*no response\*|no response|n/?a\.?|\(text\)|_?none_?\.?|-)[ \t]*$", re.I | re.M
)


class _Field(NamedTuple):
    """One field of a form: its name from `start` to `value`, its value to `end`."""

    start: int
    value: int
    end: int
    is_text: bool


def form_spans(text: str) -> list[Span]:
    """The names of a contact form's fields, and the fields that are no text."""
    if "\n" not in text:
        return []
    matches = list(_FIELD.finditer(text))
    fields = [field for match in matches if (field := _field(text, match)) is not None]
    if not _is_contact_form(text, fields, len(matches) - len(fields)):
        fields = [field for match in _BARE_NAME.finditer(text) if (field := _field(text, match)) is not None]
        if not _is_contact_form(text, fields, 0):
            return []
    spans: list[Span] = []
    for field in fields:
        spans += visible(text, TextKind.FORM, field.start, field.value)
        if not field.is_text:
            spans += visible(text, TextKind.FORM, field.value, field.end)
    return spans


def _is_contact_form(text: str, fields: list[_Field], unknown: int) -> bool:
    """Whether somebody fills in a message and who they are, and little else that could be the matter."""
    words = sum(len(text[field.value : field.end].split()) for field in fields if field.is_text)
    others = sum(not field.is_text for field in fields)
    if not words or others < MIN_FIELDS or not any(_is_contact(text, field) for field in fields):
        return False
    return unknown < others or words >= MIN_MESSAGE_SHARE * len(text.split())


def _field(text: str, match: re.Match[str]) -> _Field | None:
    name = match["name"].strip(" .*_\t")
    start, value, end = match.start(), match.start("value"), match.end()
    if _MESSAGE.fullmatch(name) or _SUBJECT.fullmatch(name):
        return _Field(
            start, value, end if match["value"].strip() else _next_line_end(text, end), is_text=True
        )
    if not (_CONTACT.fullmatch(name) or _OTHER.fullmatch(name)):
        return None
    return _Field(start, value, end if match["value"].strip() else _value_below(text, end), is_text=False)


def _next_line_end(text: str, end: int) -> int:
    """The end of the first line with words after `end`."""
    found = _NEXT_LINE.match(text, end)
    return found.end() if found else end


def _value_below(text: str, end: int) -> int:
    """The end of a short value on the line below `end`, else `end`."""
    line_end = text.find("\n", end + 1)
    line_end = len(text) if line_end < 0 else line_end
    short = 0 < len(text[end:line_end].split()) <= MAX_VALUE_WORDS
    return line_end if short and not _FIELD.match(text, end + 1) else end


def _is_contact(text: str, field: _Field) -> bool:
    name = text[field.start : field.value].strip(" .*_\t:：•>-")
    return _CONTACT.fullmatch(name) is not None


def template_spans(text: str) -> list[Span]:
    """The headings, statements and empty answers of a code forge's template."""
    lower = text.lower()
    if "\n" not in text or not ("[" in text or any(hint in lower for hint in _TEMPLATE_HINTS)):
        return []
    spans = sorted(_template_spans(text))
    return [span for i, span in enumerate(spans) if not i or span.start >= spans[i - 1].end]


def _template_spans(text: str) -> Iterator[Span]:
    headings = list(_TEMPLATE.finditer(text))
    boxes = [box for box in _CHECKBOX.finditer(text) if _STATEMENT.match(box["text"])] if "[" in text else []
    if len(headings) >= MIN_FIELDS:
        for found in headings:
            yield from visible(text, TextKind.FORM, *found.span())
        for found in _NO_ANSWER.finditer(text):
            yield from visible(text, TextKind.FORM, *found.span())
    for found in boxes:
        yield from visible(text, TextKind.FORM, *found.span())
