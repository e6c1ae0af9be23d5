"""Outlook's messages (.msg) become the tickets that the same mails would."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from outlook_file import outlook_message

from ticketmill.domain.errors import TicketRejected
from ticketmill.importers.files import Document
from ticketmill.importers.imports import FileImporter, Refused
from ticketmill.importers.msg import ticket

SUBJECT, BODY, HEADERS, FILE_NAME, MIME_TYPE, DATA = 0x0037, 0x1000, 0x007D, 0x3707, 0x370E, 0x3701
TRANSPORT = (
    "Message-ID: <abc.1@mail.example.com>\r\nFrom: Ada <ada@example.com>\r\nIn-Reply-To: <a@x>\r\n"
    "Date: Tue, 05 Mar 2024 10:12:44 +0100\r\nAuto-Submitted: auto-replied\r\nImportance: high\r\n\r\n"
)
MESSAGE = outlook_message(
    {SUBJECT: "Größe", BODY: "No light.\r\n", HEADERS: TRANSPORT},
    [{FILE_NAME: "hall.png", MIME_TYPE: "image/png", DATA: b"12345"}],
)


def test_a_message_is_a_ticket() -> None:
    pytest.importorskip("oxmsg")
    assert ticket(MESSAGE) == {
        "ticket_id": "mail-abc.1@mail.example.com",
        "subject": "Größe",
        "body": "No light.",
        "priority": "high",
        "created_at": "2024-03-05T09:12:44Z",
        "customer_id": "ada@example.com",
        "metadata": {"source": "email", "headers": {"Auto-Submitted": "auto-replied"}},
        "imported_from": "mail",
        "in_reply_to": "<a@x>",
        "attachments": [{"name": "hall.png", "type": "image/png", "size": "5"}],
    }


def test_a_message_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    pytest.importorskip("oxmsg")
    (tmp_path / "mail").write_bytes(MESSAGE)
    (found,) = FileImporter("auto").read(tmp_path / "mail")
    assert isinstance(found, Document)


def test_a_broken_message_is_read_or_refused(tmp_path: Path) -> None:
    pytest.importorskip("oxmsg")
    (tmp_path / "mail.msg").write_bytes(MESSAGE[:700])
    (found,) = FileImporter("msg").read(tmp_path / "mail.msg")
    assert isinstance(found, Refused)
    for seed in range(400):
        random_bytes = random.Random(seed)
        content = bytearray(MESSAGE)
        for _ in range(random_bytes.randint(1, 30)):
            content[random_bytes.randrange(8, len(content))] = random_bytes.randrange(256)
        try:
            assert ticket(bytes(content))["ticket_id"]
        except TicketRejected as refused:
            assert refused.message
