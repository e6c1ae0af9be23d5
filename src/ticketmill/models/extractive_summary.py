"""The extractive summary: the sentences closest to the ticket's mean, from the same encoder pass."""

from __future__ import annotations

import re
from collections.abc import Callable
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

# Customers state first what they want: earlier sentences score higher.
POSITION_WEIGHT = 0.2
# A second sentence scores lower, the more it repeats the first.
REDUNDANCY_WEIGHT = 0.1

# limits of a subject or a body that is used without a choice of sentences
MAX_UNCHOSEN_WORDS = 40
MAX_CHARS = 2000
ELLIPSIS = "…"
TRAILING = " ,;:-\u2013"

_ENDED = re.compile(r"[.!?…:;][\"')\]]*$")

# Sentences are split up to this many characters after the last encoded token. To split a megabyte that
# the encoder did not see would take a minute.
UNREAD_CHARACTERS = 2000


class SummaryChoice(NamedTuple):
    """`confidence` is the cosine between summary and ticket, at least 0."""

    text: str
    source: Source
    confidence: float


class _Candidates(NamedTuple):
    """The sentences that the encoder saw. `sums` (sentences, hidden) sums the token states of each."""

    sentences: list[Sentence]
    sums: Floats
    pieces: list[int]
    offsets: list[NDArray[np.int32]]
    """Of each sentence's pieces, as characters of the body."""


def summarize(
    subject: str,
    body: str,
    token_states: Floats,
    offsets: NDArray[np.int32],
    split: Callable[[str], list[Sentence]] = sentences,
) -> SummaryChoice:
    """At most two sentences of `body` and at most 50 word pieces.

    A body of under 20 words is summarized by its subject. If that says nothing, as in `Hi`, the body is the
    summary. `token_states` (tokens, hidden) and the character `offsets` (tokens, 2) are those of the encoded
    text: subject, line break, body. `split` finds the sentences of a text.
    """
    candidates = None
    if len(body.split()) >= MIN_BODY_WORDS:
        candidates = _candidates(body, len(subject) + 1 if subject else 0, token_states, offsets, split)
    if candidates is None:
        return _without_choice(subject, body)
    vectors, whole = _unit(candidates.sums), _unit(candidates.sums.sum(axis=0))
    chosen = _choose(vectors, vectors @ whole, candidates.pieces)
    closeness = float(_unit(candidates.sums[chosen].sum(axis=0)) @ whole)
    return SummaryChoice(
        _joined(candidates, chosen, body), Source.EXTRACTIVE, round(min(max(closeness, 0.0), 1.0), 4)
    )


def display(text: str) -> str:
    """`text` for one line of a list: at most 100 characters, cut between words."""
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


def _candidates(
    body: str,
    body_start: int,
    states: Floats,
    offsets: NDArray[np.int32],
    split: Callable[[str], list[Sentence]],
) -> _Candidates | None:
    """None if the encoder saw no sentence."""
    # drop the [CLS] and [SEP] of every window: their offsets are 0
    words = offsets[:, 1] > offsets[:, 0]
    states, offsets = states[words], offsets[words] - body_start
    starts, ends = offsets[:, 0], offsets[:, 1]
    read_end = max(int(ends.max(initial=0)), 0) + UNREAD_CHARACTERS
    found = split(body[:read_end])
    firsts = np.searchsorted(starts, [sentence.start for sentence in found], side="left").tolist()
    lasts = np.searchsorted(ends, [sentence.end for sentence in found], side="right").tolist()
    read = [index for index, (first, last) in enumerate(zip(firsts, lasts, strict=True)) if last > first]
    if not read:
        return None
    return _Candidates(
        sentences=[found[index] for index in read],
        sums=np.array([states[firsts[index] : lasts[index]].sum(axis=0) for index in read]),
        pieces=[lasts[index] - firsts[index] for index in read],
        offsets=[offsets[firsts[index] : lasts[index]] for index in read],
    )


def _choose(vectors: Floats, closeness: Floats, pieces: list[int]) -> list[int]:
    """Indexes of the chosen sentences, in the order of the text (maximal marginal relevance)."""
    ranked = closeness + POSITION_WEIGHT / (1 + np.arange(len(closeness)))
    chosen = [int(np.argmax(ranked))]
    while len(chosen) < MAX_SENTENCES:
        room = MAX_PIECES - sum(pieces[index] for index in chosen)
        worth = ranked - REDUNDANCY_WEIGHT * (vectors @ vectors[chosen].T).max(axis=1)
        fitting = [index for index in range(len(pieces)) if index not in chosen and pieces[index] <= room]
        if not fitting:
            break
        chosen.append(max(fitting, key=lambda index: float(worth[index])))
    return sorted(chosen)


def _joined(candidates: _Candidates, chosen: list[int], body: str) -> str:
    parts = [_within_limit(candidates, index, body) for index in chosen]
    ended = [part if _ENDED.search(part[-8:]) else f"{part}." for part in parts[:-1]]
    # one piece may be a word of any length, so characters are limited too
    return " ".join([*ended, parts[-1]])[:MAX_CHARS]


def _within_limit(candidates: _Candidates, index: int, body: str) -> str:
    """A sentence on one line, cut before the first word beyond MAX_PIECES."""
    sentence = candidates.sentences[index]
    if candidates.pieces[index] <= MAX_PIECES:
        return " ".join(sentence.text.split())
    cut = int(candidates.offsets[index][MAX_PIECES, 0])
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
