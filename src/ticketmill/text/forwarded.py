"""When a forwarded mail is the matter: the writer's own line only points to it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ticketmill.domain.spans import Span

MAX_POINTING_WORDS = 15
MAX_BARE_WORDS = 2

_POINTS = re.compile(
    r"\b(?:see|as|cf\.?|mail|e-?mail|message|request|thread)\b[^.!?\n]{0,20}\b(?:below|underneath|beneath"
    r"|forwarded)\b|\bbelow\b"
    r"|\bas (?:he|she|they) (?:says?|writes?|wrote|asks?)\b|\bfyi\b|for your (?:information|attention"
    r"|action)|\bforward(?:ed|ing)?\b"
    r"|(?:please|pls|can you|could you|kindly)[^.!?\n]{0,20}\b(?:handle|take care|take over|process|advise"
    r"|assist|deal|look (?:into|at)|check|sort|action)\b"
    r"|can you help (?:my|this|him|her|them)|passing (?:this|it) on|over to you|for you\b"
    r"|(?:siehe|s\.|wie) unten|unten ?stehend|zur (?:info|kenntnis|bearbeitung|erledigung|weiteren)|z\. ?k\."
    r"|weitergeleitet|(?:bitte|könnt)[^.!?\n]{0,30}(?:bearbeit|übernehm|kümmer|prüf|erledig|weiterhelf)"
    r"|ci-dessous|pour (?:info|information|action|suite)|merci de (?:traiter|prendre|voir|faire)|transfér"
    r"|je vous transmets"
    r"|(?:ver|véase|más) abajo|para (?:su|tu|vuestra) (?:información|conocimiento)|reenví"
    r"|por favor[^.!?\n]{0,20}(?:atender|revisar|gestionar)"
    r"|(?:veja|ver) abaixo|para (?:seu|vosso) conhecimento|encaminh|reencaminh|vedi sotto|qui sotto"
    r"|per (?:conoscenza|competenza)|inoltro"
    r"|zie (?:onder|hieronder)|hieronder|ter info|doorgestuurd|(?:se|jf\.) (?:nedenfor|under)|nedenfor"
    r"|til (?:orientering|info)|videresend"
    r"|patrz poniżej|poniżej|do wiadomości|przesyłam|przekazuję|下記|以下の|転送|ご確認|ご対応",
    re.I,
)
_HEADERS = re.compile(
    r"(?:^[>| \t*_]*(?:from|sent|date|to|cc|bcc|subject|reply-to|when|importance|von|gesendet|datum|an|kopie"
    r"|betreff|de|envoyé|date|à|objet|cc"
    r"|enviado(?: el| em)?|fecha|para|asunto|assunto|data|da|inviato|a|oggetto|van|verzonden|aan|onderwerp"
    r"|fra|sendt|til|emne|dato"
    r"|od|wysłano|do|temat|från|skickat|till|ämne|差出人|送信日時|日時|宛先|件名)"
    r"[ \t*_]*[:：][^\n]*(?:\n|\Z)){2,}",
    re.I | re.M,
)
_BORDER = re.compile(
    r"^[>| \t]*(?:[-=_*]{2,}[^\n]{0,80}|begin forwarded message:?|[^\n]{0,60}(?:forwarded|weitergeleitet"
    r"|transféré|reenviado|encaminhad|inoltrat|doorgestuurd|videresendt|przekazan|転送)[^\n]{0,60}:?)[ \t]*$",
    re.I | re.M,
)


def points_to_forwarded(own: str) -> bool:
    """Whether `own`, what the writer put above a forwarded mail, says no more than "see below"."""
    words = own.split()
    return len(words) <= MAX_BARE_WORDS or (
        len(words) <= MAX_POINTING_WORDS and _POINTS.search(own) is not None
    )


def headers_of(text: str, span: Span) -> Iterable[tuple[int, int]]:
    """Where the headers and the border lines of a forwarded mail are."""
    for pattern in (_HEADERS, _BORDER):
        for found in pattern.finditer(text, span.start, span.end):
            yield found.span()
