"""Transcripts of chats: the visitor's turns are the writer's words, agents and bots are not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from ticketmill.domain.spans import Span, TextKind
from ticketmill.text.blanking import visible

MAX_NAME_CHARS = 40
MIN_TURNS = 3
MIN_SHARE = 0.5
"""Of the lines that are turns, in a transcript."""
MAX_LINES = 5000

_VISITOR = re.compile(
    r"\b(?:visitor|customer|client|user|guest|caller|you|me|shopper|student|patient|passenger"
    r"|kund(?:e|in)|besucher(?:in)?|gast|nutzer(?:in)?|ich|anrufer(?:in)?"
    r"|cliente?|visiteu(?:r|se)|moi|visitante|usuari[oa]|usuário|yo|eu|visitatore|visitatrice|utente|io"
    r"|klant|bezoeker|ik|kunde|besøgende|gæst|jeg|klient(?:ka)?|gość|użytkownik|ja)\b"
    r"|お客様|訪問者|ゲスト|ユーザー",
    re.I,
)
_AGENT = re.compile(
    r"(?:bot|assistant)\b|\b(?:agent|bot\w*|support|advis[eo]r|operator|representative|rep|csr|help ?desk"
    r"|service ?desk|system"
    r"|moderator|consultant|chatbot|virtual|automated|staff|team|tutor"
    r"|mitarbeiter(?:in)?|berater(?:in)?|kundenservice|kundendienst|kundenbetreu\w+|automatisch\w*"
    r"|conseill(?:er|ère)|agente|assistante?|robot|service client|support client"
    r"|asesora?|operadora?|asistente|soporte|atención al cliente"
    r"|atendente|assistente|suporte|atendimento|operatore|operatrice|supporto|assistenza|servizio clienti"
    r"|medewerk(?:er|ster)|klantenservice|medarbejder|kundeservice|konsultant(?:ka)?|doradca"
    r"|obsługa(?: klienta)?"
    r"|asystent(?:ka)?)\b|オペレーター|サポート|担当者?|ボット|システム",
    re.I,
)
_AGENT_TALK = re.compile(
    r"how (?:can|may) i (?:help|assist)|thank(?:s| you) for (?:contacting|reaching|chatting|your patience)"
    r"|welcome to\b"
    r"|wie kann ich (?:ihnen|dir)|willkommen (?:bei|im)|puis-je vous aider|en quoi puis-je|comment puis-je"
    r"|(?:le|te) puedo ayudar|en qué puedo|bienvenid[oa] a|posso ajud|em que posso|posso aiutar|benvenut[oa]"
    r"|kan ik (?:u|je) helpen|waarmee kan ik|hvordan kan jeg|hvad kan jeg hjælpe|w czym mogę|jak mogę pomóc"
    r"|お問い合わせ(?:いただき)?ありがとう|ご用件",
    re.I,
)
_CHAT = re.compile(
    r"\b(?:live ?)?chat|transcript|conversation|verlauf|gespräch|conversación|conversa\b|conversazione"
    r"|gesprek|samtale|czat"
    r"|rozmow|チャット",
    re.I,
)
_CLOCK = r"\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:[ \u202f]?[AaPp]\.?[Mm]\.?)?"
_DATE = r"(?:\d{1,4}[./-]\d{1,2}[./-]\d{1,4},?[ T]?)"
_TIME = rf"[\[(◆*]?[ ]?(?:{_DATE}?[ ]?{_CLOCK}|{_DATE})[ ]?[\])◆*]?[ ]?[-–|]?[ ]?"
_NAME = rf"[^\W\d_][^\n:：▸»>|\[\](){{}}<=]{{0,{MAX_NAME_CHARS}}}(?:[ ]?\([^()\n:]{{1,30}}\))?"
_TURN = re.compile(
    rf"^[ \t◆•*>]{{0,4}}(?P<time>{_TIME})?(?P<name>{_NAME}?)[ *_]{{0,3}}"
    rf"(?:[\[(]{_DATE}?[ ]?{_CLOCK}[\])][ ]?)?(?:[:：]|[ ][▸»>][ ])[*_ \t]{{0,4}}(?=\S|$)",
    re.M,
)
# a line of name and time, the words on the next
_HEADED = re.compile(
    rf"^[ \t]{{0,4}}(?P<name>{_NAME}?)(?P<time>[ ,|–-]{{1,4}}[\[(]?{_DATE}?[ ]?{_CLOCK}[\])]?)"
    r"[ \t]*(?:\n|\Z)",
    re.M,
)
_EVENT = re.compile(rf"^[ \t◆•*]{{0,4}}{_TIME}[^\n]{{0,120}}$", re.M)
_NO_NAMES = re.compile(
    r"https?$|^(?:re|fwd?|aw|wg|ps|p\.s|nb|note|edit|update|cc|to|from|subject|date|sent"
    r"|info|warn|warning|error|debug|fatal|trace|critical|notice)$",
    re.I,
)
_EMPTY_LINE = re.compile(r"\n[ \t]*\n")
_NAMED_VISITOR = re.compile(r"visitor[ :\"“„']+(?:joined: *)?([^\"”“\n:]{1,40})", re.I)


class _Turn(NamedTuple):
    """What one speaker says: the name's line from `start`, the words from `words` to `end`."""

    start: int
    words: int
    end: int
    speaker: str
    timed: bool
    headed: bool
    """Whether the name has a line of its own."""


def chat_spans(text: str, subject: str = "") -> list[Span]:
    """Names and times as FORM, agents' turns as AGENT; nothing if `text` is no transcript.

    `subject` may name the visitor.
    """
    if "\n" not in text or (":" not in text and "：" not in text and "▸" not in text and "»" not in text):
        return []
    turns = _turns(text)
    if not _is_transcript(text, turns, announced=_CHAT.search(f"{subject}\n{text[:200]}") is not None):
        return []
    agents = _agents(turns, f"{subject}\n{text[:200]}", text)
    if agents is None:
        return []
    spans: list[Span] = [*_events(text, 0, turns[0].start)]
    for turn in turns:
        spans += visible(text, TextKind.FORM, turn.start, turn.words)
        if turn.speaker in agents:
            # what follows the last turn after an empty line may be the writer's again
            gap = _EMPTY_LINE.search(text, turn.words, turn.end) if turn is turns[-1] else None
            spans += visible(text, TextKind.AGENT, turn.words, gap.start() if gap else turn.end)
        else:
            spans += _events(text, turn.words, turn.end)
    return spans


def _turns(text: str) -> list[_Turn]:
    headed = list(_HEADED.finditer(text))
    found = [
        match
        for match in (headed if len(headed) >= MIN_TURNS else _TURN.finditer(text))
        if not _NO_NAMES.search(match["name"].strip()) and len(match["name"].split()) <= 5
    ][:MAX_LINES]
    ends = [match.start() for match in found[1:]] + [len(text)] * bool(found)
    return [
        _Turn(
            match.start(), match.end(), end, _speaker(match["name"]), match["time"] is not None, bool(headed)
        )
        for match, end in zip(found, ends, strict=True)
    ]


def _speaker(name: str) -> str:
    return name.strip(" *_\t").casefold()


def _is_transcript(text: str, turns: Sequence[_Turn], *, announced: bool) -> bool:
    """Whether at least two speakers take turns here; the fields of a form and of a mail's header do not."""
    speakers = Counter(turn.speaker for turn in turns)
    lines = sum(1 for line in text.splitlines() if line.strip())
    if len(speakers) < 2 or len(turns) < MIN_SHARE * (lines - sum(turn.headed for turn in turns)):
        return False
    roles = any(map(_is_visitor, speakers)) and any(map(_is_agent, speakers))
    if roles and len(speakers) == len(turns) == 2:
        return all(len(text[turn.words : turn.end].split()) >= 3 for turn in turns)
    repeated = sum(count for count in speakers.values() if count > 1)
    switches = sum(one.speaker != other.speaker for one, other in pairwise(turns))
    timed = sum(turn.timed for turn in turns)
    if len(turns) < MIN_TURNS or switches < 2 or 2 * repeated < len(turns):
        return False
    known = any(map(_is_agent, speakers)) or (announced and any(map(_is_visitor, speakers)))
    return roles or 2 * timed >= len(turns) or (len(speakers) <= 4 and known)


def _is_agent(speaker: str) -> bool:
    return _AGENT.search(speaker) is not None


def _is_visitor(speaker: str) -> bool:
    return _VISITOR.search(speaker) is not None and not _is_agent(speaker)


def _agents(turns: Sequence[_Turn], around: str, text: str) -> set[str] | None:
    """The speakers who are not the visitor; None where nobody can be told from the other."""
    speakers = list(dict.fromkeys(turn.speaker for turn in turns))
    named = {_speaker(name) for name in _NAMED_VISITOR.findall(around)}
    visitors = {each for each in speakers if each in named} or {
        each for each in speakers if _is_visitor(each)
    }
    if visitors and len(visitors) < len(speakers):
        return set(speakers) - visitors
    agents = {each for each in speakers if _is_agent(each)}
    agents |= {turn.speaker for turn in turns if _AGENT_TALK.search(text, turn.words, turn.end)}
    return agents if agents and len(agents) < len(speakers) else None


def _events(text: str, start: int, end: int) -> Iterable[Span]:
    """Lines with a time and no speaker: somebody came or went."""
    for event in _EVENT.finditer(text, start, end):
        if event.start() == 0 or text[event.start() - 1] == "\n":
            yield from visible(text, TextKind.FORM, *event.span())
