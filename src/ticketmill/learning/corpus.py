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

SHIPPED_CORPUS = Path(__file__).with_name("corpus") / "tickets.jsonl"


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

    @cached_property
    def text(self) -> str:
        """The writer's own words, as the encoder reads them."""
        return read_ticket(Ticket(ticket_id=self.id, subject=self.subject, body=self.body)).text


def read_corpus(path: Path = SHIPPED_CORPUS) -> list[LabelledTicket]:
    """The labelled tickets of a JSON-lines file. Raises SetupError, which names the first invalid line."""
    tickets: list[LabelledTicket] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                tickets.append(LabelledTicket.model_validate_json(line))
            except ValidationError as error:
                fault = error.errors(include_input=False)[0]
                field = "".join(f"{part}: " for part in fault["loc"])
                raise SetupError(f"{path}, line {number}: {field}{fault['msg']}") from None
    if not tickets:
        raise SetupError(f"{path} has no tickets")
    return tickets


def corpus_hash(path: Path = SHIPPED_CORPUS) -> str:
    """The first 12 hex digits of the file's SHA-256: the data that a head was trained on."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
