"""Labelled tickets, one JSON object a line; `learning/corpus/` has the project's own and its guidelines."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ticketmill.domain.errors import SetupError
from ticketmill.domain.labels import Intent, Sentiment, Urgency
from ticketmill.domain.ticket import Ticket
from ticketmill.text.reading import read_ticket

SHIPPED_CORPUS = Path(__file__).with_name("corpus")
PLAIN_TICKETS = SHIPPED_CORPUS / "tickets.jsonl"
"""The oldest and largest file of the corpus."""


class LabelledTicket(BaseModel):
    """A ticket with the labels that a person gave it."""

    model_config = ConfigDict(frozen=True)

    id: str
    subject: str
    body: str
    intent: Intent
    urgency: Urgency
    sentiment: Sentiment
    topics: tuple[str, ...]
    summary: str
    domain: str
    """The business that it is about."""
    style: str = ""
    """The name of the file that it is in: tickets of one file are written alike."""

    @cached_property
    def text(self) -> str:
        """The writer's own words, as the encoder reads them."""
        return read_ticket(Ticket(ticket_id=self.id, subject=self.subject, body=self.body)).text


def corpus_files(path: Path = SHIPPED_CORPUS) -> list[Path]:
    """The file itself, or the `.jsonl` files of a folder by name. Raises SetupError if there are none."""
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise SetupError(f"{path} has no .jsonl files")
    return files


def read_corpus(path: Path = SHIPPED_CORPUS) -> list[LabelledTicket]:
    """The labelled tickets of a file or a folder. Raises SetupError, which names the first invalid line."""
    tickets = [ticket for file in corpus_files(path) for ticket in _read_file(file)]
    if not tickets:
        raise SetupError(f"{path} has no tickets")
    return tickets


def _read_file(path: Path) -> list[LabelledTicket]:
    tickets: list[LabelledTicket] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                ticket = LabelledTicket.model_validate_json(line)
            except ValidationError as error:
                fault = error.errors(include_input=False)[0]
                field = "".join(f"{part}: " for part in fault["loc"])
                raise SetupError(f"{path}, line {number}: {field}{fault['msg']}") from None
            tickets.append(ticket.model_copy(update={"style": path.stem}))
    return tickets


def corpus_hash(path: Path) -> str:
    """The first 12 hex digits of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def trained_on(path: Path, tickets: int) -> str:
    """What a manifest says of the data that heads were trained on: every file with its hash."""
    files = ", ".join(f"{file.name} {corpus_hash(file)}" for file in corpus_files(path))
    return f"{tickets} tickets: {files}"
