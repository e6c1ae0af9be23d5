"""Which sentences of a ticket say something, and which one of them says the most."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
import pytest

from ticketmill.domain.labels import Source
from ticketmill.ml.sentences import Sentence, sentences
from ticketmill.ml.summary import MAX_SUMMARY_WORDS, MIN_BODY_WORDS, SummaryChoice, summarize

FIRST = "The export of our orders stops halfway."
SECOND = "We tried it three times since Monday."
THIRD = "The file ends in the middle of a line."

# the axes of a plane: the whole ticket points east
EAST, NORTH, WEST = (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)


def texts(text: str) -> list[str]:
    return [sentence.text for sentence in sentences(text)]


@pytest.mark.parametrize(
    "text",
    [
        f"{FIRST} {SECOND}",
        f"{FIRST}\n{SECOND}",
        f"{FIRST}\r\n\r\n  {SECOND}\t\n",
        f"Hello team,\n\n{FIRST}\n> quoted text of another mail\n{SECOND}\n\nBest regards,\nThe export team",
        "Ünïcode \U0001f469\u200d\U0001f4bb breaks nothing here! Does it break offsets? "
        "No, it does not… Good.",
        f"   {FIRST}   {SECOND}   ",
    ],
)
def test_offsets_point_at_the_sentence(text: str) -> None:
    found = sentences(text)
    assert len(found) >= 2
    for sentence in found:
        assert text[sentence.start : sentence.end] == sentence.text
        assert sentence.text == sentence.text.strip()


@pytest.mark.parametrize("text", ["", " \n\t\n", "One two.", "Help!\nPlease!"])
def test_fewer_than_three_words_say_nothing(text: str) -> None:
    assert sentences(text) == []


def test_sentences_end_at_full_stops_question_marks_and_line_breaks() -> None:
    assert texts("Is it really down? It is down! Nobody can work…\nno full stop here\nand none here") == [
        "Is it really down?",
        "It is down!",
        "Nobody can work…",
        "no full stop here",
        "and none here",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "It costs 3.50 euros in version 2.11.4 of the shop.",
        "The file report.final.csv is not there any more.",
        "Order no. 4711 is still on its way to us.",
    ],
)
def test_a_full_stop_inside_a_word_or_before_a_number_ends_no_sentence(text: str) -> None:
    assert texts(text) == [text]


@pytest.mark.parametrize(
    "noise",
    [
        "Hello team,",
        "Hi there support people!",
        "Good morning everyone at support,",
        "Dear Sir or Madam,",
        "Guten Tag liebes Team,",
        "> you wrote that the export works",
        "  > > and they wrote that it does not",
        "| quoted the other way round",
        "On Tuesday at noon the help desk wrote:",
        "-----Original Message----- of last week",
        "From: the help desk of the shop",
        "Subject: the export of our orders",
        "    at shop.export.Orders.write(Orders.java:42)",
        '  File "orders.py", line 42, in write',
        "Traceback (most recent call last):",
        "Error: the orders cannot be written",
        "RuntimeError: the orders cannot be written",
        "java.lang.IllegalStateException: the orders cannot be written",
        "2026-11-21 09:30:00 ERROR orders cannot be written",
        "2026-11-21T09:30:00Z orders cannot be written",
        "[09:30:00] orders cannot be written",
        "$ shop export --orders all",
        "curl -X POST https://shop.example/export",
        '{"level": "error", "orders": 12}',
        "<html> <body> <p>",
        "level=error orders=12 file=orders.csv",
    ],
)
def test_greetings_quotes_stack_traces_and_log_lines_are_left_out(noise: str) -> None:
    assert texts(f"{noise}\n{FIRST}") == [FIRST]


def test_a_stack_trace_in_the_middle_hides_nothing_that_follows() -> None:
    trace = 'Traceback (most recent call last):\n  File "orders.py", line 42, in write'
    assert texts(f"{FIRST}\n{trace}\n{SECOND}") == [FIRST, SECOND]


@pytest.mark.parametrize(
    "end",
    [
        "Best regards,",
        "Kind regards",
        "Thanks!",
        "Many thanks in advance,",
        "Cheers,",
        "Mit freundlichen Grüßen",
        "--",
        "-- ",
        "Sent from my phone",
        "On Tuesday at noon the help desk wrote:",
        "--- forwarded message ---",
    ],
)
def test_a_signature_or_an_older_mail_ends_what_the_ticket_says(end: str) -> None:
    assert texts(f"{FIRST}\n{SECOND}\n\n{end}\nThe export team of the shop\nFloor three, left door") == [
        FIRST,
        SECOND,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Thanks to the new release the export is down for every one of us.",
        "Dear is the price of an export that nobody in our company can use at all.",
        "Hi, the export stops halfway.",
        "Hello, my card was charged twice.",
        "His login works, hers does not.",
    ],
)
def test_a_sentence_that_only_begins_like_a_greeting_or_a_signature_is_kept(text: str) -> None:
    assert texts(text) == [text]


@pytest.mark.parametrize("line", ["=" * 40_000, "a=1&" * 20_000, " " * 40_000 + "x", '".' * 20_000])
def test_a_long_line_takes_no_more_than_its_share_of_time(line: str) -> None:
    began_s = time.process_time()
    assert texts(f"{line}\n{FIRST}")[-1] == FIRST
    assert time.process_time() - began_s < 0.5


def body_of(*parts: str) -> str:
    body = " ".join(parts)
    assert len(body.split()) >= MIN_BODY_WORDS
    return body


def choose(
    subject: str, body: str, directions: Mapping[str, tuple[float, float]], read_chars: int | None = None
) -> SummaryChoice:
    """Summarizes with one token a word; words point where the sentence does that they stand in.

    The encoder reads the first `read_chars` characters of the text.
    """
    text = f"{subject}\n{body}" if subject else body
    end = len(text) if read_chars is None else read_chars
    offsets, states = [(0, 0)], [WEST]
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
        np.array(states, np.float32),
        np.array(offsets, np.int32),
        np.array(EAST, np.float32),
    )


def test_a_short_body_gives_the_subject() -> None:
    body = " ".join(["word"] * (MIN_BODY_WORDS - 1))
    assert choose("  The export stops ", body, {}) == SummaryChoice("The export stops", Source.SUBJECT, 1.0)


def test_a_short_body_without_a_subject_gives_the_body() -> None:
    assert choose("", " The export\n stops. ", {}) == SummaryChoice("The export stops.", Source.SUBJECT, 1.0)
    assert choose(" ", "The export stops.", {}).text == "The export stops."


def test_a_body_of_twenty_words_is_read_for_its_sentences() -> None:
    body = " ".join([*["word"] * (MIN_BODY_WORDS - 1), "end."])
    assert choose("Subject", body, {body: EAST}) == SummaryChoice(body, Source.EXTRACTIVE, 1.0)


@pytest.mark.parametrize("subject", ["", "Export", "Ünïcode \U0001f3bb subject"])
@pytest.mark.parametrize("closest", [FIRST, SECOND, THIRD])
def test_the_sentence_that_is_closest_to_the_whole_is_chosen(subject: str, closest: str) -> None:
    directions = {sentence: EAST if sentence == closest else NORTH for sentence in (FIRST, SECOND, THIRD)}
    choice = choose(subject, body_of(FIRST, SECOND, THIRD), directions)
    assert choice == SummaryChoice(closest, Source.EXTRACTIVE, 1.0)


def test_the_earlier_of_two_sentences_that_are_equally_close_is_chosen() -> None:
    directions = {FIRST: NORTH, SECOND: EAST, THIRD: EAST}
    assert choose("", body_of(FIRST, SECOND, THIRD), directions).text == SECOND


def test_an_earlier_sentence_goes_before_one_that_is_hardly_closer() -> None:
    body = body_of(FIRST, SECOND, THIRD)
    nearly, halfway = (0.96, 0.28), (0.6, 0.8)
    assert choose("", body, {FIRST: nearly, SECOND: EAST, THIRD: NORTH}).text == FIRST
    assert choose("", body, {FIRST: halfway, SECOND: EAST, THIRD: NORTH}).text == SECOND


def test_confidence_is_the_cosine_with_the_whole() -> None:
    body = body_of(FIRST, SECOND, THIRD)
    slanted = choose("", body, {FIRST: (3.0, 4.0), SECOND: WEST, THIRD: WEST})
    assert (slanted.text, slanted.confidence) == (FIRST, 0.6)


def test_confidence_is_never_negative() -> None:
    body = body_of(FIRST, SECOND, THIRD)
    assert choose("", body, {FIRST: WEST, SECOND: WEST, THIRD: WEST}).confidence == 0.0


def test_sentences_beyond_what_the_encoder_read_are_never_chosen() -> None:
    body = body_of(FIRST, SECOND, THIRD)
    directions = {FIRST: WEST, SECOND: NORTH, THIRD: EAST}
    choice = choose("Export", body, directions, read_chars=body.index(THIRD) + len("Export\n"))
    assert choice.text == SECOND


def test_a_body_of_which_nothing_was_read_gives_the_subject() -> None:
    body = body_of(FIRST, SECOND, THIRD)
    choice = choose("Export", body, {FIRST: EAST}, read_chars=len("Export\n"))
    assert choice == SummaryChoice("Export", Source.SUBJECT, 1.0)


def test_a_body_of_noise_alone_gives_the_subject() -> None:
    body = "\n".join(f"level=error order={number} file=orders.csv" for number in range(10))
    assert choose("Export", body, {}).source is Source.SUBJECT


def test_a_quoted_line_is_never_the_summary_however_close_it_is() -> None:
    quoted = "> the whole of it is quoted here"
    body = f"{quoted}\n{FIRST} {SECOND}"
    assert choose("", body, {quoted: EAST, FIRST: WEST, SECOND: NORTH}).text == SECOND


def test_a_summary_of_many_words_is_cut_and_says_so() -> None:
    long = " ".join(f"word{number}" for number in range(MAX_SUMMARY_WORDS + 1))
    words = choose("", f"{long}.", {f"{long}.": EAST}).text.split()
    assert words == [*long.split()[:MAX_SUMMARY_WORDS], "…"]
    assert choose(long, "Short.", {}).text.split() == words


@pytest.mark.parametrize("subject", ["x" * 1_048_576, " ".join(["y" * 30_000] * 30)])
def test_a_summary_of_long_words_is_no_longer_than_a_row_can_hold(subject: str) -> None:
    assert len(choose(subject, "Short.", {}).text) < 10_000


def test_a_sentence_knows_its_place() -> None:
    assert sentences(f"Hello team,\n{FIRST}") == [Sentence(FIRST, 12, 12 + len(FIRST))]
