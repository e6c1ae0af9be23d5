"""A summary has at most 50 word pieces, whatever the ticket is."""

from __future__ import annotations

import random

import pytest
from tokenizers import Tokenizer

from ticketmill.encoder.bundle import TOKENIZER, Bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.models.excerpt import MAX_CHARS
from ticketmill.models.extractive_summary import MAX_PIECES, summarize

TEXT = (
    "the export of orders stops. Halfway! why? e.g. Dr. 4711 3.5% Bestellnummer Weiterbildungsmaßnahme żółć"
    " http://shop.example/a?b=c&d=e"
    " a,b;c:d **bold** `code` [link](x) <br> \\n \U0001f469\u200d\U0001f4bb \x85"
    " zero\u200bwidth don't \u0130stanbul cafe\u0301 \ufffd - \u2013 ... \u2026 ((( qxzjv"
)
WORDS = TEXT.split(" ")
JAPANESE = "注文番号の商品が届きません。返金してください。アプリがログインできないのですが、"
SEPARATORS = (" ", " ", " ", "\n", "\n\n", "", ". ", "   ")


def made_up(chance: random.Random, words: int) -> str:
    text = ""
    for _ in range(words):
        kind = chance.random()
        if kind < 0.05:
            word = "".join(chance.choices("abcxyz0123", k=chance.randint(60, 400)))
        elif kind < 0.2:
            start = chance.randrange(len(JAPANESE))
            word = JAPANESE[start : start + chance.randint(1, 20)]
        else:
            word = chance.choice(WORDS)
        text += word + chance.choice(SEPARATORS)
    return text


@pytest.fixture(scope="module")
def tokenizer(bundle: Bundle) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(bundle.path(TOKENIZER)))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def tickets() -> list[tuple[str, str]]:
    chance = random.Random(11)
    made = [(made_up(chance, chance.choice((0, 3, 90))), made_up(chance, size)) for size in (5, 40, 150) * 20]
    return [
        *made,
        ("word " * 300, ""),
        ("", "word " * 19),
        ("", " ".join(f"Weiterbildungsmaßnahme{number}" for number in range(19))),
        ("Hi", JAPANESE * 20),
        (JAPANESE * 20, ""),
        ("x" * 5000, "y" * 3000),
        (" ".join(["x" * 150] * 60), ""),
        (f"{'x' * 1990} {'qj' * 200}", ""),
        (
            "",
            "x" * 1990
            + " "
            + "qj" * 200
            + " and some words more, so that this is a long body with a sentence " * 2,
        ),
        ("", "a.b" * 2000),
        ("", "so very long a sentence that it never ends " * 400),
    ]


def test_a_summary_has_at_most_fifty_word_pieces_whatever_the_ticket_is(
    encoder: Encoder, tokenizer: Tokenizer
) -> None:
    for subject, body in tickets():
        encoded = encoder.encode([f"{subject}\n{body}" if subject else body])[0]
        text = summarize(subject, body, encoded.token_states, encoded.offsets).text
        pieces = tokenizer.encode(text, add_special_tokens=False).tokens
        assert len(pieces) <= MAX_PIECES, (subject[:80], body[:80], text)
        assert len(text) <= MAX_CHARS + 2
