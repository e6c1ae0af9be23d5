"""Labelled tickets, one JSON object a line; `learning/corpus/` has the project's own and its guidelines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from ticketmill.domain.errors import SetupError
from ticketmill.domain.labels import Intent, Sentiment, Urgency
from ticketmill.domain.ticket import Ticket
from ticketmill.text.reading import read_ticket

SHIPPED_CORPUS = Path(__file__).with_name("corpus")
PLAIN_TICKETS = SHIPPED_CORPUS / "tickets.jsonl"
"""The oldest and largest file of the corpus."""


GROUPS = 9
"""Of tickets that tell no business: as many as the shipped corpus has businesses."""
LABELS = ("intent", "urgency", "sentiment", "topics")

Report = Callable[[str], None]


class LabelledTicket(BaseModel):
    """A ticket with the labels that a person gave it: a line of the corpus, or of `corrections export`."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, Field(validation_alias=AliasChoices("id", "ticket_id"))]
    subject: str
    body: str
    intent: Intent
    urgency: Urgency
    sentiment: Sentiment
    topics: tuple[str, ...]
    summary: str = ""
    domain: str = ""
    """The business that it is about. Tickets of an export tell none: chance puts each into a group."""
    style: str = ""
    """The name of the file that it is in: tickets of one file are written alike."""

    @model_validator(mode="before")
    @classmethod
    def _has_a_group(cls, fields: Any) -> Any:
        if not isinstance(fields, dict) or fields.get("domain") or "ticket_id" not in fields:
            return fields
        digest = hashlib.blake2b(str(fields["ticket_id"]).encode(), digest_size=2).digest()
        return {**fields, "domain": f"group {int.from_bytes(digest) % GROUPS}"}

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


def read_corpus(path: Path = SHIPPED_CORPUS, report: Report | None = None) -> list[LabelledTicket]:
    """The labelled tickets of a file or a folder. Raises SetupError, which names the first invalid line.

    Exported tickets of which not all labels are known are left out, and `report` is told how many.
    """
    read = [ticket for file in corpus_files(path) for ticket in _read_file(file)]
    tickets = [ticket for ticket in read if ticket is not None]
    left_out = len(read) - len(tickets)
    if not tickets:
        known = f" with all of {', '.join(LABELS)}" if left_out else ""
        raise SetupError(f"{path} has no tickets{known}")
    if left_out and report is not None:
        report(f"{left_out} of {len(read)} tickets are left out: not all of {', '.join(LABELS)} are known")
    return tickets


def _read_file(path: Path) -> list[LabelledTicket | None]:
    tickets: list[LabelledTicket | None] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                ticket = _ticket(line)
            except ValidationError as error:
                fault = error.errors(include_input=False)[0]
                field = "".join(f"{part}: " for part in fault["loc"])
                raise SetupError(f"{path}, line {number}: {field}{fault['msg']}") from None
            tickets.append(ticket and ticket.model_copy(update={"style": path.stem}))
    return tickets


def _ticket(line: str) -> LabelledTicket | None:
    """The ticket of a line; None for an exported one of which not all labels are known."""
    try:
        return LabelledTicket.model_validate_json(line)
    except ValidationError as error:
        if '"ticket_id"' in line and all(_is_missing_label(each) for each in error.errors()):
            return None
        raise


def _is_missing_label(fault: ErrorDetails) -> bool:
    return fault["type"] == "missing" and fault["loc"][0] in LABELS


def corpus_hash(path: Path) -> str:
    """The first 12 hex digits of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def trained_on(path: Path, tickets: int) -> str:
    """What a manifest says of the data that heads were trained on: every file with its hash."""
    files = ", ".join(f"{file.name} {corpus_hash(file)}" for file in corpus_files(path))
    return f"{tickets} tickets: {files}"
