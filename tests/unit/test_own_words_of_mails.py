"""The writer's own words of mails in ten languages are found, and nothing else is."""

from __future__ import annotations

import itertools

import pytest
from mail_samples import MailSample, mail_samples, words

from ticketmill.domain.spans import TextKind
from ticketmill.text.closings import is_closing, is_formal
from ticketmill.text.letter import counting_words, letter_spans
from ticketmill.text.lines import blanked
from ticketmill.text.mail import mail_spans

SAMPLES = mail_samples()


def test_there_are_mails_in_ten_languages() -> None:
    assert len(SAMPLES) >= 110
    assert len({sample.name[:2] for sample in SAMPLES}) == 10


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_only_the_writers_own_words_are_left(sample: MailSample) -> None:
    assert words(blanked(sample.body, letter_spans(sample.body))) == sample.own


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_spans_are_in_order_and_do_not_overlap(sample: MailSample) -> None:
    spans = letter_spans(sample.body)
    assert all(left.end <= right.start for left, right in itertools.pairwise(spans))
    assert all(0 <= span.start < span.end <= len(sample.body) for span in spans)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_windows_line_ends_make_no_difference(sample: MailSample) -> None:
    body = sample.body.replace("\n", "\r\n")
    assert words(blanked(body, letter_spans(body))) == sample.own


FORWARDED = "Dear all, the scanner at gate 2 reads nothing since noon."
ANNOUNCEMENTS = [
    "---------- Forwarded message ---------\nFrom: Ana <ana@example.com>\nDate: Wed, 5 Mar "
    "2025\nSubject: gate 2",
    "Begin forwarded message:\n\nFrom: Ana <ana@example.com>\nSubject: gate 2\nDate: 5 March 2025 at "
    "10:22\nTo: IT",
    "-------- Weitergeleitete Nachricht --------\nBetreff: Tor 2\nVon: Ana <ana@example.com>",
    "Anfang der weitergeleiteten Nachricht:\n\nVon: Ana <ana@example.com>\nBetreff: Tor 2",
    "---------- Message transféré ---------\nDe : Ana <ana@example.com>\nObjet : porte 2",
    "---------- Mensaje reenviado ---------\nDe: Ana <ana@example.com>\nAsunto: puerta 2",
    "---------- Mensagem encaminhada ---------\nDe: Ana <ana@example.com>\nAssunto: porta 2",
    "---------- Messaggio inoltrato ---------\nDa: Ana <ana@example.com>\nOggetto: porta 2",
    "---------- Doorgestuurd bericht ---------\nVan: Ana <ana@example.com>\nOnderwerp: poort 2",
    "---------- Videresendt meddelelse ---------\nFra: Ana <ana@example.com>\nEmne: port 2",
    "---------- Przesłana dalej wiadomość ---------\nOd: Ana <ana@example.com>\nTemat: brama 2",
    "---------- 転送メッセージ ---------\n差出人: Ana <ana@example.com>\n件名: ゲート",
    "===== forwarded =====\nFrom: Ana <ana@example.com>\nSubject: gate 2",
    "From: Ana <ana@example.com>\nSent: 5 March 2025 10:22\nTo: IT\nSubject: gate 2",
]


@pytest.mark.parametrize("announcement", ANNOUNCEMENTS)
def test_a_forwarded_mail_counts_where_the_own_line_only_points_to_it(announcement: str) -> None:
    text = f"Please see below.\n\n{announcement}\n\n{FORWARDED}"
    spans = letter_spans(text)
    assert {span.kind for span in spans} == {TextKind.QUOTE, TextKind.FORWARDED}
    assert words(counting_words(text, spans)) == f"Please see below. {FORWARDED}"


@pytest.mark.parametrize("announcement", ANNOUNCEMENTS)
def test_a_forwarded_mail_does_not_count_where_the_own_words_say_something(announcement: str) -> None:
    own = "Somebody writes false mails in your name. None of us has answered it, we only want you to know."
    text = f"{own}\n\n{announcement}\n\n{FORWARDED}"
    assert words(counting_words(text, letter_spans(text))) == own


def test_what_is_marked_as_quoted_is_forwarded_where_the_subject_says_so() -> None:
    text = "You had better read this.\n\n> The door of the depot stands open.\n> Nobody is there."
    assert [span.kind for span in mail_spans(text, subject="Fwd: door")] == [TextKind.FORWARDED]
    assert [span.kind for span in mail_spans(text.replace("read this", "hurry"))] == [TextKind.QUOTE]


def test_a_quoted_thread_hides_all_of_its_mails() -> None:
    text = (
        "Please call me back.\n\nFrom: B <b@example.com>\nSent: 2 May 2025 10:00\nTo: C\nSubject: RE: "
        "x\n\nSecond.\n\n"
        "From: A <a@example.com>\nSent: 1 May 2025 10:00\nTo: B\nSubject: x\n\nFirst."
    )
    assert words(blanked(text, mail_spans(text))) == "Please call me back."


def test_a_postscript_below_a_signature_is_the_writers() -> None:
    text = "The screen is black.\n\nKind regards\nTom Ashby\n\nP.S. It is the new one with the blue case."
    own = "The screen is black. P.S. It is the new one with the blue case."
    assert words(blanked(text, letter_spans(text))) == own


def test_a_number_that_a_helpdesk_needs_stays_in_a_signature() -> None:
    text = "Please close my account.\n\nRegards\nTom Ashby\nCustomer no. 20881"
    assert words(blanked(text, letter_spans(text))) == "Please close my account. Customer no. 20881"


def test_a_tag_of_the_gateway_is_blanked_in_a_subject() -> None:
    subject = "[EXTERNAL] printer"
    assert blanked(subject, letter_spans(subject)) == "           printer"


@pytest.mark.parametrize(
    "text",
    [
        "Hi team,",
        "> Please answer our question.",
        "Kind regards\nTom",
        "This e-mail is confidential and for the intended recipient only. Delete it if you received it "
        "in error.",
        "Unsubscribe",
        "Sent from my iPhone",
        "Hello,\n\nKind regards\nTom Ashby",
    ],
)
def test_nothing_is_cut_where_nothing_would_be_left(text: str) -> None:
    assert letter_spans(text) == []


@pytest.mark.parametrize(
    "line",
    [
        "> ",
        "On Monday Tom wrote:",
        "From: a@example.com",
        "--",
        "_____",
        "a:",
        "Kind regards",
        "Hi ",
        "[external] ",
        "| a",
    ],
)
@pytest.mark.parametrize("separator", ["\n", " "])
def test_a_long_text_of_signs_is_scanned_in_one_pass(line: str, separator: str) -> None:
    text = separator.join([line] * (200_000 // len(line)))
    assert all(span.end <= len(text) for span in letter_spans(text))


HEADERS = [
    "Date: Wed, 5 Mar 2025 10:22:33 +0000\nFrom: s@example.com\nTo: tom@example.com\nSubject: x",
    "Subject: Re: x\nFrom: s@example.com\nTo: tom@example.com\nDate: Wed, 5 Mar 2025 10:22:33 +0000",
    "Von: Support\nDatum: Mittwoch, 5. März 2025 um 10:22\nAn: Tom\nBetreff: x",
    "Van: Support [mailto:s@example.com]\nVerzonden: woensdag 5 maart 2025\nAan: Tom\nOnderwerp: x",
    "------- Original Message -------\nOn Wednesday, March 5th, 2025 at 10:22, S <s@example.com> wrote:",
    "---- On Wed, 05 Mar 2025 10:22:33 +0100 Support <s@example.com> wrote ----",
    "On 05.03.25 10:22, Support via Helpdesk wrote:",
    "Från: Support\nSkickat: den 5 mars 2025\nTill: Tom\nÄmne: x",
    "From: Support\n\nSent: Wednesday, 5 March 2025 10:22\n\nTo: Tom\n\nSubject: x",
    "From: Support <s@example.com>\nTo: Tom <tom@example.com>,\n  Ann <ann@example.com>\nSubject: x",
]


@pytest.mark.parametrize("header", HEADERS)
def test_what_stands_below_a_header_is_quoted(header: str) -> None:
    text = f"It fails again.\n\n{header}\n\nHello Tom,\nit is repaired."
    assert words(blanked(text, mail_spans(text))) == "It fails again."


def test_a_short_line_above_a_forwarded_mail_points_to_it() -> None:
    text = f"From our front desk. I can confirm.\n\n{ANNOUNCEMENTS[0]}\n\n{FORWARDED}"
    spans = letter_spans(text, subject="Fwd: gate 2")
    assert words(counting_words(text, spans, subject="Fwd: gate 2")).endswith(FORWARDED)


def test_who_doubts_a_mail_does_not_pass_it_on() -> None:
    text = f"Is this from you? I did not click. See below.\n\n{ANNOUNCEMENTS[0]}\n\nPay 1.99 now."
    spans = letter_spans(text, subject="Fwd: your parcel")
    own = "Is this from you? I did not click. See below."
    assert words(counting_words(text, spans, subject="Fwd: your parcel")) == own


def test_a_line_of_no_break_spaces_is_no_closing() -> None:
    assert not is_closing("\u00a0\u2003 ")
    assert not is_formal("\u00a0,")
