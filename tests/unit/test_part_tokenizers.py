"""Tokenizers of parts: words, without blanks and punctuation, at the right characters."""

from __future__ import annotations

import threading

import pytest
from labelled_texts import examples
from part_resources import RESOURCES

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.learning.parts.catalogue import catalogue
from ticketmill.learning.parts.ports import Setting, Token, Tokenizer
from ticketmill.learning.parts.tokenizers import is_word

NAMES = ("icu", "spacy", "sentencepiece", "huggingface")
TEXT = "I 😀 can't log in — é\u0301tage naïve 👩\u200d💻 ... 日本語 password ﬁne\n\n(invoice) !"


def made(name: str, locale: str = "en") -> Tokenizer:
    part = catalogue().part("tokenizer", name)
    texts = [each.body for each in examples(20)]
    tokenizer: Tokenizer = part.fit(texts, Setting(locale, 0, part.options, None, RESOURCES))
    return tokenizer


@pytest.mark.parametrize("name", NAMES)
def test_offsets_are_characters_of_the_text(name: str) -> None:
    tokens = made(name).tokenize(TEXT)
    for token in tokens:
        assert 0 <= token.start < token.end <= len(TEXT)
        assert is_word(TEXT[token.start : token.end])
        assert not TEXT[token.start].isspace()
    assert [each.start for each in tokens] == sorted(each.start for each in tokens)
    # behind the characters that are several of UTF-8 or UTF-16 the words are where they are
    covered = {at for token in tokens for at in range(token.start, token.end)}
    for word in ("password", "invoice"):
        start = TEXT.index(word)
        assert {*range(start, start + len(word))} <= covered


@pytest.mark.parametrize("name", NAMES)
def test_blanks_and_punctuation_are_no_words(name: str) -> None:
    tokenizer = made(name)
    assert tokenizer.tokenize("") == []
    assert tokenizer.tokenize(" \n\t … -- (!) ?! ") == []


@pytest.mark.parametrize("name", NAMES)
def test_threads_do_not_disturb_each_other(name: str) -> None:
    tokenizer = made(name)
    texts = [each.body for each in examples(10)]
    alone = [tokenizer.tokenize(text) for text in texts]
    said: list[list[list[Token]]] = []

    def work() -> None:
        said.append([tokenizer.tokenize(text) for text in texts])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert said == [alone] * 4


def test_icu_counts_characters_where_it_has_two_units_for_one() -> None:
    assert made("icu").tokenize("😀 a 😀😀 cafe\u0301 b") == [
        Token("😀", 0, 1),
        Token("a", 2, 3),
        Token("😀", 4, 5),
        Token("😀", 5, 6),
        Token("cafe\u0301", 7, 12),
        Token("b", 13, 14),
    ]


def test_icu_parts_words_as_the_locale_does() -> None:
    thai = "ฉันรักแมว"
    assert [each.text for each in made("icu", "th").tokenize(thai)] == ["ฉัน", "รัก", "แมว"]
    assert [each.text for each in made("icu", "de-CH").tokenize("Grüezi, wie gaht's?")] == [
        "Grüezi",
        "wie",
        "gaht's",
    ]


def test_spacy_parts_words_by_the_rules_of_the_language() -> None:
    assert [each.text for each in made("spacy", "en").tokenize("I can't.")] == ["I", "ca", "n't"]
    assert [each.text for each in made("spacy", "fr").tokenize("J'ai payé.")] == ["J'", "ai", "payé"]


def test_a_language_that_spacy_lacks_is_refused_with_another_choice() -> None:
    with pytest.raises(LearningRefused, match="choose icu") as refused:
        made("spacy", "xx-YY".replace("xx", "qq"))
    assert refused.value.code == LearningCode.MISSING_PART


def test_sentencepiece_learns_words_that_are_frequent() -> None:
    assert "▁password" in {each.text for each in made("sentencepiece").tokenize("my password please")}


def test_sentencepiece_refuses_texts_without_a_letter() -> None:
    part = catalogue().part("tokenizer", "sentencepiece")
    with pytest.raises(LearningRefused) as refused:
        part.fit(["", " "], Setting("en", 0, part.options))
    assert refused.value.code == LearningCode.TOO_FEW_TICKETS


def test_a_file_that_is_no_tokenizer_is_refused() -> None:
    part = catalogue().part("tokenizer", "huggingface")
    with pytest.raises(LearningRefused, match="name another tokenizer"):
        part.load({"tokenizer.json": b"{}"}, Setting("en", 0, {}))
