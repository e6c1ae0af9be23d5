"""The meaningful sentences of a ticket: no greetings, signatures, quoted replies or log lines."""

from __future__ import annotations

import re
from typing import NamedTuple

MIN_WORDS = 3

# A line of this length without a full stop was wrapped by the mail program: the next line continues it.
WRAPPED_FROM, WRAPPED_TO = 55, 120
MAX_SIGNATURE_WORDS = 6
# Noise is visible at the beginning of a line; a line may have a million characters.
MAX_NOISE_CHARS = 200

_BREAK = re.compile(r"(?<=[.!?…])[\"')\]]*\s+(?=[^\s\d])|\n\s*\n")
_ABBREVIATION = re.compile(
    r"\b(?:(?-i:[A-Z])|e\.g|i\.e|etc|mr|mrs|ms|dr|no|nr|st|vs|approx|incl|inc|ltd|a\.m|p\.m|resp|ca|fig|tel|ext|ref)\.$",
    re.I,
)
_SENTENCE_END = re.compile(r"[.!?…:;][\"')\]]*\s*$")
_BULLET = re.compile(r"^\s*(?:[-*•\u2013]|\d{1,2}[.)])\s+")
_QUOTED = re.compile(r"^\s*(?:>|\|)")
_REPLY_HEADER = re.compile(
    r"^\s*(?:on .{5,80} wrote:|-{2,} ?(?:original message|forwarded)|(?:from|sent|to|cc|subject): )", re.I
)
_SIGNATURE_START = re.compile(
    r"^\s*(?:--\s*$|(?:(?:all the )?best|kind|warm|many thanks|thanks|thank you|thx|ty|regards|rgds|cheers"
    r"|sincerely|yours|br|mit freundlichen grüßen|viele grüße)\b[^.!?]{0,30}[,!.]?\s*$"
    r"|sent from my |get outlook for )",
    re.I,
)
_GREETING = re.compile(
    r"^\s*(?:hi+|hiya|hello|hey|dear|good (?:morning|afternoon|evening|day)|greetings|hallo|guten tag|hola"
    r"|respected|to whom it may concern|team)\b"
    r"(?:(?:[^.!?,\n]|\bM\w+\.){0,45}[,!:]|[^.!?,\n]{0,14}\.?)\s*$",
    re.I,
)
_PLEASANTRY = re.compile(
    r"^(?:i |we )?(?:hope (?:you|this|all|everyone)\b.{0,50}|for your (?:information|info)"
    r"|(?:please|pls) advise|(?:just )?(?:a )?quick (?:question|one)"
    r"|sorry (?:that )?(?:this is|it's|for the) (?:so )?long\b.{0,40}"
    r"|(?:i )?look(?:ing)? forward to .{0,50}|thank(?:s| you)\b.{0,50}(?:advance|help|time|support))[.!,:]*$",
    re.I,
)
_OPENING = re.compile(
    r"^(?:hi+|hiya|hello|hey|dear|good (?:morning|afternoon|evening))\b(?: [\w']+){0,2} ?[,!] +", re.I
)
_LOG_LINE = re.compile(
    r"^\s*(?:at \S+\(|File \"|Traceback|Caused by|>>> |\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\[?\d\d:\d\d:\d\d|\$ "
    r"|curl |[{}<\[]|\[?(?:ERROR|WARN|WARNING|INFO|DEBUG|FATAL)\b|(?:GET|POST|PUT|DELETE|PATCH|HEAD) /"
    r"|HTTP/\d|x-[\w-]+:|[A-Z_]{4,}=|[\w.$]*(?:Exception|Error): |[^\s=]+=\S+ [^\s=]+=\S)"
)
_WORD = re.compile(r"[^\W\d_]{2,}")


class Sentence(NamedTuple):
    """A sentence, and its position in the text: characters `start` to `end`."""

    text: str
    start: int
    end: int


def sentences(text: str) -> list[Sentence]:
    """The meaningful sentences of `text`, in order."""
    blocks: list[Sentence] = []
    open_block = False
    for line in _lines(text):
        if not line.text.strip():
            open_block = False
        elif blocks and (_SIGNATURE_START.match(line.text) or _REPLY_HEADER.match(line.text)):
            break
        elif _is_noise(line.text):
            open_block = False
        elif open_block and not _BULLET.match(line.text):
            blocks[-1] = Sentence(text[blocks[-1].start : line.end], blocks[-1].start, line.end)
            open_block = _goes_on(line.text)
        else:
            blocks.append(line)
            open_block = _goes_on(line.text)
    split = [sentence for block in _without_name(blocks) for sentence in _split(block)]
    return [sentence for sentence in split if _says_something(sentence.text)]


def _goes_on(line: str) -> bool:
    return WRAPPED_FROM <= len(line) <= WRAPPED_TO and not _SENTENCE_END.search(line[-8:])


def _is_noise(line: str) -> bool:
    beginning = line.strip()[:MAX_NOISE_CHARS]
    return any(pattern.match(beginning) for pattern in (_QUOTED, _REPLY_HEADER, _GREETING, _LOG_LINE))


def _says_something(sentence: str) -> bool:
    if len(sentence.split()) < MIN_WORDS:
        return False
    if any(pattern.match(sentence) for pattern in (_SIGNATURE_START, _GREETING, _PLEASANTRY)):
        return False
    # mostly signs and digits: a command, an address, a table
    letters = sum(map(len, _WORD.findall(sentence[:1000])))
    return letters * 2 >= min(len(sentence), 1000)


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
        and words[0][0].isupper()
    )


def _lines(text: str) -> list[Sentence]:
    lines: list[Sentence] = []
    start = 0
    for line in text.split("\n"):
        lines.append(Sentence(line, start, start + len(line)))
        start += len(line) + 1
    return lines


def _split(block: Sentence) -> list[Sentence]:
    parts: list[Sentence] = []
    start = bullet.end() if (bullet := _BULLET.match(block.text)) else 0
    for gap in [*_BREAK.finditer(block.text, start), None]:
        end = gap.start() if gap else len(block.text)
        if gap and _ABBREVIATION.search(block.text[max(start, end - 8) : end]):
            continue
        text = block.text[start:end].strip()
        if text:
            offset = block.start + start + block.text[start:end].index(text)
            parts.append(_without_opening(Sentence(text, offset, offset + len(text))))
        start = gap.end() if gap else end
    return parts


def _without_opening(sentence: Sentence) -> Sentence:
    """Without a greeting such as `Hi there, ` at the beginning."""
    opening = _OPENING.match(sentence.text)
    if opening is None or len(sentence.text) - opening.end() < MIN_WORDS:
        return sentence
    return Sentence(sentence.text[opening.end() :], sentence.start + opening.end(), sentence.end)
