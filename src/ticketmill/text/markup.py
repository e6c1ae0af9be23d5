"""A ticket's text without what is no words: HTML, Markdown, what mail left undecoded, links, @handles."""

from __future__ import annotations

import re

from ticketmill.domain.spans import Span
from ticketmill.text.armour import without_armour
from ticketmill.text.blanking import blank_match
from ticketmill.text.html import without_html
from ticketmill.text.mime import without_mime
from ticketmill.text.wiki import CODE_MASK, code_spans, inline_code_spans, without_fences, without_wiki

# an address has its @ inside a word, a handle has it before one
_LINK = re.compile(r"<?(?:https?://|(?<!\w)www\.|mailto:)[^\s<>\"']*[^\s<>\"'.,;:!?)\]}]>?")
# neither a domain nor a package's scope
_HANDLE = re.compile(r"(?<![\w.])@\w++(?!\.\w|/)")
_PICTURE_WORDS = (
    r"image|bild|grafik|imagen|imagem|immagine|afbeelding|billede|obraz|obrazek|画像|logo|photo|foto"
)
_PICTURE = re.compile(
    rf"\[(?:cid:[^\]\s]{{1,200}}|(?:inline )?(?:{_PICTURE_WORDS})\s?[:：][^\[\]\n]{{0,100}}"
    r"|[^\[\]\n]{1,80}\.(?:png|jpe?g|gif|bmp|svg|webp|heic)"
    r"|[^\[\]\n]{1,80}\.(?:pdf|docx?|xlsx?|zip|txt|csv)(?:, ?\d+ ?[kKmM]i?[bB])?)\]"
    r"|<[^<>\s@]{1,80}\.(?:png|jpe?g|gif|bmp|svg|webp|heic|pdf|docx?|xlsx?|zip)>",
    re.I,
)
_ESCAPED_BREAK = re.compile(r"(?<![\\\"'`(/\[])(?:\\r\\n|\\n|\\r|\\t)(?![\"'`)/\]])")
_PATH = re.compile(r"(?<![A-Za-z])[A-Za-z]:\\(?!n|r\\n)|\\\\\w|:\\\w+\\\w|\w\\\w+\\\w+\.\w")


def plain_text(text: str) -> str:
    """`text` with its markup blanked and what is encoded decoded. Its length and all offsets stay the same.

    A word that becomes shorter keeps its beginning. Handles and links are names, not words: the encoder
    splits each into a dozen word pieces, which outweigh a short message.
    """
    if "\r" in text:
        text = text.replace("\r\n", " \n").replace("\r", "\n")
    if "\\" in text:
        text = _with_line_breaks(text)
    text = without_armour(without_mime(text))
    text = _outside_code(text)
    # most tickets have none, and a search for three characters is far cheaper than the pattern
    if "://" in text or "www." in text or "mailto:" in text:
        text = _LINK.sub(blank_match, text)
    return text


def _with_line_breaks(text: str) -> str:
    r"""`text` with the line breaks that somebody wrote as `\n`, unless they are the matter or a path's."""
    found = _ESCAPED_BREAK.findall(text)
    if text.count("\\n") < 2 or not found or "\n" in text.strip() or _PATH.search(text):
        return text
    return _ESCAPED_BREAK.sub(_break, text)


def _break(match: re.Match[str]) -> str:
    return " " * len(match[0]) if match[0] == "\\t" else "\n".rjust(len(match[0]))


def _outside_code(text: str) -> str:
    """`text` without markup where it is no code."""
    if "`" not in text and "~~~" not in text and "{code" not in text and "{noformat" not in text:
        return _without_markup(text)
    blocks = code_spans(text)
    text = without_fences(text)
    masked = _masked(text, blocks)
    inline = inline_code_spans(masked)
    masked = _without_markup(_masked(masked, inline))
    return _unmasked(masked, text, sorted([*blocks, *inline]))


def _masked(text: str, spans: list[Span]) -> str:
    parts: list[str] = []
    at = 0
    for start, end, _ in spans:
        parts += (text[at:start], CODE_MASK * (end - start))
        at = end
    return "".join((*parts, text[at:]))


def _unmasked(masked: str, text: str, spans: list[Span]) -> str:
    parts: list[str] = []
    at = 0
    for start, end, _ in spans:
        parts += (masked[at:start], text[start:end])
        at = end
    return "".join((*parts, masked[at:]))


def _without_markup(text: str) -> str:
    if "<" in text or "&" in text:
        text = without_html(text)
    if "[" in text or "<" in text:
        text = _PICTURE.sub(blank_match, text)
    text = without_wiki(text)
    if "@" in text:
        text = _HANDLE.sub(blank_match, text)
    return text
