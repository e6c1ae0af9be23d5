"""Mails as mail programs and servers write them, also where they break the rules."""

from __future__ import annotations

import random

import pytest

from ticketmill.domain.errors import TicketRejected
from ticketmill.importers.mail import is_mail, is_mailbox, messages, ticket

HEADERS = (
    b"Message-ID: <abc.1@mail.example.com>\r\nFrom: Ada <Ada@Example.com>\r\nSubject: Light\r\n"
    b"Date: Tue, 05 Mar 2024 10:12:44 +0100\r\n"
)
PLAIN = HEADERS + b"\r\nNo light.\r\n"
ALTERNATIVE = (
    HEADERS
    + b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="m"\r\n\r\n'
    + b'--m\r\nContent-Type: multipart/alternative; boundary="a"\r\n\r\n'
    + b"--a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + b"S2VpbiBMaWNodC4=\r\n"
    + b"--a\r\nContent-Type: text/html\r\n\r\n<p>Kein Licht.</p>\r\n--a--\r\n"
    + b'--m\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename="hall.png"\r\n'
    + b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\n"
    + b"--m\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=log.txt\r\n\r\n"
    + b"secret\r\n--m--\r\n"
)


def test_a_mail_is_a_ticket_named_by_its_message_id() -> None:
    assert ticket(PLAIN) == {
        "ticket_id": "mail-abc.1@mail.example.com",
        "subject": "Light",
        "body": "No light.",
        "created_at": "2024-03-05T09:12:44Z",
        "customer_id": "ada@example.com",
        "metadata": {"source": "email"},
        "imported_from": "mail",
    }


def test_plain_text_goes_before_html_and_attachments_are_listed_not_read() -> None:
    found = ticket(ALTERNATIVE)
    assert found["body"] == "Kein Licht."
    assert found["attachments"] == [
        {"name": "hall.png", "type": "image/png", "size": "6"},
        {"name": "log.txt", "type": "text/plain", "size": "6"},
    ]


def test_a_mail_of_html_alone_keeps_it() -> None:
    found = ticket(HEADERS + b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>No light.</p>\r\n")
    assert found["body"] == "<p>No light.</p>"


@pytest.mark.parametrize(
    ("charset", "content"),
    [
        ("utf-8", "Größe".encode()),
        ("iso-8859-1", "Größe".encode("latin-1")),
        ("us-ascii", "Größe".encode()),  # declared wrong
        ("iso-8859-1", "Größe".encode()),  # declared wrong
        ("utf-8", "Größe".encode("cp1252")),  # declared wrong
        ("x-unknown", "Größe".encode()),
        ("x-unknown", "Größe".encode("cp1252")),
        ("shift_jis", "本文".encode("shift_jis")),
    ],
)
def test_a_charset_that_is_unknown_or_wrong_does_not_lose_the_text(charset: str, content: bytes) -> None:
    found = ticket(HEADERS + f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode() + content)
    assert found["body"] in ("Größe", "本文")


def test_subjects_in_encoded_words_and_in_raw_bytes_are_read() -> None:
    assert ticket(b"Subject: =?utf-8?Q?Gr=C3=B6=C3=9Fe?=\r\n\r\nx")["subject"] == "Größe"
    assert "e" in ticket(b"Subject: Gr\xf6\xdfe\r\n\r\nx")["subject"]


def test_headers_that_tell_automatic_mail_and_threads_are_kept() -> None:
    found = ticket(
        b"Auto-Submitted: auto-replied\r\nPrecedence: bulk\r\nX-Auto-Response-Suppress: All\r\nX-Spam: no\r\n"
        b"List-Unsubscribe: <https://x.example>\r\nIn-Reply-To: <a@x>\r\nReferences: <a@x>\r\n <b@x>\r\n"
        b"Importance: high\r\n" + PLAIN
    )
    assert found["metadata"]["headers"] == {
        "Auto-Submitted": "auto-replied",
        "Precedence": "bulk",
        "List-Unsubscribe": "<https://x.example>",
        "X-Auto-Response-Suppress": "All",
    }
    assert (found["in_reply_to"], found["references"]) == ("<a@x>", ["<a@x>", "<b@x>"])
    assert found["priority"] == "high"


def test_a_bounce_keeps_the_header_that_tells_it() -> None:
    found = ticket(
        HEADERS + b'Content-Type: multipart/report; report-type=delivery-status; boundary="r"\r\n\r\n'
        b"--r\r\n\r\nIt could not be delivered.\r\n--r\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Action: failed\r\n\r\n--r--\r\n"
    )
    assert found["body"] == "It could not be delivered."
    assert found["metadata"]["headers"]["Content-Type"].startswith("multipart/report")


def test_a_mail_without_message_id_has_the_same_id_each_time() -> None:
    content = b"From: a@x.example\r\nSubject: Light\r\n\r\nNo light.\r\n"
    assert ticket(content)["ticket_id"] == ticket(content)["ticket_id"]
    assert ticket(content)["ticket_id"] != ticket(content.replace(b"No", b"Too much"))["ticket_id"]


def test_a_mailbox_is_parted_where_a_from_line_follows_a_blank_line() -> None:
    mailbox = (
        b"From ada@example.com Tue Mar  5 10:12:44 2024\n" + PLAIN.replace(b"\r\n", b"\n") + b"\n"
        b"From tom@example.com Tue Mar  5 10:13:44 2024\nSubject: Two\n\nHello,\nFrom here it is dark.\n"
        b">From there, too.\n"
    )
    assert is_mailbox(mailbox)
    one, two = messages(mailbox.splitlines(keepends=True))
    assert isinstance(one, bytes) and isinstance(two, bytes)
    assert ticket(one)["body"] == "No light."
    assert ticket(two)["body"] == "Hello,\nFrom here it is dark.\nFrom there, too."


def test_a_message_that_is_too_large_is_refused_and_the_next_one_is_read() -> None:
    mailbox = b"From a\nSubject: x\n\n" + b"long\n" * 100 + b"\nFrom b\nSubject: y\n\nshort\n"
    large, small = messages(mailbox.splitlines(keepends=True), max_bytes=100)
    assert isinstance(large, TicketRejected)
    assert isinstance(small, bytes)


def test_a_mail_is_told_by_its_headers() -> None:
    assert is_mail(PLAIN)
    assert is_mail(b"Received: from x\r\n\tby y\r\nSubject: a\r\n\r\nb")
    assert not is_mail(b"id,subject\n1,From: me\n")
    assert not is_mail(b"Dear team,\nFrom: Berlin\n")
    assert not is_mail(b"X-Spam: no\r\n folded\r\n" * 2000), "nor is it slow to tell"


@pytest.mark.parametrize(
    "content",
    [
        b"From: " + b"(" * 6000 + b"\r\n\r\nx",
        b"Content-Type: text/plain; a=" + b"(" * 6000 + b"\r\n\r\nx",
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(500)
        ),
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 1200,
    ],
    ids=["comments in From", "comments in Content-Type", "parts in parts", "many parts"],
)
def test_a_hostile_mail_is_read_or_refused(content: bytes) -> None:
    try:
        assert ticket(content)["body"]
    except TicketRejected as refused:
        assert refused.message


def test_a_broken_mail_is_read_or_refused() -> None:
    for seed in range(300):
        random_bytes = random.Random(seed)
        content = bytearray(ALTERNATIVE)
        for _ in range(random_bytes.randint(1, 40)):
            at = random_bytes.randrange(len(content))
            junk = random_bytes.randbytes(random_bytes.randint(0, 6))
            content[at : at + random_bytes.randint(0, 6)] = junk
        try:
            assert ticket(bytes(content[: random_bytes.randrange(len(content))]))["ticket_id"]
        except TicketRejected as refused:
            assert refused.message
