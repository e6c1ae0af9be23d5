"""The extractive summary: the sentences closest to the ticket's mean, from the same encoder pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Floats
from ticketmill.domain.labels import Source
from ticketmill.models.excerpt import ELLIPSIS, TRAILING, EncodedText, Excerpt, joined
from ticketmill.text.empty_subjects import says_nothing, start_of_subject
from ticketmill.text.scripts import count_words
from ticketmill.text.sentences import MIN_WORDS, Sentence, sentences

MIN_BODY_WORDS = 20
MAX_SENTENCES = 2
MAX_PIECES = 50
"""Word pieces of the encoder's vocabulary that a summary may have."""
MAX_DISPLAY_CHARS = 100

# Customers state first what they want: earlier sentences score higher.
POSITION_WEIGHT = 0.2
# A subject that says something often says it best: it scores as the first sentence, and more.
SUBJECT_WEIGHT = 0.3
# What a colon introduces is left out: such a sentence says half.
COLON_WEIGHT = 0.2
# A second sentence scores lower, the more it repeats the first.
REDUNDANCY_WEIGHT = 0.1

# Sentences are split up to this many characters after the last encoded token. To split a megabyte that
# the encoder did not see would take a minute.
UNREAD_CHARACTERS = 2000

Split = Callable[[str], list[Sentence]]


class SummaryChoice(NamedTuple):
    """`confidence` is the cosine between summary and ticket, at least 0."""

    text: str
    source: Source
    confidence: float


class _Candidates(NamedTuple):
    """The subject, if it says something, and the sentences of the body that the encoder saw."""

    excerpts: list[Excerpt]
    sums: Floats
    """(candidates, hidden): sums of the token states of each."""
    weights: Floats
    """What the place of each adds to its score."""
    ticket: Floats
    """The mean of the body's sentences, of length 1."""


def summarize(
    subject: str,
    body: str,
    token_states: Floats,
    offsets: NDArray[np.int32],
    split: Split = sentences,
) -> SummaryChoice:
    """At most two sentences of the ticket and at most 50 word pieces.

    A subject that says something counts as a sentence. A body of under 20 words is summarized by its
    subject. If that says nothing, as in `Hi`, the body is the summary. `token_states` (tokens, hidden) and
    the character `offsets` (tokens, 2) are those of the encoded text: subject, line break, body. `split`
    finds the sentences of a text.
    """
    # drop the [CLS] and [SEP] of every window: their offsets are 0
    is_piece = offsets[:, 1] > offsets[:, 0]
    encoded = EncodedText(f"{subject}\n{body}" if subject else body, offsets[is_piece])
    body_start = len(subject) + 1 if subject else 0
    if count_words(body) >= MIN_BODY_WORDS:
        candidates = _candidates(encoded, len(subject), body_start, token_states[is_piece], split)
        if candidates:
            return _choice(encoded, candidates)
    return _without_choice(encoded, len(subject), body_start, split)


def display(text: str) -> str:
    """`text` for one line of a list: at most 100 characters, cut between words."""
    if len(text) <= MAX_DISPLAY_CHARS:
        return text
    # one for the ellipsis
    room = text[:MAX_DISPLAY_CHARS]
    at_word = room.rpartition(" ")[0].rstrip(TRAILING)
    return (at_word or room[:-1]) + ELLIPSIS


def _found(encoded: EncodedText, body_start: int, split: Split) -> list[Excerpt]:
    """The sentences of the body that the encoder saw at least the beginning of."""
    body = encoded.text[body_start : encoded.read_end + UNREAD_CHARACTERS]
    excerpts = (
        encoded.excerpt(sentence.start + body_start, sentence.end + body_start, MAX_PIECES)
        for sentence in split(body)
    )
    return [excerpt for excerpt in excerpts if excerpt.text]


def _candidates(
    encoded: EncodedText, subject_end: int, body_start: int, states: Floats, split: Split
) -> _Candidates | None:
    """None if the encoder saw no sentence of the body."""
    found = [
        excerpt for excerpt in _found(encoded, body_start, split) if excerpt.last_piece > excerpt.first_piece
    ]
    if not found:
        return None
    weights = [
        POSITION_WEIGHT / (1 + index) - COLON_WEIGHT * excerpt.text.endswith(":")
        for index, excerpt in enumerate(found)
    ]
    sums = np.array([states[each.first_piece : each.last_piece].sum(axis=0) for each in found])
    ticket = _unit(sums.sum(axis=0))
    title = _title(encoded, subject_end)
    if title and title.last_piece > title.first_piece and count_words(title.text) >= MIN_WORDS:
        found.insert(0, title)
        weights.insert(0, SUBJECT_WEIGHT)
        sums = np.array([states[title.first_piece : title.last_piece].sum(axis=0), *sums])
    return _Candidates(found, sums, np.array(weights, dtype=sums.dtype), ticket)


def _choice(encoded: EncodedText, candidates: _Candidates) -> SummaryChoice:
    excerpts, sums, weights, ticket = candidates
    vectors = _unit(sums)
    chosen = _choose(vectors, vectors @ ticket + weights, [each.pieces_with_end for each in excerpts])
    closeness = float(_unit(sums[chosen].sum(axis=0)) @ ticket)
    text = joined(encoded, [excerpts[index] for index in chosen])
    return SummaryChoice(text, Source.EXTRACTIVE, round(min(max(closeness, 0.0), 1.0), 4))


def _title(encoded: EncodedText, subject_end: int) -> Excerpt | None:
    """The subject without "Re:"; None if it says nothing."""
    subject = encoded.text[:subject_end]
    if says_nothing(subject):
        return None
    return encoded.excerpt(start_of_subject(subject), subject_end, MAX_PIECES)


def _choose(vectors: Floats, ranked: Floats, pieces: list[int]) -> list[int]:
    """Indexes of the chosen sentences, in the order of the text (maximal marginal relevance)."""
    chosen = [int(np.argmax(ranked))]
    while len(chosen) < MAX_SENTENCES:
        room = MAX_PIECES - sum(pieces[index] for index in chosen)
        worth = ranked - REDUNDANCY_WEIGHT * (vectors @ vectors[chosen].T).max(axis=1)
        fitting = [index for index in range(len(pieces)) if index not in chosen and pieces[index] <= room]
        if not fitting:
            break
        chosen.append(max(fitting, key=lambda index: float(worth[index])))
    return sorted(chosen)


def _without_choice(encoded: EncodedText, subject_end: int, body_start: int, split: Split) -> SummaryChoice:
    """The subject, or if that says nothing all that a short body says."""
    title = _title(encoded, subject_end)
    if title and count_words(title.text) >= MIN_WORDS:
        return SummaryChoice(title.text, Source.SUBJECT, 1.0)
    said = joined(encoded, _fitting(_found(encoded, body_start, split)))
    if said:
        return SummaryChoice(said, Source.EXTRACTIVE, 1.0)
    body = encoded.excerpt(body_start, len(encoded.text), MAX_PIECES).text
    if body and not (title and title.text):
        return SummaryChoice(body, Source.EXTRACTIVE, 1.0)
    subject = title or encoded.excerpt(0, subject_end, MAX_PIECES)
    return SummaryChoice(subject.text, Source.SUBJECT, 1.0)


def _fitting(excerpts: Iterable[Excerpt]) -> list[Excerpt]:
    """As many of the first sentences as a summary may have pieces."""
    fitting: list[Excerpt] = []
    room = MAX_PIECES
    for excerpt in excerpts:
        room -= excerpt.pieces_with_end
        if room < 0 and fitting:
            break
        fitting.append(excerpt)
    return fitting


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))
