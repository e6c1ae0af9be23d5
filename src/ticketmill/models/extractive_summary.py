"""The extractive summary: the sentences that stand closest to the whole, from the same encoder pass."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Floats
from ticketmill.domain.labels import Source
from ticketmill.text.sentences import MIN_WORDS, Sentence, sentences

MIN_BODY_WORDS = 20
MAX_SENTENCES = 2
MAX_PIECES = 50
"""Word pieces of the encoder's vocabulary that a summary may have."""
MAX_DISPLAY_CHARS = 100

# Customers say first what they want; how much a second sentence may repeat the first.
POSITION_WEIGHT = 0.2
REDUNDANCY_WEIGHT = 0.1

# of a subject or a body that was not chosen from, which may have any length
MAX_UNCHOSEN_WORDS = 40
MAX_CHARS = 2000
ELLIPSIS = "…"
TRAILING = " ,;:-\u2013"

_ENDED = re.compile(r"[.!?…:;][\"')\]]*$")

# How far after the last token read a sentence may end that began before it: a megabyte of sentences that
# nobody read would take a minute.
UNREAD_CHARACTERS = 2000


class SummaryChoice(NamedTuple):
    """`confidence` is the cosine between the summary and the whole ticket, 0 where it is negative."""

    text: str
    source: Source
    confidence: float


class _Candidates(NamedTuple):
    """The sentences that the encoder read, and the sums of their token states (sentences, hidden)."""

    sentences: list[Sentence]
    sums: Floats
    pieces: list[int]
    offsets: list[NDArray[np.int32]]
    """Of each sentence's pieces, in the body."""


def summarize(subject: str, body: str, token_states: Floats, offsets: NDArray[np.int32]) -> SummaryChoice:
    """Two sentences of `body` at most, 50 word pieces at most; the subject where the body has under 20 words.

    Where the subject of a short body says nothing, as in `Hi`, it is the body. `token_states` (tokens,
    hidden) and character `offsets` (tokens, 2) are those of the text that was encoded, "subject, line break,
    body".
    """
    candidates = None
    if len(body.split()) >= MIN_BODY_WORDS:
        candidates = _candidates(body, len(subject) + 1 if subject else 0, token_states, offsets)
    if candidates is None:
        return _without_choice(subject, body)
    vectors, whole = _unit(candidates.sums), _unit(candidates.sums.sum(axis=0))
    chosen = _choose(vectors, vectors @ whole, candidates.pieces)
    closeness = float(_unit(candidates.sums[chosen].sum(axis=0)) @ whole)
    return SummaryChoice(
        _joined(candidates, chosen, body), Source.EXTRACTIVE, round(min(max(closeness, 0.0), 1.0), 4)
    )


def display(text: str) -> str:
    """`text` in a line of a list: 100 characters at most, cut at a word."""
    if len(text) <= MAX_DISPLAY_CHARS:
        return text
    # one for the ellipsis
    room = text[:MAX_DISPLAY_CHARS]
    at_word = room.rpartition(" ")[0].rstrip(TRAILING)
    return (at_word or room[:-1]) + ELLIPSIS


def _without_choice(subject: str, body: str) -> SummaryChoice:
    if len(subject.split()) >= MIN_WORDS or (len(body.split()) >= MIN_BODY_WORDS and subject.strip()):
        return SummaryChoice(_cut(subject), Source.SUBJECT, 1.0)
    said = " ".join(sentence.text for sentence in sentences(body[:MAX_CHARS]))
    text = said or body if body.strip() else subject
    return SummaryChoice(_cut(text), Source.EXTRACTIVE if body.strip() else Source.SUBJECT, 1.0)


def _candidates(body: str, body_start: int, states: Floats, offsets: NDArray[np.int32]) -> _Candidates | None:
    """None where the encoder read no sentence."""
    # without the [CLS] and [SEP] of every window, whose offsets are 0
    words = offsets[:, 1] > offsets[:, 0]
    states, offsets = states[words], offsets[words] - body_start
    starts, ends = offsets[:, 0], offsets[:, 1]
    read_end = max(int(ends.max(initial=0)), 0) + UNREAD_CHARACTERS
    found = sentences(body[:read_end])
    firsts = np.searchsorted(starts, [sentence.start for sentence in found], side="left").tolist()
    lasts = np.searchsorted(ends, [sentence.end for sentence in found], side="right").tolist()
    read = [
        position for position, (first, last) in enumerate(zip(firsts, lasts, strict=True)) if last > first
    ]
    if not read:
        return None
    return _Candidates(
        sentences=[found[position] for position in read],
        sums=np.array([states[firsts[position] : lasts[position]].sum(axis=0) for position in read]),
        pieces=[lasts[position] - firsts[position] for position in read],
        offsets=[offsets[firsts[position] : lasts[position]] for position in read],
    )


def _choose(vectors: Floats, closeness: Floats, pieces: list[int]) -> list[int]:
    """The places of the sentences to take, in the order of the text (maximal marginal relevance)."""
    ranked = closeness + POSITION_WEIGHT / (1 + np.arange(len(closeness)))
    chosen = [int(np.argmax(ranked))]
    while len(chosen) < MAX_SENTENCES:
        room = MAX_PIECES - sum(pieces[position] for position in chosen)
        worth = ranked - REDUNDANCY_WEIGHT * (vectors @ vectors[chosen].T).max(axis=1)
        fitting = [
            position for position in range(len(pieces)) if position not in chosen and pieces[position] <= room
        ]
        if not fitting:
            break
        chosen.append(max(fitting, key=lambda position: float(worth[position])))
    return sorted(chosen)


def _joined(candidates: _Candidates, chosen: list[int], body: str) -> str:
    parts = [_within_limit(candidates, position, body) for position in chosen]
    ended = [part if _ENDED.search(part[-8:]) else f"{part}." for part in parts[:-1]]
    # a word of which the encoder reads one piece may be of any length
    return " ".join([*ended, parts[-1]])[:MAX_CHARS]


def _within_limit(candidates: _Candidates, position: int, body: str) -> str:
    """A sentence on one line; one of too many pieces is cut before the word that goes beyond."""
    sentence = candidates.sentences[position]
    if candidates.pieces[position] <= MAX_PIECES:
        return " ".join(sentence.text.split())
    cut = int(candidates.offsets[position][MAX_PIECES, 0])
    kept = body[sentence.start : cut]
    if not body[cut - 1].isspace():
        kept = kept.rpartition(" ")[0] or kept
    return " ".join(kept.split()).rstrip(TRAILING) + f" {ELLIPSIS}"


def _cut(text: str) -> str:
    words = text[: MAX_CHARS + 1].split()
    kept = " ".join(words[:MAX_UNCHOSEN_WORDS])[:MAX_CHARS]
    whole = len(words) <= MAX_UNCHOSEN_WORDS and len(text) <= MAX_CHARS
    return kept if whole else f"{kept} {ELLIPSIS}"


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))
