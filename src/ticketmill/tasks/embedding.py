"""Embedding: the vector of a ticket, which stands in the full enrichment alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ticketmill.tasks.stage import EncodedTicket, Loaded, texts_of
from ticketmill.tasks.task import Lines, Task

if TYPE_CHECKING:
    from ticketmill.arrays import Floats
    from ticketmill.models.transformers.embedder import Embedder

NAME = "embedding"


def by_encoder(tickets: Sequence[EncodedTicket]) -> list[Floats]:
    """The embedding of the one pass."""
    return [each.encoded.embedding for each in tickets]


def by_embedder(embedder: Embedder) -> Loaded[Floats]:
    """Vectors of length 1 by a named model."""
    return Loaded(embedder.resident_mb, lambda tickets: list(embedder.embed(texts_of(tickets))))


def missing(tickets: Sequence[EncodedTicket]) -> list[Floats | None]:
    """Nothing in the place of an embedding: a vector of another model would mislead whoever compares them."""
    return [None for _ in tickets]


def _detail_lines(vector: Sequence[float]) -> Lines:
    if not vector:
        return []
    return [(NAME, f"{len(vector)} numbers: {', '.join(f'{number:.4f}' for number in vector[:4])}, …")]


TASK: Task[Sequence[float]] = Task(name=NAME, detail_lines=_detail_lines)
