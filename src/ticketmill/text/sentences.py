"""The meaningful sentences of a ticket: no greetings, signatures, quoted replies or log lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from ticketmill.text.boundaries import has_capitals, split_at_ends
from ticketmill.text.courtesies import Courtesy, courtesy, end_of_greeting
from ticketmill.text.scripts import UNSPACED, count_words

MIN_WORDS = 3

# A line of this length without a full stop was wrapped by the mail program: the next line continues it.
WRAPPED_FROM, WRAPPED_TO = 55, 120
# Lines of this share of the longest one are full: a text with MIN_FULL_LINES of them was wrapped.
FULL_LINE_SHARE, MIN_FULL_LINES = 0.8, 3
MAX_SIGNATURE_WORDS = 6
MAX_GREETINGS = 2
# After thanks, a line of so many words is more of the message, not a signature.
MIN_MESSAGE_WORDS = 7
# Noise is visible at the beginning of a line; a line may have a million characters.
MAX_NOISE_CHARS = 200

_SENTENCE_END = re.compile(r"[.!?…:;。！？][\"')\]]*\s*$")
_BULLET = re.compile(r"^\s*(?:[-*] \[[ xX]\]|[-*•\u2013]|\d{1,2}[.)]|#{1,6}|\[[ xX]\])\s+")
_NOISE = re.compile(
    r"(?:[>|]"
    r"|at \S+ ?\(|File \"|Traceback|Caused by|>>> |\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\[?\d\d:\d\d:\d\d|\$ "
    r"|curl |[{}<\[]|\[?(?:ERROR|WARN|WARNING|INFO|DEBUG|FATAL)\b|(?:GET|POST|PUT|DELETE|PATCH|HEAD) /"
    r"|HTTP/\d|x-[\w-]+:|[A-Z_]{4,}=|[\w.$]*(?:Exception|Error): |[^\s=]+=\S+ [^\s=]+=\S)"
)
_END_OF_MESSAGE = re.compile(
    r"(?:on|am|le|el|il|em|op|den|w dniu|dnia) .{5,120} (?:wrote|schrieb|a écrit|escribió|escreveu|ha scritto"
    r"|schreef|skrev|napisała?)\b.{0,60}:$"
    r"|-{2,} ?(?:original message|forwarded)|(?:from|sent|to|cc|subject): "
    r"|--$|(?:sent from my|get outlook for|von meinem|envoyé de mon) ",
    re.I,
)
_FORM_HEAD = re.compile(
    r"\s*(?:your |ihre |votre |su |sua |uw |din )?(?:message|comments?|description|details|question"
    r"|enquiry|inquiry|body"
    r"|nachricht|beschreibung|anliegen|mitteilung|kommentar|frage|commentaires?|mensaje|descripción|comentarios?"
    r"|mensagem|descrição|messaggio|descrizione|bericht|omschrijving|besked|beskrivelse|wiadomość|treść|opis"
    r"|お問い合わせ内容|内容|本文)\s*[:\uff1a](?!\S*//)\s*",
    re.I,
)
_FORM_FIELD = re.compile(
    r"\s*(?:(?:first |last |full |your )?name|vorname|nachname|e-?mail(?: address)?|phone(?: number)?|telefon"
    r"|company|firma|organi[sz]ation|category|kategorie|nom|prénom|nombre|nome|naam|navn|imię"
    r"|お名前|メールアドレス"
    r"|page(?: url)?|ip(?: address)?|browser|captcha|consent[\w ]{0,25}|submitted(?: on| at)?"
    r"|submission date)"
    r"\s*[:\uff1a].{0,60}$",
    re.I,
)
OPEN_ENDED = (
    "a an the my our your their his her its this that of to in on at by for from with without and or but"
    " if is are was be been have has had will would can could not no since until than as when where which"
    " who we you they he she mr mrs ms dr der die das den dem des ein eine einen einem einer und oder aber"
    " mit von zu im am auf für bei nach seit ist sind war le la les un une des du de et ou à au aux dans"
    " pour par sur avec est el los las del al y o en con por para que os as um uma do da e em com il lo"
    " gli di dal nel per het een van en op voor met og eller med på af i w z na do od się"
)
"""Words after which a sentence goes on, in nine languages."""
_OPEN_ENDED = frozenset(OPEN_ENDED.split())
_WORD = re.compile(r"[^\W\d_]{2,}")


class Sentence(NamedTuple):
    """A sentence, and its position in the text: characters `start` to `end`."""

    text: str
    start: int
    end: int


def sentences(text: str) -> list[Sentence]:
    """The meaningful sentences of `text`, in order."""
    blocks = _blocks(text)
    capitals = any(has_capitals(block.text) for block in blocks[:3])
    split = [sentence for block in _without_name(blocks) for sentence in _split(block, capitals=capitals)]
    return [sentence for sentence in split if _says_something(sentence.text)]


def _blocks(text: str) -> list[Sentence]:
    """Paragraphs, list items and lines that stand alone, without the lines that say nothing."""
    lines = list(_lines(text))
    width = _wrapped_width(lines)
    last_message_line = _last_message_line(lines)
    blocks: list[Sentence] = []
    is_open = False
    for index, line in enumerate(lines):
        if not line.text or line.text.isspace():
            is_open = False
        elif kind := _kind(line.text[:MAX_NOISE_CHARS].strip(), index >= last_message_line):
            if blocks and kind is _Kind.END:
                break
            is_open = False
        elif is_open and _continues(lines[index - 1].text, line.text, width):
            start = blocks[-1].start
            blocks[-1] = Sentence(text[start : line.end], start, line.end)
        else:
            blocks.append(_without_form_head(line))
            is_open = True
    return blocks


def _lines(text: str) -> Iterator[Sentence]:
    start = 0
    for line in text.split("\n"):
        yield Sentence(line, start, start + len(line))
        start += len(line) + 1


def _last_message_line(lines: list[Sentence]) -> int:
    """The last line that is too long for one of a signature."""
    indexes = range(len(lines) - 1, 0, -1)
    return next((index for index in indexes if lines[index].text.count(" ") >= MIN_MESSAGE_WORDS), 0)


class _Kind(Enum):
    """Lines that say nothing."""

    NOISE = auto()
    END = auto()
    """A signature or an older mail begins with it."""


def _kind(line: str, is_last: bool) -> _Kind | None:
    """None for a line that may say something. `is_last`: only short lines follow."""
    if _END_OF_MESSAGE.match(line):
        return _Kind.END
    if polite := courtesy(line):
        ends = polite is Courtesy.CLOSING or (is_last and polite is Courtesy.THANKS)
        return _Kind.END if ends else _Kind.NOISE
    is_noise = _NOISE.match(line) or (":" in line and _FORM_FIELD.match(line))
    return _Kind.NOISE if is_noise else None


def _without_form_head(line: Sentence) -> Sentence:
    head = _FORM_HEAD.match(line.text) if ":" in line.text[:40] or "\uff1a" in line.text[:40] else None
    return Sentence(line.text[head.end() :], line.start + head.end(), line.end) if head else line


def _wrapped_width(lines: list[Sentence]) -> int:
    """The width that the text was wrapped to; 0 if it was not."""
    lengths = [len(line.text) for line in lines if len(line.text) >= WRAPPED_FROM]
    longest = max(lengths, default=0)
    if longest > WRAPPED_TO:
        return 0
    return longest if sum(length >= FULL_LINE_SHARE * longest for length in lengths) >= MIN_FULL_LINES else 0


def _continues(previous: str, line: str, width: int) -> bool:
    """Whether a mail program broke a sentence between the two lines."""
    if not WRAPPED_FROM <= len(previous) <= WRAPPED_TO or _SENTENCE_END.search(previous[-8:]):
        return False
    if _BULLET.match(line):
        return False
    if previous.rstrip()[-1:] == "," or previous.split()[-1].lower() in _OPEN_ENDED:
        return True
    beginning = line.lstrip()
    if width:
        return len(previous) + len(beginning.split(None, 1)[0]) >= width
    return beginning[0].islower() and previous.lstrip()[0].isupper()


def _without_name(blocks: list[Sentence]) -> list[Sentence]:
    """Without the lines of a name and a role at the end, if no closing phrase precedes them."""
    kept = len(blocks)
    while kept > 1 and _is_name(blocks[kept - 1].text):
        kept -= 1
    return blocks[:kept]


def _is_name(line: str) -> bool:
    words = line.split()
    return (
        len(words) <= MAX_SIGNATURE_WORDS
        and not _SENTENCE_END.search(line[-8:])
        and all(word[0].isupper() or not word[0].isalpha() for word in words)
        and line.lstrip()[:1].isupper()
    )


def _split(block: Sentence, *, capitals: bool) -> Iterator[Sentence]:
    start = bullet.end() if (bullet := _BULLET.match(block.text)) else 0
    for first, last in split_at_ends(block.text, start, capitals=capitals):
        text = block.text[first:last].strip()
        if text:
            offset = block.start + block.text.index(text, first)
            sentence = Sentence(text, offset, offset + len(text))
            # only a paragraph begins with a greeting
            yield _without_opening(sentence) if first == start else sentence


def _without_opening(sentence: Sentence) -> Sentence:
    """Without a greeting such as `Hi there, ` at the beginning."""
    for _ in range(MAX_GREETINGS):
        end = end_of_greeting(sentence.text)
        if not end or len(sentence.text) - end < MIN_WORDS:
            break
        sentence = Sentence(sentence.text[end:], sentence.start + end, sentence.end)
    return sentence


def _says_something(sentence: str) -> bool:
    if count_words(sentence) < MIN_WORDS or courtesy(sentence):
        return False
    # mostly signs and digits: a command, an address, a table
    beginning = sentence[:1000]
    letters = sum(map(len, _WORD.findall(beginning)))
    if not beginning.isascii():
        letters += len(UNSPACED.findall(beginning))
    return letters * 2 >= len(beginning)
