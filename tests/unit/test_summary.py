"""Which sentences of a ticket say the most, and how they are put together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from ticketmill.domain.labels import Source
from ticketmill.models.excerpt import MAX_CHARS
from ticketmill.models.extractive_summary import (
    MAX_DISPLAY_CHARS,
    MAX_PIECES,
    MIN_BODY_WORDS,
    SummaryChoice,
    display,
    summarize,
)

FIRST = "The export of our orders stops halfway."
SECOND = "We tried it three times since Monday."
THIRD = "The file ends in the middle of a line."
FOURTH = "Our tax adviser waits for it."

EAST, NORTH, WEST = (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)


def body_of(*parts: str) -> str:
    body = " ".join(parts)
    assert len(body.split()) >= MIN_BODY_WORDS
    return body


def choose(
    subject: str, body: str, directions: Mapping[str, tuple[float, float]], read_chars: int | None = None
) -> SummaryChoice:
    """Summarizes with one token a word; words point where the sentence does that they stand in.

    The encoder reads the first `read_chars` characters of the text. [CLS] and [SEP] point west.
    """
    text = f"{subject}\n{body}" if subject else body
    end = len(text) if read_chars is None else read_chars
    offsets, states = [], []
    for sentence, direction in directions.items():
        start = text.index(sentence)
        for word in sentence.split():
            begin = text.index(word, start)
            start = begin + len(word)
            if start <= end:
                offsets.append((begin, start))
                states.append(direction)
    return summarize(
        subject,
        body,
        np.array([WEST, *states, WEST], np.float32),
        np.array([(0, 0), *offsets, (0, 0)], np.int32),
    )


def test_a_short_body_gives_the_subject() -> None:
    body = " ".join(["word"] * (MIN_BODY_WORDS - 1))
    assert choose("  The export stops ", body, {}) == SummaryChoice("The export stops", Source.SUBJECT, 1.0)


@pytest.mark.parametrize("subject", ["", " ", "Hi", "urgent question"])
def test_a_short_body_stands_in_for_a_subject_that_says_nothing(subject: str) -> None:
    choice = choose(subject, "Hi,\n\nThe export\n\nThe export stops.\n\nBest regards,\nAnna", {})
    assert choice == SummaryChoice("The export stops.", Source.EXTRACTIVE, 1.0)


def test_a_subject_without_a_body_is_the_summary_however_short() -> None:
    assert choose("Help", "", {}) == SummaryChoice("Help", Source.SUBJECT, 1.0)


def test_a_body_of_twenty_words_is_read_for_its_sentences() -> None:
    body = " ".join([*["word"] * (MIN_BODY_WORDS - 1), "end."])
    assert choose("Subject", body, {body: EAST}) == SummaryChoice(body, Source.EXTRACTIVE, 1.0)


@pytest.mark.parametrize("subject", ["", "Export", "Ünïcode \U0001f3bb subject"])
def test_the_two_sentences_closest_to_the_whole_stand_in_the_order_of_the_text(subject: str) -> None:
    directions = {FIRST: NORTH, SECOND: EAST, THIRD: WEST, FOURTH: EAST}
    choice = choose(subject, body_of(FIRST, SECOND, THIRD, FOURTH), {**directions, THIRD: EAST})
    assert choice.text == f"{SECOND} {THIRD}"
    assert choice.source is Source.EXTRACTIVE


def test_of_sentences_that_are_equally_close_the_first_two_are_chosen() -> None:
    directions = dict.fromkeys((FIRST, SECOND, THIRD, FOURTH), EAST)
    assert choose("", body_of(*directions), directions).text == f"{FIRST} {SECOND}"


def test_a_sentence_that_repeats_the_first_gives_way_to_one_that_adds_something() -> None:
    left, right = (1.0, 1.2), (1.0, -0.9)
    # the third is as close to the whole as the second is, and stands later in the text
    directions = {FIRST: left, SECOND: left, THIRD: right, FOURTH: right}
    assert choose("", body_of(*directions), directions).text == f"{FIRST} {THIRD}"


def test_confidence_is_the_cosine_of_the_summary_with_the_whole() -> None:
    body = body_of(FIRST, SECOND, THIRD)
    choice = choose("", body, {FIRST: EAST, SECOND: EAST, THIRD: NORTH})
    # 14 words east and 9 north
    assert choice.text == f"{FIRST} {SECOND}"
    assert choice.confidence == pytest.approx(14 / np.hypot(14, 9), abs=1e-4)


def test_sentences_beyond_what_the_encoder_read_are_never_chosen() -> None:
    body = body_of(FIRST, SECOND, THIRD)
    directions = {FIRST: WEST, SECOND: NORTH, THIRD: EAST}
    choice = choose("Export", body, directions, read_chars=body.index(THIRD) + len("Export\n"))
    assert choice.text == f"{FIRST} {SECOND}"


def test_a_body_of_which_nothing_was_read_gives_the_subject() -> None:
    body = body_of(FIRST, SECOND, THIRD)
    choice = choose("Export", body, {"Export": EAST, FIRST: EAST}, read_chars=len("Export\n"))
    assert choice == SummaryChoice("Export", Source.SUBJECT, 1.0)


def test_a_body_of_noise_alone_gives_the_subject() -> None:
    body = "\n".join(f"level=error order={number} file=orders.csv" for number in range(10))
    assert choose("Export", body, {}).source is Source.SUBJECT


def test_a_quoted_line_is_never_in_the_summary_however_close_it_is() -> None:
    quoted = "> the whole of it is quoted here"
    body = f"{quoted}\n{FIRST} {SECOND}"
    assert choose("", body, {quoted: EAST, FIRST: WEST, SECOND: NORTH}).text == f"{FIRST} {SECOND}"


def test_a_second_sentence_that_would_not_fit_gives_way_to_one_that_does() -> None:
    long = " ".join(f"Word{number}" for number in range(MAX_PIECES - 1)) + "."
    directions = {FIRST: EAST, long: (1.0, 1.0), SECOND: WEST}
    words = choose("", body_of(FIRST, long, SECOND), directions).text.split()
    assert words == long.split() or words == [*FIRST.split(), *SECOND.split()]
    assert len(words) <= MAX_PIECES


def test_a_sentence_of_too_many_pieces_is_cut_at_a_word_and_says_so() -> None:
    long = " ".join(f"word{number}" for number in range(MAX_PIECES + 30)) + "."
    words = choose("", long, {long: EAST}).text.split()
    # the ellipsis is a piece
    assert words == [*long.split()[: MAX_PIECES - 1], "…"]


def test_a_sentence_without_a_full_stop_gets_one_before_the_next() -> None:
    body = f"the export of our orders stops halfway every time\n{SECOND} {THIRD}"
    first = body.partition("\n")[0]
    assert choose("", body, {first: EAST, SECOND: EAST, THIRD: WEST}).text == f"{first}. {SECOND}"


@pytest.mark.parametrize("subject", ["x" * 1_048_576, " ".join(["y" * 30_000] * 30)])
@pytest.mark.parametrize("body", ["Short.", "Short. " * 30])
def test_a_summary_of_long_words_is_no_longer_than_a_row_can_hold(subject: str, body: str) -> None:
    assert len(choose(subject, body, {}).text) <= MAX_CHARS + 2


def test_a_summary_that_fits_a_line_is_displayed_whole() -> None:
    assert display("x" * MAX_DISPLAY_CHARS) == "x" * MAX_DISPLAY_CHARS


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("word " * 20 + "end", " ".join(["word"] * 20) + "…"),
        ("a" * 90 + ", " + "b" * 20, "a" * 90 + "…"),
        ("x" * 200, "x" * 99 + "…"),
    ],
)
def test_a_longer_one_is_cut_at_a_word_with_an_ellipsis(text: str, shown: str) -> None:
    assert display(text) == shown
    assert len(shown) <= MAX_DISPLAY_CHARS
