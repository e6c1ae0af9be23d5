"""What a ticket's text is made of: the writer's own words, and all else blanked at equal length."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from ticketmill.domain.spans import AutomaticKind, TextKind
from ticketmill.domain.ticket import Ticket
from ticketmill.text.reading import MAX_SEARCHED, Reading, read_text, read_ticket

CORPUS = sorted((Path(__file__).parents[2] / "src/ticketmill/learning/corpus").glob("*.jsonl"))
QUOTED = (
    "On Mon, 3 Mar 2025 at 10:00, Support <s@example.com> wrote:\n> Dear Ms Lee,\n> your card is fine.\n> Bea"
)
FORWARDED = (
    "---------- Forwarded message ---------\nFrom: Al <a@example.com>\nSubject: x\n\nMy card was eaten."
)


def read(subject: str, body: str) -> Reading:
    return read_ticket(Ticket(ticket_id="1", subject=subject, body=body))


def words(text: str) -> str:
    return "\n".join(line for each in text.split("\n") if (line := " ".join(each.split())))


def kinds(reading: Reading, text: str) -> list[tuple[str, TextKind]]:
    return [(text[start:end], kind) for start, end, kind in reading.spans]


def test_a_plain_ticket_is_its_writers_own_from_end_to_end() -> None:
    reading = read("login", "I cannot log in.\nPlease help.")
    assert reading.text == "login\nI cannot log in.\nPlease help."
    assert kinds(reading, reading.text) == [
        ("login", TextKind.OWN),
        ("I cannot log in.\nPlease help.", TextKind.OWN),
    ]
    assert (reading.subject, reading.body) == ("login", "I cannot log in.\nPlease help.")
    assert reading.says_something and reading.automatic is None


def test_each_span_says_what_it_was_taken_for() -> None:
    body = f"<b>Hi</b> all,\nmy card is blocked.\n\n{QUOTED}"
    reading = read("RE: card", body)
    assert words(reading.text) == "card\nmy card is blocked."
    found = kinds(reading, f"RE: card\n{body}")
    assert found[0] == ("RE:", TextKind.BANNER)
    assert ("my card is blocked.", TextKind.OWN) in found
    assert found[-1] == (QUOTED, TextKind.QUOTE)
    assert reading.characters()[TextKind.QUOTE] == len(QUOTED)


@pytest.mark.parametrize(
    ("subject", "left"),
    [
        ("Re: Fwd: AW: card", "card"),
        ("WG: TR: RV: Rif: SV: Odp: card", "card"),
        ("RE[2]: Antw: card", "card"),
        ("回复：card", "card"),
        ("[EXTERNAL] Re: card", "card"),
        ("[JIRA] (ABC-12) card", "card"),
        ("Re: [Ticket#880213] [#1234] card", "card"),
        ("card [case 771-03]", "card"),
        ("=?utf-8?Q?caf=C3=A9?=", "café"),
        ("Reset password", "Reset password"),
        ("I: can't log in", "can't log in"),
        ("[Feature request] dark mode", "[Feature request] dark mode"),
        ("Reply: never came", "Reply: never came"),
        ("External monitor flickers", "External monitor flickers"),
        ("trip 12", "trip 12"),
    ],
)
def test_a_subject_loses_what_programs_put_before_it(subject: str, left: str) -> None:
    assert words(read(subject, "body text here").subject) == left


@pytest.mark.parametrize(
    "own", ["FYI", "see below", "Please handle, see below.", "siehe unten", "", "voir ci-dessous"]
)
def test_a_forwarded_mail_is_read_where_the_writer_only_points_to_it(own: str) -> None:
    body = f"{own}\n\n{FORWARDED}"
    reading = read("Fwd: x", body)
    assert "My card was eaten." in words(reading.text)
    assert "a@example.com" not in reading.text
    assert ("My card was eaten.", TextKind.FORWARDED) in kinds(reading, f"Fwd: x\n{body}")


def test_a_forwarded_mail_is_not_read_where_the_writer_says_what_they_want() -> None:
    own = (
        "I do not need that offer any more. Instead close my account by the end of the year, all of it, with "
        "the two cards and the savings plan, and tell me in writing when it is done."
    )
    body = f"{own}\n\n{FORWARDED}"
    assert words(read("Fwd: x", body).body) == own


@pytest.mark.parametrize(
    "body",
    [
        "> I only quote\n> and quote",
        "Agent: hello\nAgent: still there?",
        "Hello",
        "Kind regards\nTom",
        "Name: Tom\nE-mail: t@example.com\nMessage:",
    ],
)
def test_where_nothing_would_be_left_nothing_is_cut(body: str) -> None:
    assert words(read("", body).body) == body


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("", "[image001.png] [PO_2231.pdf, 214 kB]"),
        ("scan_0041.pdf", "Please see attachment."),
        ("Re:", "<p>&nbsp;</p>"),
        ("", "https://example.com/x"),
        ("Fwd: [#123]", "-"),
        ("test", "asdf"),
        ("", "%DESCRIPTION%"),
    ],
)
def test_a_ticket_of_placeholders_says_nothing(subject: str, body: str) -> None:
    assert not read(subject, body).says_something


@pytest.mark.parametrize(
    ("subject", "body"), [("refund", ""), ("", "Hilfe"), ("card eaten", "see attachment")]
)
def test_one_word_is_enough_to_say_something(subject: str, body: str) -> None:
    assert read(subject, body).says_something


def test_machine_mail_is_told_by_subject_body_and_headers() -> None:
    assert read("Automatic reply: x", "I am on leave.").automatic is AutomaticKind.OUT_OF_OFFICE
    ticket = Ticket(ticket_id="1", body="Hi", extra={"headers": {"X-Failed-Recipients": "a@b.c"}})
    assert read_ticket(ticket).automatic is AutomaticKind.BOUNCE
    assert read("card", "it is gone").automatic is None


def test_logs_are_marked_and_stay() -> None:
    body = "It fails:\n```\nx = 1\n```\nand then\nERROR disk full\nPlease help"
    reading = read("", body)
    assert ("x = 1", TextKind.LOG) in kinds(reading, body)
    assert ("ERROR disk full", TextKind.LOG) in kinds(reading, body)
    assert words(reading.text) == "It fails:\nx = 1\nand then\nERROR disk full\nPlease help"


def test_a_chat_leaves_the_visitors_turns() -> None:
    body = "[10:01] Bot: Welcome!\n[10:02] Ana: card is gone\n[10:03] Bot: Type 1\n[10:04] Ana: no"
    reading = read("Chat", body)
    assert words(reading.body) == "card is gone\nno"
    assert {kind for _, _, kind in reading.spans} == {TextKind.OWN, TextKind.AGENT, TextKind.FORM}


def assert_sound(reading: Reading, text: str) -> None:
    """Equal length, and spans in order, without overlaps, from a sign to a sign, with blanks between them."""
    assert len(reading.text) == len(text)
    at = 0
    for start, end, _ in reading.spans:
        assert at <= start < end <= len(text)
        assert not text[at:start].strip() and text[start:end].strip() == text[start:end]
        at = end
    assert not text[at:].strip()


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_spans_are_sound_on_the_whole_corpus(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)
        ticket = Ticket(ticket_id=raw["id"], subject=raw["subject"], body=raw["body"])
        assert_sound(read_ticket(ticket), ticket.text)


PIECES = [
    *("Hello,\n", "my card is gone. ", "\n\n", "> quoted\n", "<p>x</p>", "&nbsp;", "Name: Al\n"),
    *("Message: hi\n", "Bot: yes\n"),
    *("Me: no\n", "[10:01] Al: hm\n", "On 3 May 2025 Al <a@b.c> wrote:\n", "-- \nTom\n"),
    *("Kind regards\nTom\n", "```\nx\n```\n"),
    *("From: a\nSent: b\nTo: c\nSubject: d\n", "----- Forwarded message -----\n", "ERROR x\n", "**b**"),
    *("=C3=A4", "\r\n", "FYI\n"),
    *("This e-mail is confidential. If you are not the intended recipient, delete it.\n", "https://a.b\n"),
    *("\\n", "😡", "　"),
]


@pytest.mark.parametrize("seed", range(200))
def test_spans_are_sound_on_any_mixture(seed: int) -> None:
    chance = random.Random(seed)
    text = "x" + "".join(chance.choices(PIECES, k=chance.randint(1, 25))) + "x"
    assert_sound(read_text(text), text)


@pytest.mark.parametrize("seed", range(100))
def test_what_was_read_reads_the_same_again(seed: int) -> None:
    chance = random.Random(seed)
    text = (
        "x "
        + "".join(chance.choices([*PIECES[:10], *PIECES[12:14], "ok then. "], k=chance.randint(1, 8)))
        + " x"
    )
    once = read_text(text).text
    assert len(read_text(once).text) == len(once)


@pytest.mark.parametrize("body", ["Kind regards\nTom Smith\nAcme Ltd", "-- \nTom", "Sent from my iPhone"])
def test_a_signature_alone_says_nothing(body: str) -> None:
    assert not read("Re:", body).says_something
    assert read("card eaten", body).says_something


@pytest.mark.parametrize(
    "body", ["Thanks!", "merci", "refund", "Refund\nTom", "My card is gone\nKind regards\nTom"]
)
def test_a_short_message_with_a_name_says_something(body: str) -> None:
    assert read("", body).says_something


def test_a_request_that_ends_with_a_closing_stays() -> None:
    reading = read("", "I was charged twice.\n\nCancel my plan. Regards")
    assert "Cancel my plan." in words(reading.text)


def test_a_short_line_under_a_forwarded_mails_subject_points_to_it() -> None:
    assert "My card was eaten." in words(read("Fwd: card", f"It is the third time.\n\n{FORWARDED}").text)


def test_a_body_of_any_size_is_searched_up_to_a_limit_and_stays_beyond_it() -> None:
    own = "I cannot log in.\n\nOn Mon, 3 Mar 2025 at 09:12 Support <a@b.example> wrote:\n"
    quoted = own + "> so it is\n" * 20_000
    reading = read_text(quoted)
    assert len(reading.text) == len(quoted)
    assert reading.text[:200].split() == ["I", "cannot", "log", "in."]
    assert "so it is" not in reading.text[:MAX_SEARCHED]
    assert "so it is" in reading.text[MAX_SEARCHED:]


def test_what_a_form_says_can_be_put_back_and_nothing_else() -> None:
    body = "## Describe the bug\n\nIt stops.\n\n## Steps to reproduce\n\n_No response_\n\nSent from my iPhone"
    ticket = Ticket(ticket_id="1", subject="Stops", body=body)
    reading = read_ticket(ticket)
    assert "Describe" not in reading.text
    written = reading.with_forms(ticket.text)
    assert len(written) == len(ticket.text)
    assert "Describe the bug" in written
    assert "_No response_" in written
    assert "iPhone" not in written
