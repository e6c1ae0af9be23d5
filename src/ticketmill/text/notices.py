"""Tells whether a line or a paragraph is a disclaimer, a footer, a banner or a ticket system's line.

Each asks for a form that nobody writes in a message of their own. What complains, asks, quotes or is said in
the first person is the writer's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ticketmill.text import boilerplate_words as words
from ticketmill.text.lines import in_first_person

MAX_FOOTER_WORDS = 45
_MAX_DISCLAIMER_WORDS = 180
_MAX_BANNER_WORDS = 70
_MAX_TAGGED_WORDS = 14
_MAX_HEADING_CHARACTERS = 40
_SURE_KINDS = 3
"""A text with words of so many kinds is a disclaimer wherever it stands."""

TAG = re.compile(
    r"\s*(?:(?:re|aw|fwd?|wg|tr|sv|antw|r)\s?:\s*)*"
    r"([\[(*<{【]+\s*(?:external|extern|externe[rs]?|externo|externa|esterno|esterna|ekstern"
    r"|zewnętrzn[ya]|ext|外部|社外)"
    r"(?:[\s\-]?(?:e?-?mail|mail|sender|message|absender|nachricht|afzender|mittente|remitente"
    r"|メール))?\s*[\])*>}】]+\s?:?)",
    re.IGNORECASE,
)
"""The "[EXTERNAL]" that a gateway puts before a subject or a text."""
TICKET_FIELD = re.compile(
    r"[ \t>*_\-]*(?:ticket|case|request|status|queue|department|priority|assignee|assigned to|sla"
    r"|category|severity"
    r"|agent|group|tags|product|case owner|subject area|opened by|created|updated|last updated|abteilung"
    r"|priorität"
    r"|bearbeiter|statut|priorité|estado|prioridad|departamento|stato|priorità|afdeling|prioriteit)"
    r"(?:\s?(?:id|no\.?|number|nr\.?|#|owner))?\s?:\s?\S",
    re.IGNORECASE,
)
_FIELD_IN_LINE = re.compile(
    r"(?:^|[|·;\-–—(\[]\s*|\s{2,})(ticket|case|request|status|queue|department|priority|sla|category"
    r"|severity|agent|group)"
    r"(?:\s?(?:id|no\.?|number|nr\.?))?\s?[:#]?\s?[\w#]",
    re.IGNORECASE,
)
_UPDATED = re.compile(
    r"\W{0,6}your (?:request|ticket|case)\s?[(#\[]\s?#?[\w\-]+[)\]]? (?:has been|was) (?:updated"
    r"|received|created|solved)"
    r"|\W{0,6}(?:ihre anfrage|ihr ticket)\s?[(#\[]\s?#?[\w\-]+[)\]]? wurde"
    r"|\W{0,6}votre demande\s?[(#\[]\s?#?[\w\-]+[)\]]? a été"
    r"|\W{0,6}su solicitud\s?[(#\[]\s?#?[\w\-]+[)\]]? (?:ha sido|se ha)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:please|pls|can you|could you|why|how do|how can|what|bitte (?:ändern|tragen|nehmen|melden"
    r"|korrigieren)"
    r"|we need|we have|we are|we were|we received|we got|we want|we cannot|we can't"
    r"|our (?:invoice|account|order|vat|company|printer|shop|customers?|users?|team|staff|systems?"
    r"|servers?)"
    r"|remove (?:me|us)|wir (?:haben|sind|brauchen|können|bekommen|erhalten)"
    r"|unsere? (?:rechnung|konto|bestellung|kunden|firma)|nous (?:avons|sommes|ne|recevons)"
    r"|necesitamos|tenemos|precisamos|temos|abbiamo|wij hebben|we hebben|vi har|mamy)\b",
    re.IGNORECASE,
)
_COMPLAINS = re.compile(
    r"\b(?:doesn't|does not|don't work|do not work|isn't|is not|aren't|still|but|won't|wrong|broken"
    r"|fail\w*|errors?|missing"
    r"|nothing|keeps?|crash\w*|stopped|rejected|delayed|funktionier\w*|fehlt|fehlen|falsch\w*|kaputt"
    r"|geht nicht|kommt nicht"
    r"|ne (?:marche|fonctionne|s'affiche|peut)|manque|no funciona|falta|não funciona|non funziona|manca"
    r"|werkt niet"
    r"|ontbreekt|virker ikke|mangler|nie działa|brakuje)\b|動きません|届きません|ません(?:でした)?。?$",
    re.IGNORECASE,
)
_STATES = re.compile(
    r"\b(?:is|are|was|were|has|have|had|must|should|shows?|ist|sind|war|hat|muss|steht|est|sont|doit"
    r"|está|son|debe|são"
    r"|deve|è|sono|staat|moet|skal|står|jest|są)\b",
    re.IGNORECASE,
)
_ABOUT_MAIL = re.compile(
    r"mail|message|virus|malware|spam|threat|nachricht|correo|mensaje|mensagem|messaggio|bericht|メール"
    r"|ウイルス"
)
_OPENS_QUOTATION = ('"', "“", "„", "«", "‘", "「")
_ORNAMENTS = " \t\r*-_=!>#⚠️【[(※•·+~🌳"
_ENCLOSED = re.compile(
    r"\s*(?:\[.{10,}\]|\*{2,}.{10,}\*{2,}|[-–—=+]{2,}.{10,}[-–—=+]{2,}|【.{5,})\s*$", re.DOTALL
)


def has(lowered: str, stems: Iterable[str]) -> bool:
    """Whether one of `stems` is in the text, which is in lower case."""
    return any(map(lowered.__contains__, stems))


def speaks(text: str) -> bool:
    """Whether somebody speaks for themselves in `text`, asks, or quotes."""
    return (
        in_first_person(text)
        or text.lstrip().startswith(_OPENS_QUOTATION)
        or text.rstrip().endswith(("?", "？"))
    )


def is_sure_disclaimer(text: str) -> bool:
    """Whether `text` can be nothing but a disclaimer, wherever it stands."""
    lowered = text.lower()
    kinds = [has(lowered, kind) for kind in words.DISCLAIMER_KINDS]
    return sum(kinds) >= _SURE_KINDS and (kinds[1] or kinds[2])


def opens_disclaimer(line: str) -> bool:
    """Whether a disclaimer may begin with `line`."""
    lowered = line.lower()
    if has(lowered, words.MESSAGE) or has(lowered, words.CONFIDENTIAL) or has(lowered, words.RECIPIENT):
        return True
    return _is_notice(lowered)


def is_banner(text: str) -> bool:
    """Whether a mail gateway has put `text` above or below the mail."""
    lowered = text.lower()
    if len(lowered.split()) > _MAX_BANNER_WORDS or in_first_person(text):
        return False
    tag = TAG.match(text)
    if tag is not None:
        rest = lowered[tag.end() :].split()
        about = has(" ".join(rest), words.CAUTIONS) or has(" ".join(rest), words.CARE)
        return not rest or (len(rest) <= _MAX_TAGGED_WORDS and about) or _is_caution(lowered)
    bare = lowered.lstrip(_ORNAMENTS)
    if bare.startswith(words.BANNERS) or (bare.startswith(words.CAUTIONS) and _is_about_outside(lowered)):
        return True
    if _COMPLAINS.search(text) or _ASKS.search(text):
        return False
    name = next((each for each in words.BANNER_NAMES if bare.startswith(each)), None)
    if name is not None and (bare[len(name) :].lstrip()[:1] or ":") in ":]*!|–-—.】":
        return True
    return _is_caution(lowered) or (_ENCLOSED.match(text) is not None and _is_about_outside(lowered))


def _is_caution(lowered: str) -> bool:
    return has(lowered, words.CAUTIONS) and _is_about_outside(lowered)


def _is_about_outside(lowered: str) -> bool:
    return has(lowered, words.EXTERNAL) and has(lowered, words.CARE) and has(lowered, words.MAIL)


def is_ticket_line(text: str) -> bool:
    """Whether a ticket system has added `text`."""
    lowered = text.lower()
    if len(lowered.split()) > MAX_FOOTER_WORDS or in_first_person(text):
        return False
    if _UPDATED.match(text) or has(lowered, words.TICKETS):
        return True
    return ("|" in text or "·" in text) and len(
        {found[1].lower() for found in _FIELD_IN_LINE.finditer(text)}
    ) >= 2


def is_heading_notice(text: str) -> bool:
    """Whether `text` at the head of a mail is a disclaimer or a footer."""
    lowered = text.lower()
    if speaks(text):
        return False
    if is_sure_disclaimer(text):
        return True
    if len(lowered.split()) > MAX_FOOTER_WORDS or _COMPLAINS.search(text):
        return False
    return has(lowered, words.PRINTING) or (
        has(lowered, words.SUBSCRIPTION) and _opens_footer(lowered, words.VIEWING)
    )


def is_footer(text: str) -> bool:
    """Whether `text` at the foot of a mail is a disclaimer or a footer."""
    lowered = text.lower()
    count = len(lowered.split())
    if count > _MAX_DISCLAIMER_WORDS or speaks(text):
        return False
    if is_sure_disclaimer(text):
        return True
    if count <= MAX_FOOTER_WORDS and has(lowered, words.PRINTING):
        return True
    if _is_notice(lowered):
        return True
    if _ASKS.search(text) or _COMPLAINS.search(text):
        return False
    if _is_weak_disclaimer(lowered):
        return True
    return count <= MAX_FOOTER_WORDS and (
        _is_subscription(lowered) or _is_scanned(lowered) or _is_registry(text)
    )


def _is_weak_disclaimer(lowered: str) -> bool:
    message, confidential, recipient, in_error, _ = (has(lowered, kind) for kind in words.DISCLAIMER_KINDS)
    if confidential:
        return message or recipient
    return recipient and (message or in_error)


def _is_notice(lowered: str) -> bool:
    """Whether `lowered` begins with the heading of a notice, such as "Disclaimer:"."""
    bare = lowered.lstrip(_ORNAMENTS)
    if bare.startswith(words.NOTICE_OPENINGS):
        return True
    heading = next((each for each in words.NOTICES if bare.startswith(each)), None)
    if heading is None:
        return False
    after = bare[len(heading) :].lstrip(" ")
    return not after or after[0] in ":.|–—•】：]*" or (len(bare) < _MAX_HEADING_CHARACTERS and "|" in bare)


def _is_subscription(lowered: str) -> bool:
    return (
        has(lowered, words.SUBSCRIPTION)
        or _opens_footer(lowered, words.UNSUBSCRIBING)
        or _opens_footer(lowered, words.SOCIAL)
        or ("|" in lowered and has(lowered, words.UNSUBSCRIBING))
    )


def _opens_footer(lowered: str, stems: tuple[str, ...]) -> bool:
    """Whether a sentence of `lowered` begins with one of `stems`, or with a click on it."""
    return any(
        part.lstrip(_ORNAMENTS + '"').removeprefix("to ").removeprefix("click here to ").startswith(stems)
        or (part.lstrip(_ORNAMENTS).startswith(words.CLICKING) and has(part, stems))
        for part in re.split(r"[.!|•·–—]\s", lowered)
    )


def _is_scanned(lowered: str) -> bool:
    return has(lowered, words.SCANNED) and _ABOUT_MAIL.search(lowered) is not None


def _is_registry(text: str) -> bool:
    """Whether `text` names a company's register, as no sentence does."""
    lowered = text.lower()
    if not has(lowered, words.REGISTRY) or _STATES.search(text):
        return False
    return any(map(str.isdigit, text)) or any(each in text for each in ":|,·") or len(lowered.split()) < 12
