"""Which sentences of a ticket say something."""

from __future__ import annotations

import time

import pytest

from ticketmill.text.sentences import Sentence, sentences

FIRST = "The export of our orders stops halfway."
SECOND = "We tried it three times since Monday."


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


def test_a_sentence_knows_its_place() -> None:
    assert sentences(f"Hello team,\n{FIRST}") == [Sentence(FIRST, 12, 12 + len(FIRST))]


@pytest.mark.parametrize(
    ("opening", "rest"),
    [
        ("Hi, ", "the export stops halfway."),
        ("Hello team, ", "my card was charged twice."),
        ("Hey lovely people! ", "The export stops halfway."),
        ("Dear support, ", "a letter came from you."),
    ],
)
def test_a_sentence_begins_after_its_greeting(opening: str, rest: str) -> None:
    text = f"{opening}{rest}"
    assert sentences(text) == [Sentence(rest, len(opening), len(text))]


@pytest.mark.parametrize(
    "text",
    [
        "Remove L. Finch from our camera cloud.",
        "Use e.g. Excel for the export of the orders.",
        "I asked Mr. Brown from the shop about it.",
    ],
)
def test_an_initial_or_an_abbreviation_ends_no_sentence(text: str) -> None:
    assert texts(text) == [text]


def test_lines_that_a_mail_program_wrapped_are_one_sentence() -> None:
    wrapped = "We tried the export of all our orders three times since\nMonday and it stopped halfway."
    assert texts(f"{wrapped}\n{FIRST}") == [wrapped, FIRST]


@pytest.mark.parametrize(
    "filler",
    ["I hope you are well.", "For your information.", "Please advise.", "Thank you very much in advance."],
)
def test_pleasantries_say_nothing(filler: str) -> None:
    assert texts(f"{filler} {FIRST}") == [FIRST]


@pytest.mark.parametrize("name", ["Marianne Kruger, Coordinator", "Birkhof Estates Ltd, IT Desk"])
def test_a_name_at_the_end_says_nothing_though_no_parting_words_stand_above_it(name: str) -> None:
    assert texts(f"{FIRST}\n\n{name}") == [FIRST]


def test_the_mark_of_a_list_is_no_part_of_its_sentence() -> None:
    assert texts("- the export stops halfway\n2. the import does too\n* and so does the search") == [
        "the export stops halfway",
        "the import does too",
        "and so does the search",
    ]


@pytest.mark.parametrize("line", ["SN: 4711-0815-22 / 17:03 / 99.7 % - 12", "10.0.0.1 -> 10.0.0.2 : 443 = 0"])
def test_a_line_of_signs_and_digits_says_nothing(line: str) -> None:
    assert texts(f"{line}\n{FIRST}") == [FIRST]
