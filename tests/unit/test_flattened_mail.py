"""The parts of a mail are found where its line breaks were lost."""

from __future__ import annotations

import pytest
from mail_samples import words

from ticketmill.text.letter import letter_spans
from ticketmill.text.lines import blanked

FLATTENED = [
    (
        "The export is broken. Please help.",
        "{own} On Wed, 5 Mar 2025 at 10:22, Support <s@example.com> wrote: Your password was reset.",
    ),
    (
        "Der Export geht nicht mehr, bitte um Hilfe.",
        "{own} Am Mi., 5. März 2025 um 10:22 Uhr schrieb Support <s@example.com>: Ihr Passwort wurde "
        "geändert.",
    ),
    (
        "The export is broken and we wait for you.",
        "{own} From: Support <s@example.com> Sent: Wednesday, 5 March 2025 10:22 To: Tom Subject: RE: "
        "export Reset.",
    ),
    (
        "The export is broken and we wait for you.",
        "{own} This e-mail and any attachments are confidential and intended solely for the addressee. "
        "If you have "
        "received it in error please notify the sender and delete it.",
    ),
    (
        "The second charge on my card is not mine.",
        "CAUTION: This email originated from outside of the organization. Do not click links or open "
        "attachments "
        "unless you recognize the sender and know the content is safe. {own}",
    ),
]

STAYS = [
    "On Wednesday at 10:22 your agent wrote that everything works again, but the page stays white in all "
    "browsers.",
    "We come from: Berlin. Sent: the form, on Monday. To: your office. Nobody answered us, so we ask you "
    "once more.",
    "Your e-mail is confidential, you say. I deleted it. It was not for me, and I want to know why I "
    "received it.",
    "Mails from outside the company with attachments are lost since Monday. Please look at the filter. "
    "We wait.",
]


@pytest.mark.parametrize(("own", "form"), FLATTENED)
def test_only_the_writers_own_words_are_left_of_one_line(own: str, form: str) -> None:
    text = form.format(own=own)
    assert words(blanked(text, letter_spans(text))) == own


@pytest.mark.parametrize("text", STAYS)
def test_a_long_line_of_the_writers_stays(text: str) -> None:
    assert len(text) > 100
    assert letter_spans(text) == []
