"""The words that stand out in some texts, and a name made of them.

Log odds with an informative Dirichlet prior: Monroe, Colaresi and Quinn, Fightin' Words, 2008. A word counts
once a text, so that one long text does not decide. The prior is what all texts say.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ticketmill.queries.terms import stem_of

PRIOR_WORDS = 200.0
"""The prior weighs as much as so many words."""
MIN_SHARE = 0.15
"""A word that stands out is in at least this share of the texts, and in two."""
MIN_TEXTS = 2
MIN_Z = 1.0
MAX_WORD_CHARS = 40
NAME_WORDS = 3
NAME_SHARE = 0.6
"""The third word of a name stands out at least this much, compared with the first."""

_FUNCTION_WORDS = """
a about after again all also am an and any are as at be because been before being but by can cannot could
did do does doing done for from get gets getting go goes going got had has have having he hello help her
here hey hi him his how i if in into is it its just let like me more most my need no not now of off on one
only or other our out over please she should since so some still than thank thanks that the their them
then there these they this those through to too try trying until us use using very want was way we were
what when where which while who why will with would yes yet you your
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""English words that every topic has. They never stand out, however often a few texts have them."""

_WORD = re.compile(r"[^\W_]+(?:['\u2019.\-][^\W_]+)*")
_CONTRACTION = re.compile(r"n['\u2019]t$|^(?:i|you|he|she|it|we|they|that|there|what)['\u2019]")
_NUMBER = re.compile(r"\d{5}|^\d{1,2}$")
"""Numbers of phones, orders and accounts tell of a person, and short ones nothing. 403 may be an error."""


@dataclass(frozen=True, slots=True)
class Standout:
    """A word that stands out."""

    word: str
    """In the form that most texts have."""
    z: float
    """How many standard deviations its log odds are above those of the other texts."""
    texts: int
    """How many of the texts have it."""


@dataclass(frozen=True, slots=True)
class WordCounts:
    """In how many texts each word occurs. Words that differ in an English ending are one."""

    texts: int
    counts: Counter[str] = field(repr=False)
    """By stem."""
    forms: Counter[tuple[str, str]] = field(repr=False)
    """By stem and form."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> WordCounts:
        counts: Counter[str] = Counter()
        forms: Counter[tuple[str, str]] = Counter()
        number = 0
        for text in texts:
            number += 1
            words = {(stem_of(word), word) for word in words_of(text)}
            counts.update({stem for stem, _ in words})
            forms.update(words)
        return cls(number, counts, forms)


def words_of(text: str) -> list[str]:
    """The words of a text that may stand out, in lower case."""
    plain = " ".join(part for part in text.split() if "@" not in part and "://" not in part)
    found = (word.lower() for word in _WORD.findall(plain))
    return [word for word in found if _may_stand_out(word)]


def _may_stand_out(word: str) -> bool:
    if not 1 < len(word) <= MAX_WORD_CHARS or _NUMBER.search(word):
        return False
    # "isn't" and "I'm" are function words as well
    return word not in FUNCTION_WORDS and not _CONTRACTION.search(word)


def standout(some: WordCounts, everything: WordCounts, most: int = 8) -> list[Standout]:
    """Up to `most` words that stand out in `some` texts, the first most. `everything` includes them."""
    total, in_some = everything.counts.total(), some.counts.total()
    least = max(MIN_TEXTS, math.ceil(MIN_SHARE * some.texts))
    found = []
    for stem, count in some.counts.items():
        if count < least:
            continue
        prior = PRIOR_WORDS * everything.counts[stem] / total
        others = everything.counts[stem] - count
        here, there = count + prior, others + prior
        log_odds = math.log(here / (in_some + PRIOR_WORDS - here))
        log_odds -= math.log(there / (total - in_some + PRIOR_WORDS - there))
        z = log_odds / math.sqrt(1 / here + 1 / there)
        if z >= MIN_Z:
            found.append((z, stem, count))
    found.sort(key=lambda each: (-each[0], each[1]))
    forms = _commonest_forms(some)
    return [Standout(forms[stem], z, count) for z, stem, count in found[:most]]


def name_of(words: Sequence[Standout], texts: Iterable[str]) -> str:
    """A name of two or three of the words, in the order in which the texts have them; empty without any."""
    chosen = [each.word for each in words[:2]]
    chosen += [each.word for each in words[2:NAME_WORDS] if each.z >= NAME_SHARE * words[0].z]
    places: dict[str, list[float]] = {word: [] for word in chosen}
    stems = {stem_of(word): word for word in chosen}
    for text in texts:
        said = [stem_of(word) for word in words_of(text)]
        for stem, word in stems.items():
            if stem in said:
                places[word].append(said.index(stem) / len(said))
    return " ".join(sorted(chosen, key=lambda word: sum(places[word]) / max(1, len(places[word]))))


def _commonest_forms(counts: WordCounts) -> dict[str, str]:
    best: dict[str, tuple[int, str]] = {}
    for (stem, form), count in sorted(counts.forms.items()):
        if count > best.get(stem, (0, ""))[0]:
            best[stem] = (count, form)
    return {stem: form for stem, (_, form) in best.items()}
