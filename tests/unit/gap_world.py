"""A period with two topics that the taxonomy lacks, among tickets that the model is sure of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from web_parts import WebWorld

from ticketmill.arrays import Floats
from ticketmill.aws.lance_index import LanceVectorStore
from ticketmill.bootstrap.gaps import GapDesk
from ticketmill.domain.keys import enriched_key
from ticketmill.indexed_ticket import IndexedTicket
from ticketmill.queries.gaps import unit
from ticketmill.queries.ticket_vectors import TicketVectors

DIMENSIONS = 16
TEXTS = {
    "invoice": "the invoice of {month} is wrong",
    "login": "I cannot sign in since {month}",
    "card": "my card was declined in {month}",
    "printer": "the printer has a paper jam since {month}",
}
MONTHS = ("January", "March", "May", "June", "July", "August", "October")


@dataclass
class GapWorld:
    """Rows, full records and an index that fit each other."""

    folder: Path
    web: WebWorld = field(default_factory=WebWorld)
    entries: list[IndexedTicket] = field(default_factory=list)
    random: Any = field(default_factory=lambda: np.random.default_rng(0))

    def add(self, topic: str, count: int, confidence: float, intent: str, **given: Any) -> list[str]:
        """Tickets of a topic, as the model says it. `scores` are those of each label."""
        scores = given.pop("scores", {intent: confidence, "other": 1 - confidence})
        is_indexed = given.pop("is_indexed", True)
        ids = []
        for _ in range(count):
            number = len(self.web.rows.rows)
            ticket_id = f"{topic}-{number}"
            key = enriched_key(ticket_id, "0f", "f", "1")
            row = self.web.put(
                ticket_id,
                minutes_ago=number,
                intent=intent,
                intent_confidence=confidence,
                enriched_key=key,
                summary_display=f"about {topic}",
                **given,
            )
            self.web.enriched.put(key, json.dumps({"enrichment": {"intent": {"scores": scores}}}).encode())
            if is_indexed:
                text = f"Hello\n{TEXTS[topic].format(month=MONTHS[number % len(MONTHS)])}, please help"
                self.entries.append(IndexedTicket(key, row.received_at, self._vector(topic), text))
            ids.append(ticket_id)
        return ids

    def desk(self) -> GapDesk:
        """The desk over what was added so far."""
        store = LanceVectorStore(str(self.folder / "index"), {})
        store.put(self.entries)
        return GapDesk(
            queries=self.web.parts().queries,
            open_vectors=lambda: TicketVectors(store),
            enriched=self.web.enriched,
            objects=self.web.learning.objects,
            mask=lambda text: text,
            io_threads=2,
        )

    def _vector(self, topic: str) -> Floats:
        middle = np.full(DIMENSIONS, 0.3, np.float32)
        middle[list(TEXTS).index(topic)] += 1
        noise = self.random.normal(size=DIMENSIONS).astype(np.float32) * np.float32(0.1)
        one: Floats = unit((middle + noise)[None])[0]
        return one


def usual_period(folder: Path) -> GapWorld:
    """80 sure tickets of two labels, and 8 and 6 unsure ones of two topics that no label has."""
    world = GapWorld(folder)
    world.add("invoice", 40, 0.95, "payment_issue")
    world.add("login", 40, 0.92, "login_issue")
    world.add("card", 8, 0.45, "payment_issue", scores=_scores(payment_issue=0.45, login_issue=0.4))
    world.add("printer", 6, 0.5, "bug_report", scores=_scores(bug_report=0.5, login_issue=0.1))
    return world


def _scores(**scores: float) -> Mapping[str, float]:
    return scores


def ids_of(topic: str, tickets: Iterable[str]) -> set[str]:
    """Those of them that are of a topic."""
    return {each for each in tickets if each.startswith(topic)}
