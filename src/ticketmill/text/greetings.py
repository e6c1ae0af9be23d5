"""The salutation at the beginning of a mail: "Hi team,", "Sehr geehrte Damen und Herren,"."""

from __future__ import annotations

import re

from ticketmill.domain.spans import Span, TextKind
from ticketmill.text.phrases import phrases

_WORDS = (
    r"hi|hello|hey|hiya|howdy|dear|greetings|good (?:morning|afternoon|evening|day)|to whom it may concern"
    r"|hallo|guten (?:tag|morgen|abend)|moin(?: moin)?|servus|grüß gott|grüezi|liebe[rs]?|werte[rs]?"
    r"|sehr geehrte[rs]?|geehrte[rs]?"
    r"|bonjour|bonsoir|salut|madame,? monsieur|cher|chère|chers|chères|monsieur|madame"
    r"|hola|buenos días|buenas tardes|buenas noches|buenas|buen día|estimad[oa]s?(?:/as|/a)?"
    r"|apreciad[oa]s?|querid[oa]s?"
    r"|olá|oi|bom dia|boa tarde|boa noite|prezad[oa]s?|car[oa]s?|exm[oa]s?\.?|ex\.?m[oa]s?"
    r"|buongiorno|buonasera|buon giorno|salve|ciao|gentil[ei]?(?:ssim[oaie])?|spett(?:abile"
    r"|\.)?(?:\s?le)?|egregi[oa]?"
    r"|goedemorgen|goedemiddag|goedenavond|goedendag|beste|geachte|dag|hoi"
    r"|hej|godmorgen|goddag|god dag|god eftermiddag|kære|hejsa|hei|bästa"
    r"|dzień dobry|dobry wieczór|witam|witajcie|cześć|szanown[iyea]|drog[iae]"
)
_WORDS_JAPANESE = (
    r"(?:いつも|大変|平素より?は?)?\s?(?:大変|格別の)?お世話になって(?:おり)?ます|お世話になります|こんにちは|おはようございます|こんばんは|はじめまして"
    r"|拝啓|お疲れ様です|[\w 　・ー]{1,24}(?:御中|様|さま|ご担当者様)"
)
# no word of these makes a greeting a sentence
_ADDRESSED = frozenset(
    phrases(
        """team|support|all|there|everyone|everybody|folks|guys|sir|sirs|madam|madame|mr|mrs|ms|dr|prof
or|and|the|of|at|service|customer|care|desk|helpdesk|help|office|staff|again|to|you|both|friends
colleagues|ladies|gentlemen|hiring|department|accounts|billing|sales|people|mates|mate|damen|und|herren
herr|frau|liebe|lieber|kollegen|kolleginnen|kundenservice|kundendienst|support-team|zusammen|nochmal
wieder|leute|geehrte|geehrter|sehr|à|tous|toutes|et|monsieur|messieurs|mesdames|l'équipe|équipe|client
cher|chère|le|equipo|señor|señora|señores|señoras|señor/a|sr|sra|sres|a|todos|todas|buenas|buenos|días
tardes|soporte|de|atención|al|cliente|y|e|equipe|prezados|senhor|senhora|senhores|senhoras|suporte|time
pessoal|tudo|bem|da|do|tutti|voi|signor|signora|signori|signore|servizio|clienti|ditta|heer|mevrouw
meneer|dames|heren|allemaal|klantenservice|collega|collega's|en|alle|sammen|kundeservice|hr|fr|jer|og
państwo|państwa|pan|pani|panie|panowie|panu|zespół|zespole|obsługa|redaktion|verehrte|redacteur"""
    )
)
_GREETING = re.compile(rf"\s*(?:[*_]*)((?:{_WORDS})\b|(?:{_WORDS_JAPANESE}))", re.IGNORECASE)
_ENDS = ",!.:;–—，、。！："
_WISHES = re.compile(
    r"\s*(?:i |we )?(?:hope|trust) (?:(?:you|you're|that you|this (?:e-?mail|message)|all|everything"
    r"|everyone)\b)"
    r"[^.!?\n]{0,60}?(?:well|fine|good|great|okay|ok|safe|nice (?:day|week|weekend)|good (?:day|week"
    r"|weekend))"
    r"(?: today| with you| there)?[.!,:)\s]+"
    r"|\s*(?:ich|wir) hoffe?n?,? (?:es geht ihnen|ihnen geht es|euch geht es"
    r"|dir geht es)[^.!?\n]{0,30}[.!]\s?"
    r"|\s*j'espère que vous allez bien[.!]\s?|\s*espero que (?:se encuentren?|estén?"
    r"|esteja[ms]?) (?:muy |tudo )?bi?em?n?[.!]\s?"
    r"|\s*spero che (?:stiate|lei stia|tu stia) bene[.!]\s?"
    r"|\s*mam nadzieję, że wszystko[^.!?\n]{0,20}[.!]\s?"
    r"|\s*how are you(?: (?:doing|today))*\s?[?!.]+\s?|\s*tudo bem\s?\?\s?"
    r"|\s*(?:いつも|大変|平素より?は?)?(?:大変|格別の)?お世話になって(?:おり)?ます[。、\s]*",
    re.IGNORECASE,
)
_MAX_NAME_WORDS = 7
_MAX_GREETINGS = 3
_MAX_CHARACTERS = 200


def greeting_spans(text: str) -> list[Span]:
    """The greeting at the beginning of `text`, a ticket's body. Nothing where it is all that there is."""
    start = len(text) - len(text.lstrip())
    end = start
    for _ in range(_MAX_GREETINGS):
        after = _end_of_greeting(text, end) or _end_of_wish(text, end, begun=end > start)
        if after is None:
            break
        end = after
    if end == start or not any(character.isalnum() for character in text[end : end + 4000]):
        return []
    return [Span(start, start + len(text[start:end].rstrip()), TextKind.GREETING)]


def is_greeting(text: str) -> bool:
    """Whether `text` is a greeting and nothing else."""
    return len(text) < _MAX_CHARACTERS and _end_of_greeting(text.strip(), 0) == len(text.strip())


def _end_of_wish(text: str, start: int, *, begun: bool) -> int | None:
    """Where "I hope you are well." ends; only after a greeting."""
    found = _WISHES.match(text, start) if begun else None
    return found.end() if found is not None else None


def _end_of_greeting(text: str, start: int) -> int | None:
    """Where the greeting that begins at `start` ends; None where what begins there is a sentence."""
    found = _GREETING.match(text, start)
    if found is None:
        return None
    end = found.end()
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    position = end
    for number in range(_MAX_NAME_WORDS + 1):
        while position < line_end and text[position] in " \t\r*_":
            position += 1
        if position >= line_end:
            return line_end
        if text[position] in _ENDS:
            return _after_stop(text, position, line_end)
        if text[position] == "-" and text[position - 1] == " ":
            return position + 1
        if number == _MAX_NAME_WORDS:
            return None
        word_end = position
        while word_end < line_end and not text[word_end].isspace() and text[word_end] not in ",!:;，、。！：":
            word_end += 1
        word = text[position:word_end]
        if not _addresses(word, last=word_end >= line_end or text[word_end : word_end + 1] in _ENDS):
            return None
        position = word_end
    return None


def _after_stop(text: str, position: int, line_end: int) -> int:
    while position < line_end and text[position] in _ENDS + "! ":
        position += 1
    return position


def _addresses(word: str, *, last: bool) -> bool:
    """Whether `word` may stand in a salutation: a name, a title, "team"."""
    bare = word.strip(".()*_/'\"")
    if bare.lower() in _ADDRESSED or word in ("&", "/", "@"):
        return True
    if not bare or any(character.isdigit() for character in bare) or "?" in word:
        return False
    return (
        bare[0].isupper()
        or not bare[0].isascii()
        or (last and bare.isalpha() and len(bare) < 12 and word[-1] != ".")
    )
