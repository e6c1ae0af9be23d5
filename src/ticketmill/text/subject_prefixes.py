"""What mail programs, gateways and ticket systems put in front of a subject."""

from __future__ import annotations

import re

from ticketmill.domain.spans import Span, TextKind

_REPLY = re.compile(
    r"(?:re|aw|antw|antwort|fw|fwd|wg|tr|réf|rv|res|enc|rif|sv|svar|vs|vb|vl|odp|pd|doorst|ref|i|r"
    r"|回复|答复|转发|回覆|轉寄|返信|転送)[ ]?(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3})?[ ]?[:：]\s*",
    re.I,
)
_GATEWAY = re.compile(
    r"\[(?:ext|extern(?:al|e|o)?(?: e?-?mail| sender)?|caution|spam\??|suspected spam|bulk|jira|zendesk"
    r"|freshdesk|webform|secure)\]\s*"
    r"|\*{2,3}(?:external|spam)\*{2,3}\s*|external ?: ",
    re.I,
)
_NUMBER = re.compile(
    r"\[(?:(?:ticket|case|request|req|incident|inc|issue|anfrage|vorgang|fall|dossier|demande|caso|solicitud"
    r"|chamado|pratica"
    r"|verzoek|sag|sprawa|zgłoszenie)[ ]?)?[#:№]*[ ]?(?:[A-Z]{1,10}-)?#?\d[\d \w-]{0,20}\]\s*"
    r"|\((?:[A-Z]{2,10}-\d{1,8}|#\d{2,12})\)\s*|##[\w-]{1,20}##\s*",
    re.I,
)


def subject_spans(subject: str) -> list[Span]:
    """The prefixes of answers and forwarded mail, tags of gateways and ticket numbers in `subject`."""
    spans: list[Span] = []
    at = len(subject) - len(subject.lstrip())
    while found := next(
        (each for rule in (_REPLY, _GATEWAY, _NUMBER) if (each := rule.match(subject, at))), None
    ):
        at = found.end()
        spans.append(Span(found.start(), at, TextKind.BANNER))
    spans += (
        [Span(*found.span(), TextKind.BANNER) for found in _NUMBER.finditer(subject, at)]
        if "[" in subject[at:]
        else []
    )
    return spans
