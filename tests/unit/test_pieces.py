"""Where long texts are cut into windows."""

from __future__ import annotations

from ticketmill.encoder import tokenizer as pieces
from ticketmill.encoder.tokenizer import windows


def words(text: str) -> list[tuple[int, int]]:
    """The offsets of words and of the full stops after them."""
    found, start = [], 0
    for word in text.replace(".", " .").split():
        start = text.index(word, start)
        found.append((start, start + len(word)))
        start += len(word)
    return found


def cut(text: str, size: int, most: int = 9) -> list[int]:
    return [end for _, end in windows(text, words(text), size, most)]


def test_a_text_that_fits_is_one_window() -> None:
    assert windows("a b c", words("a b c"), 3, 8) == [(0, 3)]


def test_a_text_without_pieces_has_no_window() -> None:
    assert windows("", [], 3, 8) == []


def test_a_window_ends_with_the_last_sentence_that_fits() -> None:
    assert cut("a b. c d. e f g h", 8) == [6, 10]


def test_a_window_ends_with_a_line_where_no_sentence_ends() -> None:
    assert cut("a b\nc d e f", 4) == [2, 6]


def test_a_text_without_ends_is_cut_hard() -> None:
    assert cut("a b c d e", 2) == [2, 4, 5]


def test_a_dot_inside_a_word_ends_no_sentence() -> None:
    assert windows("a 1.5 b c", [(0, 1), (2, 3), (3, 4), (4, 5), (6, 7), (8, 9)], 4, 8) == [(0, 4), (4, 6)]


def test_an_end_far_before_the_border_is_passed_over() -> None:
    text = "a. " + "b " * (pieces.BORDER_PIECES + 20)
    assert cut(text, pieces.BORDER_PIECES + 10)[0] == pieces.BORDER_PIECES + 10


def test_no_more_windows_than_allowed() -> None:
    assert windows("a b c d e", words("a b c d e"), 1, 3) == [(0, 1), (1, 2), (2, 3)]
