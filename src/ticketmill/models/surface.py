"""Countable features of a ticket: cues, feelings and their negation, punctuation, capitals."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Floats
from ticketmill.models.cues import COMPLAINT, CUES, FAULT, NEGATION, PRAISE
from ticketmill.models.tokens import DIGIT, SHOUT, WORD, Hashes, Ints, Tokens, ngram_hashes, read_tokens

LISTS = tuple(CUES)
# a feeling counts as negated by a "not" at most this many tokens before it
NEGATION_REACH = 3
OPENING_LISTS = (PRAISE, "thanks", COMPLAINT, "stopped", "many_people", "wish", "no_hurry")

_END_OF_OPENING = re.compile(r"(?<=\w)[.!?\n]")


class CueHits(NamedTuple):
    """The cues in a text, by token indexes. `lists` (hits, lists) is 1 for the lists that have the cue."""

    first: Ints
    last: Ints
    lists: NDArray[np.int64]


NAMES: tuple[str, ...] = (
    *(f"{name}.any" for name in LISTS),
    *(f"{name}.log" for name in LISTS),
    *(f"{name}.opening" for name in OPENING_LISTS),
    "praise.denied",
    "complaint.denied",
    "balance",
    "praise.beside_fault",
    "thanks.beside_fault",
    "praise.share",
    "complaint.share",
    "length.log",
    "capitals",
    "shouted",
    "exclamation",
    "question",
    "exclamation.double",
    "starts_small",
    "ends_asking",
    "numbers",
)
"""What the columns of `surface` mean."""


def surface(tokens: Tokens, hits: CueHits) -> Floats:
    """(texts, len(NAMES)) counts and shares. A text's values do not depend on its batch."""
    texts = len(tokens.texts)
    counts = np.zeros((texts, len(LISTS)))
    np.add.at(counts, tokens.text[hits.first], hits.lists)
    ends = np.array([_end_of_opening(text) for text in tokens.texts], np.int64)
    early = np.flatnonzero(tokens.start[hits.first] < ends[tokens.text[hits.first]])
    opening = np.zeros((texts, len(LISTS)))
    np.add.at(opening, tokens.text[hits.first[early]], hits.lists[early])
    columns = (
        np.minimum(counts, 1),
        np.log1p(counts),
        np.minimum(opening[:, [LISTS.index(name) for name in OPENING_LISTS]], 1),
        _feelings(tokens, hits, counts),
        _marks(tokens),
    )
    return np.concatenate(columns, axis=1).astype(np.float32)


def lengths_of(tokens: Tokens) -> Floats:
    """(texts,): characters, a run of space counted as one; 1 at least."""
    return np.maximum(np.bincount(tokens.owner, minlength=len(tokens.texts)), 1).astype(np.float32)


def find_cues(tokens: Tokens) -> CueHits:
    """All cues of the text, including overlapping ones."""
    known, members = _cue_table()
    number = tokens.kind == DIGIT
    as_cues = np.where(number, _number_hash(), tokens.hashes)
    firsts, lasts, rows = [], [], []
    for more, (positions, hashes) in enumerate(ngram_hashes(tokens, as_cues)):
        found = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        hit = np.flatnonzero(known[found] == hashes)
        firsts.append(positions[hit])
        lasts.append(positions[hit] + more)
        rows.append(found[hit])
    return CueHits(np.concatenate(firsts), np.concatenate(lasts), members[np.concatenate(rows)])


def _feelings(tokens: Tokens, hits: CueHits, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """(texts, 7): negated praise, negated complaint, their balance, praise and thanks beside a fault (sarcasm
    has both), and the share of praise and complaint in all words."""
    negates = np.zeros(len(tokens.text), np.bool_)
    negates[hits.first[hits.lists[:, LISTS.index(NEGATION)] == 1]] = True
    denied = np.zeros(len(hits.first), np.bool_)
    for reach in range(1, NEGATION_REACH + 1):
        before = np.maximum(hits.first - reach, 0)
        same_text = tokens.text[before] == tokens.text[hits.first]
        denied |= negates[before] & same_text & (hits.first >= reach)
    totals = np.zeros((len(tokens.texts), 2))
    pair = [LISTS.index(PRAISE), LISTS.index(COMPLAINT)]
    np.add.at(totals, tokens.text[hits.first[denied]], hits.lists[denied][:, pair])
    praise, complaint = (counts[:, pair] - totals).T
    praise, complaint = praise + totals[:, 1] / 2, complaint + totals[:, 0]
    words = np.maximum(np.bincount(tokens.text[tokens.kind == WORD], minlength=len(tokens.texts)), 1)
    balance = (praise - complaint) / (praise + complaint + 1)
    shares = np.minimum(np.stack([praise, complaint]) / words, 0.3)
    fault = np.minimum(counts[:, LISTS.index(FAULT)], 2)
    beside = np.minimum(np.stack([praise, counts[:, LISTS.index("thanks")]]), 2) * fault
    return np.column_stack([np.minimum(totals, 2), balance, *beside, *shares])


def _marks(tokens: Tokens) -> NDArray[np.float64]:
    """(texts, 9): length, capitals, exclamation and question marks, how the text begins and ends, numbers."""
    texts = len(tokens.texts)

    def per_text(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(tokens.text[chosen], minlength=texts)

    words = np.maximum(per_text(tokens.kind == WORD), 1)
    shouts = tokens.kind == SHOUT
    rows = np.array([_line_marks(text) for text in tokens.texts], np.float64).reshape(texts, 4)
    exclamations, questions, small, asking = rows.T
    doubled = per_text(shouts & (tokens.end - tokens.start > 1))
    shouted = per_text(tokens.upper) / words
    return np.column_stack(
        [
            np.log1p(lengths_of(tokens)),
            np.minimum(per_text(tokens.upper), 10),
            shouted,
            np.minimum(exclamations, 5),
            np.minimum(questions, 5),
            np.minimum(doubled, 1),
            small,
            asking,
            np.minimum(per_text(tokens.kind == DIGIT), 20) / 5,
        ]
    )


def _line_marks(text: str) -> tuple[int, int, bool, bool]:
    return text.count("!"), text.count("?"), text.lstrip()[:1].islower(), text.rstrip()[-1:] == "?"


def _end_of_opening(text: str) -> int:
    """Where the subject ends, or the first sentence if there is none, in characters."""
    found = _END_OF_OPENING.search(text)
    return found.start() if found else len(text)


@functools.cache
def _number_hash() -> np.uint64:
    return np.uint64(read_tokens(["#"]).hashes[0])


@functools.cache
def _cue_table() -> tuple[Hashes, NDArray[np.int64]]:
    """The hashes of all cues, in order, and (cues, lists) the lists that have each cue."""
    phrases: Sequence[str] = sorted({phrase for cues in CUES.values() for phrase in cues})
    tokens = read_tokens(phrases)
    sizes = np.bincount(tokens.text, minlength=len(phrases))
    hashes = np.zeros(len(phrases), np.uint64)
    for size, (positions, found) in enumerate(ngram_hashes(tokens), start=1):
        whole = sizes[tokens.text[positions]] == size
        hashes[tokens.text[positions[whole]]] = found[whole]
    if (longest := int(sizes.max())) > 3:
        raise ValueError(f"a cue has {longest} tokens: {phrases[int(sizes.argmax())]!r}")
    members = np.array([[int(phrase in CUES[name]) for name in LISTS] for phrase in phrases], np.int64)
    order = np.argsort(hashes)
    return hashes[order], members[order]
