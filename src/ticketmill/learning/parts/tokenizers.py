"""Tokenizers: ICU, spaCy, SentencePiece and those of Hugging Face. Offsets are in characters."""

from __future__ import annotations

import io
import threading
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.learning.parts.ports import Files, Part, Setting, Token

PIECES_FILE = "pieces.model"
RULES_FILE = "rules.bin"
TOKENIZER_FILE = "tokenizer.json"
MAX_SENTENCE_BYTES = 4000
"""SentencePiece learns from lines up to its own limit of 4,192 bytes, and skips longer ones."""
WORD_START = "▁"
"""SentencePiece's mark of a space before a piece."""


def is_word(text: str) -> bool:
    """Whether there is more in it than blanks and punctuation: a letter, a digit, or a sign such as an
    emoji."""
    return any(
        each.isalnum() or (not each.isascii() and unicodedata.category(each)[0] == "S") for each in text
    )


class IcuTokenizer:
    """The word boundaries of Unicode, as a locale has them."""

    def __init__(self, locale: str) -> None:
        self._locale = locale
        self._own = threading.local()

    def tokenize(self, text: str) -> list[Token]:
        """The words of `text`."""
        breaks = self._breaks()
        breaks.setText(text)
        ends: Iterable[int] = breaks
        if not text.isascii() and max(text) > "\uffff":
            ends = _characters_of_utf16(text, list(breaks))
        found, start = [], 0
        for end in ends:
            word = text[start:end]
            if is_word(word):
                found.append(Token(word, start, end))
            start = end
        return found

    def files(self) -> Files:
        """None: the locale is in the manifest."""
        return {}

    def _breaks(self) -> Any:
        """A break iterator has the text in it: each thread has one."""
        if not hasattr(self._own, "breaks"):
            import icu

            self._own.breaks = icu.BreakIterator.createWordInstance(icu.Locale(self._locale))
        return self._own.breaks


def _characters_of_utf16(text: str, units: Sequence[int]) -> list[int]:
    """ICU counts UTF-16: a character beyond the first plane, such as an emoji, is two of its units."""
    character = {}
    at = 0
    for number, each in enumerate(text):
        character[at] = number
        at += 1 + (each > "\uffff")
    character[at] = len(text)
    return [character[each] for each in units]


class SpacyTokenizer:
    """The rules of a language, and their exceptions. They are kept: another version cannot change them."""

    def __init__(self, rules: bytes, language: Any) -> None:
        self._rules = rules
        self._language = language
        self._lock = threading.Lock()

    def tokenize(self, text: str) -> list[Token]:
        """The words of `text`."""
        # the strings of a text are forgotten after it; the zone is not for two threads at once
        with self._lock, self._language.memory_zone():
            return [
                Token(each.text, each.idx, each.idx + len(each.text))
                for each in self._language.make_doc(text)
                if is_word(each.text)
            ]

    def files(self) -> Files:
        """The rules."""
        return {RULES_FILE: self._rules}


class PieceTokenizer:
    """Pieces of words as SentencePiece learned them. A piece at the start of a word begins with `▁`."""

    def __init__(self, model: bytes) -> None:
        import sentencepiece

        self._model = model
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)

    def tokenize(self, text: str) -> list[Token]:
        """The pieces of `text`."""
        pieces = self._processor.encode(text, return_type="proto").pieces
        character = None if text.isascii() else _characters_of_utf8(text)
        found = []
        for each in pieces:
            if not is_word(each.piece.replace(WORD_START, "")):
                continue
            start, end = each.begin, each.end
            if character is not None:
                start, end = character[start], character[end]
            while start < end and text[start].isspace():
                start += 1
            # of a character that stands for several letters, such as a ligature, each piece is made of all
            found.append(Token(each.piece, start, max(end, start + 1)))
        return found

    def files(self) -> Files:
        """The model."""
        return {PIECES_FILE: self._model}


def _characters_of_utf8(text: str) -> dict[int, int]:
    """The number of the character that begins at each byte."""
    character, at = {}, 0
    for number, each in enumerate(text):
        character[at] = number
        at += len(each.encode())
    character[at] = len(text)
    return character


class HubTokenizer:
    """A tokenizer of Hugging Face, from its `tokenizer.json`."""

    def __init__(self, body: bytes) -> None:
        """Raises LearningRefused where the file is none."""
        import tokenizers

        self._body = body
        try:
            self._tokenizer = tokenizers.Tokenizer.from_buffer(body)
        except Exception as error:  # the type is that of a native library
            raise LearningRefused(
                LearningCode.MODEL_MISMATCH,
                f"the tokenizer.json cannot be read ({type(error).__name__}): name another tokenizer",
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def tokenize(self, text: str) -> list[Token]:
        """The pieces of `text`, without those that mark its begin and end."""
        found = self._tokenizer.encode(text, add_special_tokens=False)
        return [
            Token(piece, start, end)
            for piece, (start, end) in zip(found.tokens, found.offsets, strict=True)
            if is_word(text[start:end])
        ]

    def files(self) -> Files:
        """The tokenizer as its library reads it."""
        return {TOKENIZER_FILE: self._body}


def tokenizer_json(source: str) -> bytes:
    """The `tokenizer.json` at a path, or of a name on the Hub."""
    path = Path(source).expanduser()
    if path.is_dir():
        path /= TOKENIZER_FILE
    if path.is_file():
        return path.read_bytes()
    try:
        import huggingface_hub

        return Path(huggingface_hub.hf_hub_download(source, TOKENIZER_FILE)).read_bytes()
    except Exception as error:  # the type is that of its HTTP library, which changes with its version
        raise LearningRefused(
            LearningCode.MISSING_PART,
            f"there is no tokenizer {source} on this machine, and the Hugging Face Hub did not give it "
            f"({type(error).__name__}): name a {TOKENIZER_FILE}, or none for that of the encoder",
        ) from error


def _icu(_: object, setting: Setting) -> IcuTokenizer:
    return IcuTokenizer(setting.locale.replace("-", "_"))


def _fit_spacy(_: Sequence[str], setting: Setting) -> SpacyTokenizer:
    import spacy

    language = setting.locale.replace("_", "-").partition("-")[0]
    installed = sorted(each for each in spacy.util.get_installed_models() if each.startswith(f"{language}_"))
    try:
        made: Any = spacy.load(installed[0]) if installed else spacy.blank(language)
        rules = made.tokenizer.to_bytes()
    except (ImportError, AttributeError, OSError) as error:
        raise LearningRefused(
            LearningCode.MISSING_PART,
            f"spaCy has no tokenizer of {setting.locale} here: choose icu, which has every locale",
        ) from error
    return _spacy(rules, language)


def _load_spacy(files: Files, setting: Setting) -> SpacyTokenizer:
    return _spacy(files[RULES_FILE], setting.locale.replace("_", "-").partition("-")[0])


def _spacy(rules: bytes, code: str) -> SpacyTokenizer:
    import spacy

    language: Any = spacy.blank(code)
    language.tokenizer.from_bytes(rules)
    return SpacyTokenizer(rules, language)


def _fit_pieces(texts: Sequence[str], setting: Setting) -> PieceTokenizer:
    import sentencepiece

    lines = (line for text in texts for line in text.splitlines() if line.strip())
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(part for line in lines for part in _parts_of(line)),
            model_writer=model,
            model_type="unigram",
            vocab_size=setting.options["vocabulary"],
            hard_vocab_limit=False,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise LearningRefused(
            LearningCode.TOO_FEW_TICKETS,
            "sentencepiece cannot learn its pieces from these texts: give it more of them, or choose icu",
        ) from error
    return PieceTokenizer(model.getvalue())


def _parts_of(line: str) -> Iterable[str]:
    """A character has four bytes at most."""
    size = MAX_SENTENCE_BYTES // 4
    return (line[at : at + size] for at in range(0, len(line), size))


def _fit_hub(_: Sequence[str], setting: Setting) -> HubTokenizer:
    assert setting.resources is not None  # noqa: S101 - a fit has them
    return HubTokenizer(setting.resources.tokenizer_of(setting.source))


TOKENIZERS = (
    Part(
        "icu",
        "tokenizer",
        "word boundaries of Unicode, by the locale",
        fit=_icu,
        load=_icu,
        packages=("pyicu-wheels",),
        modules=("icu",),
        learns=False,
    ),
    Part(
        "spacy",
        "tokenizer",
        "spaCy's rules and exceptions of the language",
        fit=_fit_spacy,
        load=_load_spacy,
        packages=("spacy",),
        modules=("spacy",),
        learns=False,
    ),
    Part(
        "sentencepiece",
        "tokenizer",
        "pieces of words, learned from the texts",
        fit=_fit_pieces,
        load=lambda files, _: PieceTokenizer(files[PIECES_FILE]),
        packages=("sentencepiece",),
        modules=("sentencepiece",),
        options={"vocabulary": 8000},
    ),
    Part(
        "huggingface",
        "tokenizer",
        "the encoder's own word pieces; huggingface:PATH or NAME for others",
        fit=_fit_hub,
        load=lambda files, _: HubTokenizer(files[TOKENIZER_FILE]),
        packages=("tokenizers",),
        modules=("tokenizers",),
        learns=False,
    ),
)
