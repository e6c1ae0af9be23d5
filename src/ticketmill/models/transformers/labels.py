"""What the labels of anybody's model are called here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ticketmill.domain.errors import SetupError
from ticketmill.domain.labels import Sentiment

# A model of two classes has no word for neither: where it cannot decide, the text is neutral.
NEUTRAL_FROM, NEUTRAL_TO = 0.45, 0.55

_SENTIMENTS = {
    Sentiment.NEGATIVE: ("negative", "neg", "very negative", "1 star", "2 stars"),
    Sentiment.NEUTRAL: ("neutral", "neu", "mixed", "3 stars"),
    Sentiment.POSITIVE: ("positive", "pos", "very positive", "4 stars", "5 stars"),
}
_BY_NAME = {name: label for label, names in _SENTIMENTS.items() for name in names}

# models whose own configuration calls its labels LABEL_0, LABEL_1, …, in the order of their model cards
_BY_MODEL = {
    "yiyanghkust/finbert-tone": (Sentiment.NEUTRAL, Sentiment.POSITIVE, Sentiment.NEGATIVE),
}
_SAYS_NOTHING = re.compile(r"(label[_ ]?)?\d+")


def sentiment_labels(model: str, own: Sequence[str], given: str = "") -> tuple[Sentiment, ...]:
    """Our sentiment for each of a model's `own` labels, in its order; several may become the same.

    `given` is the setting that says so. SetupError where neither it nor the names do.
    """
    if given:
        names = _split(given, own, "TICKETMILL_SENTIMENT_LABELS")
    elif all(_SAYS_NOTHING.fullmatch(plain(name)) for name in own):
        names = list(_BY_MODEL.get(model, own))
    else:
        names = list(own)
    found = [_BY_NAME.get(plain(name)) for name in names]
    known = tuple(label for label in found if label is not None)
    if len(known) < len(own) or len(known) != len(found) or len(set(known)) < 2:
        raise SetupError(
            f"TICKETMILL_SENTIMENT: the labels of {model} are {_listed(own)}, which do not say what is "
            "negative and what is positive; TICKETMILL_SENTIMENT_LABELS says it in the model's order, as in "
            "negative,positive"
        )
    return known


def intent_labels(model: str, own: Sequence[str], ours: Sequence[str], given: str = "") -> tuple[str, ...]:
    """Our intent for each of a model's `own` labels, in its order. SetupError where one is none of `ours`."""
    names = _split(given, own, "TICKETMILL_INTENT_LABELS") if given else list(own)
    by_name = {plain(label): label for label in ours}
    foreign = [name for name in names if plain(name) not in by_name]
    if foreign:
        raise SetupError(
            f"TICKETMILL_INTENT: {model} has the labels {_listed(foreign)}, which are not in the bundle's "
            "taxonomy; TICKETMILL_INTENT_LABELS names one of its labels for each, in the model's order"
        )
    return tuple(by_name[plain(name)] for name in names)


def merged(scores: Sequence[float], labels: Sequence[str]) -> dict[str, float]:
    """The scores of a model's own labels summed by what they are called here."""
    summed: dict[str, float] = {}
    for label, score in zip(labels, scores, strict=True):
        summed[str(label)] = summed.get(str(label), 0.0) + score
    return summed


def decide_sentiment(scores: Mapping[str, float]) -> tuple[Sentiment, float]:
    """The label and how sure it is, from the scores of two or three classes that sum to 1.

    Of two classes, a score between 0.45 and 0.55 is neither: neutral, and no surer than that score.
    """
    label = max(scores, key=lambda name: scores[name])
    best = min(round(scores[label], 4), 1.0)
    if Sentiment.NEUTRAL not in scores and NEUTRAL_FROM <= best <= NEUTRAL_TO:
        return Sentiment.NEUTRAL, best
    return Sentiment(label), best


def plain(name: str) -> str:
    """`name` in lower case, its words parted by blanks."""
    return " ".join(re.sub(r"[_-]+", " ", name).lower().split())


def _split(given: str, own: Sequence[str], variable: str) -> list[str]:
    names = [name.strip() for name in given.split(",")]
    if len(names) != len(own):
        raise SetupError(f"{variable}: expected {len(own)} labels, for {_listed(own)}, found {len(names)}")
    return names


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
