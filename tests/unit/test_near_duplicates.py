"""Near-duplicates are found by what they share, without the encoder."""

from __future__ import annotations

import numpy as np

from ticketmill.learning.near_duplicates import near_duplicates

WORDS = [
    f"{a}{b}" for a in ("pay", "log", "card", "bill", "mail", "ship") for b in ("ing", "ment", "box", "er")
]


def random_texts(count: int, words: int) -> list[str]:
    random = np.random.default_rng(3)
    return [
        " ".join(
            f"{word}{tail}"
            for word, tail in zip(random.choice(WORDS, words), random.integers(0, 50, words), strict=True)
        )
        for _ in range(count)
    ]


def test_texts_that_differ_by_case_and_marks_alone_are_near_duplicates() -> None:
    assert near_duplicates(["My card is LOST!!", "something else entirely", "my card is lost"]) == [(0, 2)]


def test_a_text_with_a_word_changed_is_found_among_many() -> None:
    texts = random_texts(400, 30)
    changed = [f"{texts[number]} sincerely" for number in range(40)]
    found = {pair for pair in near_duplicates(texts + changed) if pair[1] >= 400}
    assert {(number, 400 + number) for number in range(40)} <= found


def test_texts_of_the_same_topic_are_not_near_duplicates() -> None:
    texts = [
        "i lost my card in the train to berlin and need a new one",
        "my card was stolen yesterday, please block it at once",
        "how long does it take until a new card comes",
    ]
    assert near_duplicates(texts) == []


def test_texts_without_letters_and_very_short_ones_are_no_trouble() -> None:
    assert near_duplicates([]) == []
    assert near_duplicates(["one text"]) == []
    assert near_duplicates(["???", "!!!", "", "a", "b", "a."]) == [(3, 5)]


def test_the_same_texts_give_the_same_pairs() -> None:
    texts = random_texts(200, 6)
    assert near_duplicates(texts) == near_duplicates(texts)
