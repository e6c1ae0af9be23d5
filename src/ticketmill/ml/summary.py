"""The extractive summary: the sentence that stands closest to the whole, from the same encoder pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketmill.domain.labels import Source
from ticketmill.ml.sentences import Sentence, sentences

MIN_BODY_WORDS = 20
MAX_SUMMARY_WORDS = 40
MAX_SUMMARY_CHARS = 1000
POSITION_WEIGHT = 0.2

# How far after the last token read a sentence may end that began before it: a megabyte of sentences that
# nobody read would take a minute.
UNREAD_CHARACTERS = 2000

Floats = NDArray[np.float32]


class SummaryChoice(NamedTuple):
    """`confidence` is the cosine between the summary and the whole ticket, 0 where it is negative."""

    text: str
    source: Source
    confidence: float


def summarize(
    subject: str, body: str, token_states: Floats, offsets: NDArray[np.int32], embedding: Floats
) -> SummaryChoice:
    """One sentence of `body`; the subject where the body has under 20 words.

    `token_states` (tokens, hidden) and character `offsets` (tokens, 2) are those of the text that was
    encoded, "subject, line break, body"; `embedding` (hidden,) has unit length.
    """
    if len(body.split()) < MIN_BODY_WORDS:
        return SummaryChoice(_cut(subject.strip() or body.strip()), Source.SUBJECT, 1.0)
    body_start = len(subject) + 1 if subject else 0
    read_end = max(int(offsets[:, 1].max(initial=0)) - body_start, 0) + UNREAD_CHARACTERS
    candidates = [
        (sentence, closeness)
        for sentence in sentences(body[:read_end])
        if (closeness := _closeness(sentence, body_start, token_states, offsets, embedding)) is not None
    ]
    if not candidates:
        return SummaryChoice(_cut(subject.strip() or body.strip()), Source.SUBJECT, 1.0)
    ranked = [closeness + POSITION_WEIGHT / (1 + place) for place, (_, closeness) in enumerate(candidates)]
    sentence, closeness = candidates[int(np.argmax(ranked))]
    return SummaryChoice(_cut(sentence.text), Source.EXTRACTIVE, round(min(max(closeness, 0.0), 1.0), 4))


def _closeness(
    sentence: Sentence, body_start: int, states: Floats, offsets: NDArray[np.int32], embedding: Floats
) -> float | None:
    """Cosine between a sentence and the whole; None where the encoder did not get to read it."""
    inside = (offsets[:, 0] >= body_start + sentence.start) & (offsets[:, 1] <= body_start + sentence.end)
    inside &= offsets[:, 1] > offsets[:, 0]
    if not inside.any():
        return None
    vector = states[inside].mean(axis=0)
    return float(vector @ embedding / max(float(np.linalg.norm(vector)), 1e-9))


def _cut(text: str) -> str:
    words = text.split()
    kept = " ".join(words[:MAX_SUMMARY_WORDS])[:MAX_SUMMARY_CHARS]
    return kept if kept == " ".join(words) else f"{kept} …"
