"""One part, from its documents to its objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ticketmill.bulk.documents import Document, ReadRows, documents_of
from ticketmill.bulk.ports import Inputs, Outputs
from ticketmill.domain.bulk import Part
from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.domain.errors import TicketmillError, TicketRejected, TransientFailure
from ticketmill.domain.labels import Status
from ticketmill.pipeline.documents import FAULT, DocumentEnricher

ENRICHED, REJECTED, RECEIPT = "enriched-", "rejected-", "_part-"
"""Begin the names of a part's objects. Readers of tables skip what begins with an underscore."""

Format = Literal["jsonl", "parquet"]
SETUP = "setup"
"""The code of a part that fails as every other one will."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a part. It is stored last: a part without it is done again."""

    part: str
    inputs: tuple[str, ...]
    enriched: int
    partial: int
    """Of those enriched."""
    rejected: int

    def as_json(self) -> bytes:
        """As it is stored."""
        return json.dumps(asdict(self)).encode()


@dataclass(frozen=True, slots=True)
class FailedPart:
    """A part that is not stored, and why."""

    part: str
    code: str
    message: str


Outcome = Receipt | FailedPart


@dataclass(frozen=True)
class PartEnricher:
    """Enriches parts and stores what comes out, under names that the part and `made_by` give."""

    documents: DocumentEnricher
    inputs: Inputs
    outputs: Outputs
    made_by: str
    format: Format
    read_rows: ReadRows
    parquet_of: Callable[[Sequence[EnrichedTicket]], bytes]

    def __call__(self, part: Part) -> Outcome:
        """Rejections, then enriched tickets, then the receipt. What fails leaves the part to another run."""
        name = part.name(self.made_by)
        try:
            found = documents_of(part, self.inputs, self.read_rows, self.documents.max_ticket_bytes)
            return self._stored(name, part, found)
        except TicketmillError as error:
            code = error.code if isinstance(error, TransientFailure) else SETUP
            return FailedPart(name, code, str(error))

    def _stored(self, name: str, part: Part, found: Sequence[Document]) -> Receipt:
        outcome = self._enriched(found)
        rejections = f"{REJECTED}{name}.jsonl"
        if outcome.rejections:
            self.outputs.put(rejections, b"".join(map(_line, outcome.rejections)))
        else:  # an attempt before this one may have had some
            self.outputs.delete(rejections)
        self.outputs.put(f"{ENRICHED}{name}.{self.format}", self._body(outcome.tickets))
        inputs = tuple(piece.source.name for piece in part.pieces)
        receipt = Receipt(name, inputs, len(outcome.tickets), outcome.partial, len(outcome.rejections))
        self.outputs.put(f"{RECEIPT}{name}.json", receipt.as_json())
        return receipt

    def _enriched(self, found: Sequence[Document]) -> _Enriched:
        # texts of one length share micro-batches with little padding
        by_length = sorted(range(len(found)), key=lambda index: len(found[index].content))
        results = dict(
            zip(by_length, self.documents.enrich([found[index].content for index in by_length]), strict=True)
        )
        outcome = _Enriched()
        for index, document in enumerate(found):
            outcome.add(document, results[index])
        return outcome

    def _body(self, tickets: Sequence[EnrichedTicket]) -> bytes:
        if self.format == "parquet":
            return self.parquet_of(tickets)
        # each line is what the worker stores as an object
        return b"".join(each.model_dump_json().encode() + b"\n" for each in tickets)


@dataclass
class _Enriched:
    tickets: list[EnrichedTicket] = field(default_factory=list)
    rejections: list[dict[str, Any]] = field(default_factory=list)

    def add(self, document: Document, result: EnrichedTicket | Exception) -> None:
        if isinstance(result, EnrichedTicket):
            self.tickets.append(result)
        else:
            self.rejections.append(_rejection(document, result))

    @property
    def partial(self) -> int:
        return sum(each.enrichment.status == Status.PARTIAL for each in self.tickets)


def _rejection(document: Document, error: Exception) -> dict[str, Any]:
    """Where the document is, and why nothing came of it; nothing of its text."""
    where = {"source": document.source, "at": document.at}
    if isinstance(error, TicketRejected):
        told = {"field": error.field, "ticket_id": error.ticket_id, "message": error.message}
        return {"code": error.code, **where, **told}
    told = {"field": None, "ticket_id": None, "message": type(error).__name__}
    return {"code": FAULT, **where, **told}


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
