"""Small labelled texts, and an encoder of them that knows words alone: what fits of models are tested on."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketmill.domain.dataset import Example, Origin
from ticketmill.learning.families import Inputs, read_inputs, ticket_of, tickets_of
from ticketmill.models.heads import Heads, load_heads, shipped_heads
from ticketmill.text.reading import read_ticket

WORDS = {
    "billing": ["invoice", "refund", "charged", "card", "payment", "receipt"],
    "login": ["password", "locked", "account", "reset", "code", "signin"],
    "crash": ["error", "screen", "freezes", "closes", "broken", "exception"],
}
FILLERS = ["please", "hello", "the", "my", "a", "about", "again", "today", "we", "cannot", "with", "it"]


class WordEncodings(NamedTuple):
    layers: NDArray[np.float16]
    branch: None

    @property
    def embeddings(self) -> NDArray[np.float32]:
        last = self.layers[:, -1].astype(np.float32)
        return last / np.maximum(np.linalg.norm(last, axis=1, keepdims=True), 1e-9)


def encode(texts: Sequence[str]) -> WordEncodings:
    """Seven layers, each a sum of random vectors of the words."""
    return WordEncodings(np.stack([_layers(text) for text in texts]).astype(np.float16), None)


def _layers(text: str) -> NDArray[np.float64]:
    words = text.lower().split() or ["nothing"]
    return np.mean([_vectors(word) for word in words], axis=0)


def _vectors(word: str) -> NDArray[np.float64]:
    strength = 0.3 if word in FILLERS else 1.0
    return strength * np.random.default_rng(zlib.crc32(word.encode())).normal(size=(7, 384))


def heads() -> Heads:
    return load_heads(shipped_heads())


def examples(
    a_label: int, seed: int = 0, labels: Sequence[str] = tuple(WORDS), wrong: float = 0.0
) -> list[Example]:
    """Texts of a few words of their label among fillers; a share of them with the wrong label."""
    random = np.random.default_rng(seed)
    found = []
    for label in labels:
        for number in range(a_label):
            words = [*random.choice(WORDS[label], 3), *random.choice(FILLERS, 3)]
            said = str(random.choice(labels)) if random.random() < wrong else label
            found.append(example(f"{label}-{seed}-{number}", " ".join(random.permutation(words)), said))
    return found


def example(name: str, body: str, *labels: str, group: str | None = None) -> Example:
    return Example(
        example_id=name,
        body=body,
        labels=labels,
        group=group or name,
        origin=Origin.FILE,
        content_hash=name,
    )


def inputs_of(found: Sequence[Example]) -> Inputs:
    tickets = [ticket_of(each) for each in found]
    readings = [read_ticket(each) for each in tickets]
    return read_inputs(tickets_of(tickets, readings, encode([each.text for each in readings]), heads()))
