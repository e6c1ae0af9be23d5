"""The families of features that an overlay may weigh, as training and the worker both compute them.

| family | what it is | columns |
| --- | --- | --- |
| `embedding` | the text's embedding, of unit length | 384 |
| `layers` | the means of the layers from the middle to the last but one, each of unit length | 3 · 384 |
| `vectors` | the mean of the encoder's own word vectors, of unit length | 384 |
| `statistics` | length, capitals, marks, numbers | 10 |
| `entities` | the number of each kind of entity: order numbers, amounts, dates, error codes and so on | 14 |
| `rules` | how often cues of each word list occur | all other counts |
| `head_scores` | what the shipped heads and the branch say: sentiment, urgency, intent, topics | outputs |
| `quadratic` | the first two as one vector, and products of pairs of its main directions | 1,536 + 2,080 |
| `words`, `chars` | hashed n-grams | buckets |
| `opening_words`, `opening_chars` | those of the first line: the subject, where there is one | buckets |
| `lines` | hashed whole lines, of their words alone: headings and answers of forms | buckets |
| `keywords` | the words that stand out in a label, by log odds | buckets |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ticketmill.arrays import Floats
from ticketmill.domain.entities import EntityKind, Mention
from ticketmill.models.ngrams import Values
from ticketmill.models.surface import NAMES

if TYPE_CHECKING:
    from ticketmill.domain.ticket import Ticket
    from ticketmill.models.features import Features, Reading

LAYERS_SHARE = 0.35
"""What the layers are multiplied by beside the embedding. More of it helps where questions are unlike each
other (CLINC150), and hurts where they are alike (BANKING77); at this share neither loses."""
CLIPPED_AT = 4.0
"""Standardised columns are cut at so many standard deviations."""

COUNTED_KINDS = (
    EntityKind.ORDER_NUMBER,
    EntityKind.INVOICE_NUMBER,
    EntityKind.TICKET_NUMBER,
    EntityKind.CUSTOMER_NUMBER,
    EntityKind.AMOUNT,
    EntityKind.DATE,
    EntityKind.TIME,
    EntityKind.EMAIL,
    EntityKind.IBAN,
    EntityKind.CARD,
    EntityKind.URL,
    EntityKind.IP,
    EntityKind.ERROR_CODE,
    EntityKind.VERSION,
)
"""The columns of `entities`. Products and phone numbers are not among them: settings decide what these are,
and a model counts the same wherever it is trained and serves."""

_FIRST_STATISTIC = NAMES.index("length.log")


class Pooled(Protocol):
    """What overlays need of the encoder's output."""

    @property
    def embedding(self) -> Floats: ...
    @property
    def layers(self) -> Floats: ...


class ReadTicket(Protocol):
    """A ticket after the one pass."""

    @property
    def ticket(self) -> Ticket: ...
    @property
    def text(self) -> str: ...
    @property
    def encoded(self) -> Pooled: ...
    @property
    def features(self) -> Features: ...
    @property
    def mentions(self) -> Sequence[Mention]: ...


def _embedding(tickets: Sequence[ReadTicket]) -> Floats:
    return np.stack([each.encoded.embedding for each in tickets])


def _layers(tickets: Sequence[ReadTicket]) -> Floats:
    return middle_layers(np.stack([each.encoded.layers for each in tickets]))


def _vectors(tickets: Sequence[ReadTicket]) -> Floats:
    return of_unit_length(np.stack([each.encoded.layers[0] for each in tickets]))


def _statistics(tickets: Sequence[ReadTicket]) -> Floats:
    return _surface(tickets)[:, _FIRST_STATISTIC:]


def _rules(tickets: Sequence[ReadTicket]) -> Floats:
    return _surface(tickets)[:, :_FIRST_STATISTIC]


def _entities(tickets: Sequence[ReadTicket]) -> Floats:
    counts = [Counter(mention.kind for mention in each.mentions) for each in tickets]
    return np.log1p(np.array([[each[kind] for kind in COUNTED_KINDS] for each in counts], np.float32))


def _head_scores(tickets: Sequence[ReadTicket]) -> Floats:
    features = [each.features for each in tickets]
    scores = np.stack([each.scores for each in features])
    branches = [each.branch for each in features if each.branch is not None]
    return np.concatenate([scores, np.stack(branches)], axis=1) if branches else scores


DENSE: dict[str, Callable[[Sequence[ReadTicket]], Floats]] = {
    "embedding": _embedding,
    "layers": _layers,
    "vectors": _vectors,
    "statistics": _statistics,
    "rules": _rules,
    "entities": _entities,
    "head_scores": _head_scores,
}
"""From n tickets to (n, columns)."""
SPARSE: dict[str, Callable[[Reading], Values]] = {
    "words": lambda reading: reading.all_words,
    "chars": lambda reading: reading.all_chars,
    "opening_words": lambda reading: reading.opening_words,
    "opening_chars": lambda reading: reading.opening_chars,
    "lines": lambda reading: reading.lines,
    "keywords": lambda reading: reading.all_words,
}
"""From a batch to its n-grams."""


def pooled(embedding: Floats, layers: Floats) -> Floats:
    """(n, columns): the families `embedding` and `layers` side by side."""
    return np.concatenate([embedding, np.float32(LAYERS_SHARE) * layers], axis=1)


def middle_layers(layers: Floats) -> Floats:
    """(n, layers, hidden) to (n, columns): from the middle to the last but one, which the embedding is."""
    chosen = of_unit_length(layers[:, layers.shape[1] // 2 : -1])
    return chosen.reshape(len(layers), -1)


def of_unit_length(vectors: Floats) -> Floats:
    """Each vector over its length; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)


def _surface(tickets: Sequence[ReadTicket]) -> Floats:
    return np.stack([each.features.reading.lexical.surface[each.features.position] for each in tickets])
