"""The lines that mail programs put above a forwarded or quoted mail, and own lines that only point to it."""

from __future__ import annotations

import re

_FORWARDED = (
    "forwarded message",
    "begin forwarded message",
    "forwarded mail",
    "forwarded by",
    "weitergeleitete nachricht",
    "anfang der weitergeleiteten",
    "weitergeleitet von",
    "message transféré",
    "début du message transféré",
    "début du message réexpédié",
    "message réexpédié",
    "mensaje reenviado",
    "inicio del mensaje reenviado",
    "mensagem encaminhada",
    "mensagem reencaminhada",
    "início da mensagem",
    "messaggio inoltrato",
    "inizio messaggio inoltrato",
    "doorgestuurd bericht",
    "begin doorgestuurd",
    "videresendt meddelelse",
    "videresendt besked",
    "videresendt mail",
    "start på videresendt",
    "przesłana dalej",
    "przekazana wiadomość",
    "początek przekazywanej",
    "początek przekazanej",
    "wiadomość przekazana",
    "転送メッセージ",
    "転送されたメッセージ",
    "転送メール",
)
_ORIGINAL = (
    "original message",
    "original mail",
    "original e-mail",
    "originalnachricht",
    "original-nachricht",
    "ursprüngliche nachricht",
    "ursprüngliche mail",
    "message d'origine",
    "message d’origine",
    "message original",
    "mensaje original",
    "mensaje original",
    "mensagem original",
    "messaggio originale",
    "oorspronkelijk bericht",
    "oorspronkelijke bericht",
    "original meddelelse",
    "oprindelig meddelelse",
    "oprindelig besked",
    "wiadomość oryginalna",
    "oryginalna wiadomość",
    "original appointment",
    "reply message",
    "元のメッセージ",
    "original message",
)
_REPLY_ABOVE = re.compile(
    r"(?:reply|response|answer|write|type|respond)[\w ]{0,24} (?:above|over) this line"
    r"|^\W{0,12}(?:please )?(?:your )?repl(?:y|ies) (?:goes? )?(?:above|over|on top)\b.{0,40}$"
    r"|(?:oberhalb|über) dieser (?:linie|zeile)"
    r"|au[- ]dessus de cette ligne|(?:encima|arriba) de esta línea|acima d(?:esta|essa) linha"
    r"|sopra (?:a )?questa (?:riga|linea)|boven deze (?:regel|lijn)|over denne linje"
    r"|powyżej tej linii|この(?:行|線)より上",
    re.IGNORECASE,
)
_FENCED = (
    "forwarded",
    "weitergeleitet",
    "transféré",
    "reenviado",
    "encaminhado",
    "inoltrato",
    "doorgestuurd",
    "videresendt",
)
"""These announce a mail between two rules only."""
_REPLY_WORDS = (
    "this line",
    "dieser linie",
    "dieser zeile",
    "cette ligne",
    "esta línea",
    "linha",
    "questa riga",
    "deze regel",
    "deze lijn",
    "denne linje",
    "tej linii",
    "より上",
    "reply above",
    "reply over",
    "goes on top",
)
_FENCE = re.compile(r"[\s>*]*[-–—_=~]{2,}.{3,80}?[-–—_=~]{2,}[\s*]*$")
_FORWARD_PREFIX = re.compile(
    r"\s*(?:\[[^\]]{1,30}\]\s*)?(?:fwd?|wg|tr|rv|enc|i|doorst|vs|vb|pd|転送)\s?[:：]", re.IGNORECASE
)
_POINTER = re.compile(
    r"\bread this\b|\bwhat \w+ (?:says|said|writes|wrote|asks)\b|\bthis (?:is|came|comes) from\b"
    r"|\bany ideas?\b"
    r"|\b(?:they're|they are|he is|she is|he's|she's) asking\b|\bover to you\b|\bpassing on\b"
    r"|\bdeal with this\b"
    r"|\b(?:see|read|look at|check|mail|message|e-?mail|thread|forwarded|complaint"
    r"|question)\b.{0,30}\b(?:below|underneath)\b"
    r"|\bbelow\b|\bf\.?y\.?i\b|\bforward(?:ing|ed)?\b|\bfwd\b|\bpass(?:ing|ed)?\b.{0,12}\bon\b"
    r"|\bas discussed\b"
    r"|\bcan you (?:help|handle|take)|\bplease (?:handle|advise|deal|assist|action|take care)\b"
    r"|\bone for you\b"
    r"|\bsiehe (?:unten|mail)\b|\bs\. ?u\.|\bunten\b|\bweiter(?:ge)?leite|\bweiterleitung\b"
    r"|\bzur kenntnis\b|\bz\. ?k\."
    r"|\bbitte (?:bearbeiten|kümmern|prüfen|übernehmen|um)\b"
    r"|\bci-dessous\b|\bpour info|\btransf[èé]r|\btransmets\b|\bmerci de traiter\b"
    r"|\babajo\b|\breenv[ií]|\bpara su información\b"
    r"|\babaixo\b|\b(?:re)?encaminho\b|\bpara (?:seu )?conhecimento\b"
    r"|\b(?:qui )?sotto\b|\binoltr|\bper conoscenza\b"
    r"|\bhieronder\b|\bdoorgestuurd\b|\bstuur.{0,10}door\b|\bter info"
    r"|\bnedenfor\b|\bnedenunder\b|\bvideresend|\btil orientering\b"
    r"|\bponiżej\b|\bprzesyłam\b|\bprzekazuję\b|\bdo wiadomości\b"
    r"|下記|以下|転送|ご確認ください",
    re.IGNORECASE,
)
_DOUBTS = re.compile(
    r"\bclick|\bphish|\bscam|\bspam\b|\bfraud|\bfake|\bsuspicious|\b(?:is|are) (?:this|it|that|they"
    r"|these) (?:really )?from you"
    r"|\bgenuine|\bgeklickt|\bbetrug|\bfälschung|\bcliqué|\bhameçonnage|\bfraude|\bestafa|\bgolpe"
    r"|\btruffa|\bgeklikt|\boplichting"
    r"|\bklikket|\bsvindel|\bkliknął|\boszust|詐欺|フィッシング",
    re.IGNORECASE,
)
_MAX_COVERING_WORDS = 22
_MAX_POINTING_WORDS = 25
_MAX_NAMED_WORDS = 3
_MAX_NAME_CHARACTERS = 40


def is_forward_marker(line: str) -> bool:
    """Whether `line` announces a forwarded mail: "---------- Forwarded message ---------"."""
    return _announces(line, _FORWARDED) or (_FENCE.match(line) is not None and _bare(line) in _FENCED)


def is_original_marker(line: str) -> bool:
    """Whether `line` announces a quoted mail: "-----Original Message-----"."""
    return _announces(line, _ORIGINAL)


def may_hold_reply_line(text: str) -> bool:
    """Whether `text` has a word that a ticket system's line cannot do without."""
    lowered = text.lower()
    return any(map(lowered.__contains__, _REPLY_WORDS))


def is_reply_line(line: str) -> bool:
    """Whether `line` is a ticket system's "Please type your reply above this line"."""
    return len(line) < 160 and _REPLY_ABOVE.search(line) is not None and not line.rstrip().endswith("?")


def is_forward(subject: str) -> bool:
    """Whether a mail program has marked `subject` as a forwarded mail's."""
    return _FORWARD_PREFIX.match(subject) is not None


def only_points(text: str, *, subject: str = "") -> bool:
    """Whether the writer's own `text` only points to what is forwarded ("FYI, see below").

    Under a forwarded mail's `subject`, a short text does as well. Who doubts the mail does not pass it on.
    """
    text = " ".join(text.split())
    words = len(text.split())
    if _DOUBTS.search(text):
        return False
    if words <= _MAX_COVERING_WORDS and is_forward(subject):
        return True
    if words <= _MAX_NAMED_WORDS and _is_name(text):
        return True
    limit = _MAX_POINTING_WORDS if " " in text else 1
    return words <= limit and len(text) < 200 and _POINTER.search(text) is not None


def _is_name(text: str) -> bool:
    """Whether `text` is a name or a greeting: "It fails." says something."""
    if text.endswith((".", "!", "?")):
        return False
    return len(text) < _MAX_NAME_CHARACTERS and all(not word[0].islower() for word in text.split())


def _announces(line: str, phrases: tuple[str, ...]) -> bool:
    text = line.strip(" \t\r>*").lower()
    if len(text) > 120:
        return False
    bare = _bare(line)
    if not bare.startswith(phrases):
        return False
    return _FENCE.match(line) is not None or text.endswith((":", "：")) or bare in phrases


def _bare(line: str) -> str:
    return line.strip(" \t\r>*").lower().strip("-–—_=~:： ")
