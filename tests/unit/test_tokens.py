from __future__ import annotations

import numpy as np
import pytest

from ticketmill.models.surface import NAMES, find_cues, surface
from ticketmill.models.tokens import MAX_CHARS, Counts, char_counts, line_counts, read_tokens, word_counts

PINNED_HASHES = [15329368395793870650, 5571139356804577567]
PINNED_WORDS = [(3162, 1), (9455, 1), (15888, 1)]
PINNED_CHARS = [(24200, 1), (28677, 1), (34446, 1), (40515, 1), (42949, 1), (51555, 1)]

TEXT = "Can\u2019t log in!! Ünïcode 12345 and 12, & 😡"


def spans(text: str) -> list[str]:
    tokens = read_tokens([text])
    return [tokens.span(place, place) for place in range(len(tokens.text))]


def of(counts: Counts, text: int) -> list[tuple[int, int]]:
    own = counts.text == text
    return list(zip(counts.bucket[own].tolist(), counts.count[own].tolist(), strict=True))


def column(name: str, text: str) -> float:
    tokens = read_tokens([text])
    return float(surface(tokens, find_cues(tokens))[0, NAMES.index(name)])


def test_words_marks_and_signs_are_tokens_and_keep_their_places() -> None:
    assert spans(TEXT) == [
        "Can\u2019t", "log", "in", "!!", "Ünïcode", "12345", "and", "12", ",", "&", "😡",
    ]  # fmt: skip


def test_hashes_are_the_same_on_every_machine() -> None:
    # the shipped heads are rows by these hashes: another number means that they must be trained anew
    assert read_tokens(["password urgent"]).hashes.tolist() == PINNED_HASHES
    assert of(word_counts(read_tokens(["log in"])), 0) == PINNED_WORDS
    assert of(char_counts(read_tokens(["pay"])), 0) == PINNED_CHARS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("PASSWORD", "password"),
        ("can\u2019t", "can't"),
        ("ÜBER", "über"),
        ("order 12345", "order 999"),
        ("a  b\n\nc", "a b c"),
    ],
)
def test_what_means_the_same_is_hashed_the_same(one: str, other: str) -> None:
    tokens = read_tokens([one, other])
    assert of(word_counts(tokens), 0) == of(word_counts(tokens), 1)
    assert of(char_counts(tokens), 0) == of(char_counts(tokens), 1)


def test_numbers_of_up_to_two_digits_are_told_apart() -> None:
    assert len(set(read_tokens(["5 12 123 1234"]).hashes.tolist())) == 3


@pytest.mark.parametrize("others", [[], [""], ["x"], ["", "Other words! 12345", " "]])
def test_a_text_is_read_alike_in_any_company(others: list[str]) -> None:
    alone, among = read_tokens([TEXT]), read_tokens([*others, TEXT, *others])
    place = len(others)
    for count in (word_counts, char_counts):
        assert of(count(alone), 0) == of(count(among), place)
    assert (surface(alone, find_cues(alone))[0] == surface(among, find_cues(among))[place]).all()


def test_nothing_at_all_can_be_read() -> None:
    for texts in ([], [""], ["", " \n"], ["\ud800"]):
        tokens = read_tokens(texts)
        assert len(surface(tokens, find_cues(tokens))) == len(texts)
        word_counts(tokens), char_counts(tokens)


def test_a_long_text_is_read_from_its_beginning() -> None:
    tokens = read_tokens(["word " * MAX_CHARS])
    assert len(tokens.text) == MAX_CHARS // 5


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("praise.any", "What a LOVELY team", "the glove was in the box"),
        ("praise.denied", "I am not at all happy", "I am happy. You are not"),
        ("deadline.any", "in 20 minutes", "minutes of the meeting"),
        ("many_people.any", "all 640 people", "all of it"),
        ("complaint.opening", "Rude staff\nand so on", "Staff\nwere rude"),
        ("shouted", "THE app IS DOWN", "the app is down"),
        ("ends_asking", "When is it open? ", "When? Soon."),
        ("exclamation.double", "now!!", "now! now!"),
    ],
)
def test_a_count_is_there_where_the_text_has_it_and_only_there(name: str, yes: str, no: str) -> None:
    assert column(name, yes) > 0
    assert column(name, no) == 0


def test_surfaces_are_finite_for_any_text() -> None:
    tokens = read_tokens(["!" * 3000, "A" * 5000, "not " * 900, "\x00\ufffd\U0001f3bb"])
    assert np.isfinite(surface(tokens, find_cues(tokens))).all()


def test_blanked_parts_take_no_room_from_the_words_that_are_read() -> None:
    banner = " " * MAX_CHARS
    assert column("length.log", f"{banner}the app crashed") == pytest.approx(
        column("length.log", "the app crashed"), abs=0.1
    )
    assert spans(f"{banner}the app crashed") == ["the", "app", "crashed"]


def test_no_more_than_the_longest_text_is_read() -> None:
    assert sum(map(len, spans("word " * MAX_CHARS))) <= MAX_CHARS


def test_thanks_beside_a_fault_is_a_column_of_its_own() -> None:
    assert column("thanks.beside_fault", "Thanks, it crashed again") > 0
    assert column("thanks.beside_fault", "Thanks, it works") == 0
    assert column("praise.beside_fault", "Lovely, it crashed again") > 0


@pytest.mark.parametrize(
    "other", ["**Steps to reproduce**", "2. steps to  reproduce:", "- [ ] STEPS to reproduce"]
)
def test_a_line_counts_by_its_words_alone(other: str) -> None:
    counts = line_counts(read_tokens(["### Steps to reproduce", f"Hello\n\n{other}\n"]))
    first, second = of(counts, 0), of(counts, 1)
    assert len(first) == 1
    assert len(second) == 2
    assert set(first) < set(second)


def test_lines_of_other_words_or_another_order_are_others() -> None:
    counts = line_counts(read_tokens(["one two", "two one", "one", "one\ntwo", "", "--- 123 ---"]))
    found = [of(counts, text) for text in range(6)]
    assert [len(each) for each in found] == [1, 1, 1, 2, 0, 0]
    assert len({bucket for each in found[:3] for bucket in each}) == 3
    assert found[2][0] in found[3]


def test_a_line_that_is_there_twice_counts_twice() -> None:
    ((_, count),) = of(line_counts(read_tokens(["no answer\n\nNo answer."])), 0)
    assert count == 2
