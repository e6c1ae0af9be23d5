"""Fitting how the topics head and the prototypes are weighed, on tickets of businesses that neither saw.

`ticketmill taxonomy fit` prints the figures and writes `blend.json`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ticketmill.domain.errors import SetupError
from ticketmill.learn.blocks import read_raw
from ticketmill.learn.calibration import calibration_error, chosen_topics, fit_temperature, fit_threshold
from ticketmill.learn.corpus import LabelledTicket
from ticketmill.learn.cross_validation import held_out_scores
from ticketmill.learn.ridge import one_blas_thread
from ticketmill.learn.train import encode_tickets, importance_of, task_columns, true_labels
from ticketmill.ml.encoder import Encoder
from ticketmill.ml.heads import ARRAYS_FILE, shipped_heads, squash
from ticketmill.ml.prototypes import Prototypes
from ticketmill.ml.topics import Blend, Weights

TEMPERATURES = np.geomspace(0.01, 1.0, 201)

Floats = NDArray[np.float64]
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TopicScore:
    """How a way to score topics does on businesses that it did not see; fractions of 1."""

    method: str
    micro_f1: float
    macro_f1: float
    first_right: float
    calibration_error: float
    threshold: float


@dataclass(frozen=True, slots=True)
class FittedBlend:
    """The blend, and the figures of its parts and of the whole."""

    blend: Blend
    topics: tuple[TopicScore, ...]
    intent_accuracy: float
    intent_calibration_error: float


def fit_blend(
    tickets: Sequence[LabelledTicket], encoder: Encoder, prototypes: dict[str, Prototypes], report: Report
) -> FittedBlend:
    """The blend of the shipped taxonomies; the figures are of businesses that are left out once each."""
    layers, embeddings = encode_tickets(tickets, encoder, report)
    domains = np.array([ticket.domain for ticket in tickets])
    labels = prototypes["topics"].taxonomy.names
    truth = np.array([[label in ticket.topics for label in labels] for ticket in tickets], np.float64)
    report("training the topics head without each business in turn")
    head = _held_out_head(tickets, layers, domains, labels)
    cosines = embeddings @ prototypes["topics"].centred.T.astype(np.float64)
    columns = {"head": [head], "prototypes": [cosines], "head and prototypes": [head, cosines]}
    both, alone = (_platt(columns[name], truth) for name in ("head and prototypes", "prototypes"))
    temperature, accuracy, error = _intents(tickets, embeddings, prototypes["intent"])
    blend = Blend(
        both=Weights(head=both[0], prototype=both[1], bias=both[2]),
        alone=Weights(prototype=alone[0], bias=alone[1]),
        intent_temperature=temperature,
        fitted_on=f"{heads_hash()}, {len(tickets)} tickets",
    )
    scores = tuple(_score(name, parts, truth, domains) for name, parts in columns.items())
    return FittedBlend(blend, scores, accuracy, error)


def heads_hash() -> str:
    """Which shipped heads a blend belongs to."""
    return "heads " + hashlib.sha256(shipped_heads()[ARRAYS_FILE]).hexdigest()[:12]


def _held_out_head(
    tickets: Sequence[LabelledTicket], layers: Floats, domains: NDArray[np.str_], labels: Sequence[str]
) -> Floats:
    """(tickets, labels): calibrated logits of heads that did not see the business of the ticket."""
    tasks = task_columns(tickets)
    truth = true_labels(tickets, tasks)
    raw = read_raw([ticket.text for ticket in tickets], layers)
    with one_blas_thread():
        scores = held_out_scores(raw, truth, importance_of(truth, tasks), domains)
    topics = tasks["topics"]
    temperature, shift = fit_temperature(topics.of(scores), topics.of(truth), "sigmoid")
    order = [topics.labels.index(label) for label in labels]
    return np.asarray((topics.of(scores) + shift)[:, order] / temperature)


def _platt(columns: list[Floats], truth: Floats) -> list[float]:
    """A weight for each column and the bias, by logistic regression over all pairs of ticket and label."""
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise SetupError("fitting needs scikit-learn: pip install 'ticketmill[train]'") from None
    pairs = np.column_stack([column.ravel() for column in columns])
    fitted = LogisticRegression(C=100).fit(pairs, truth.ravel().astype(int))
    return [round(float(weight), 3) for weight in (*fitted.coef_[0], fitted.intercept_[0])]


def _squash(columns: list[Floats], weights: list[float]) -> Floats:
    total = sum(
        (w * column for w, column in zip(weights, columns, strict=False)), start=np.float64(weights[-1])
    )
    return np.asarray(1 / (1 + np.exp(-total)))


def _score(method: str, columns: list[Floats], truth: Floats, domains: NDArray[np.str_]) -> TopicScore:
    """Weights and threshold for each business come from the others."""
    probabilities, chosen = np.zeros_like(truth), np.zeros_like(truth)
    for domain in np.unique(domains):
        unseen = domains == domain
        weights = _platt([column[~unseen] for column in columns], truth[~unseen])
        seen = _squash([column[~unseen] for column in columns], weights)
        probabilities[unseen] = _squash([column[unseen] for column in columns], weights)
        chosen[unseen] = chosen_topics(probabilities[unseen], fit_threshold(seen, truth[~unseen]))
    first = truth[np.arange(len(truth)), probabilities.argmax(axis=1)]
    return TopicScore(
        method,
        micro_f1=f1(chosen, truth),
        macro_f1=float(np.mean([f1(mine, theirs) for mine, theirs in zip(chosen.T, truth.T, strict=True)])),
        first_right=float(first.mean()),
        calibration_error=calibration_error(probabilities[chosen == 1], truth[chosen == 1] == 1),
        threshold=fit_threshold(probabilities, truth),
    )


def _intents(
    tickets: Sequence[LabelledTicket], embeddings: Floats, prototypes: Prototypes
) -> tuple[float, float, float]:
    """Temperature of least negative log-likelihood, accuracy and calibration error, of prototypes alone."""
    truth = np.array([prototypes.taxonomy.names.index(ticket.intent) for ticket in tickets])
    cosines = embeddings @ prototypes.vectors.T.astype(np.float64)

    def probabilities(temperature: float) -> Floats:
        return squash(cosines / temperature, "softmax").astype(np.float64)

    def loss(temperature: float) -> float:
        return float(-np.log(probabilities(temperature)[np.arange(len(truth)), truth] + 1e-12).mean())

    temperature = round(float(min(TEMPERATURES, key=loss)), 4)
    found = probabilities(temperature)
    right = found.argmax(axis=1) == truth
    return temperature, float(right.mean()), calibration_error(found.max(axis=1), right)


def f1(chosen: Floats, truth: Floats) -> float:
    """Over all pairs alike; 0 where nothing is chosen and nothing true."""
    return float(2 * (chosen * truth).sum() / max(chosen.sum() + truth.sum(), 1))
