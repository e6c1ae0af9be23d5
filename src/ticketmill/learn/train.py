"""Training the heads: one encoder pass over the corpus, then a logistic regression a task.

Every figure comes from domains that the head did not see: the corpus names the business of each ticket, and
each business is left out once.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from ticketmill.domain.errors import SetupError
from ticketmill.domain.labels import Intent, Sentiment, Urgency
from ticketmill.learn.corpus import LabelledTicket
from ticketmill.ml.encoder import Encoder
from ticketmill.ml.heads import ARRAYS_FILE, MANIFEST_FILE, HeadsManifest, HeadSpec

LAYERS = (3, 4, 5, 6)
REGULARISATION = {"intent": 0.003, "urgency": 0.001, "sentiment": 0.001, "topics": 0.003}
CHUNK = 128
REVIEW_COVERAGE = 0.8
MAX_TOPICS = 3

Floats = NDArray[np.float64]
Report = Callable[[str], None]
Kind = Literal["softmax", "sigmoid"]


@dataclass(frozen=True, slots=True)
class Score:
    """How a head does on domains that it did not see: fractions of 1."""

    task: str
    macro_f1: float
    accuracy: float
    calibration_error: float


@dataclass(frozen=True, slots=True)
class TrainedHeads:
    """The heads as files for a bundle, and their scores."""

    files: dict[str, bytes]
    scores: tuple[Score, ...]


def train_heads(
    tickets: Sequence[LabelledTicket], encoder: Encoder, trained_on: str, report: Report
) -> TrainedHeads:
    """Heads for intent, urgency, sentiment and topics; the same corpus and encoder give the same bytes."""
    report(f"encoding {len(tickets)} tickets")
    features = _features(tickets, encoder)
    domains = np.array([ticket.domain for ticket in tickets])
    arrays: dict[str, NDArray[np.float32]] = {}
    specs: dict[str, HeadSpec] = {}
    scores: list[Score] = []
    for task, labels in _labels(tickets).items():
        report(f"training {task}")
        truth = _truth(task, labels, tickets)
        spec, score, (weights, bias) = _train_task(task, labels, features, truth, domains)
        arrays |= {f"{task}.weights": weights.astype(np.float32), f"{task}.bias": bias.astype(np.float32)}
        specs[task] = spec
        scores.append(score)
    manifest = HeadsManifest(format=1, layers=LAYERS, tasks=specs, trained_on=trained_on)
    files = {
        ARRAYS_FILE: _npz(arrays),
        MANIFEST_FILE: (manifest.model_dump_json(indent=2) + "\n").encode(),
    }
    return TrainedHeads(files, tuple(scores))


def _train_task(
    task: str, labels: tuple[str, ...], features: Floats, truth: Floats, domains: NDArray[np.str_]
) -> tuple[HeadSpec, Score, tuple[Floats, Floats]]:
    """A head's specification, its score on unseen domains, and its weights and bias from all of them."""
    kind: Kind = "sigmoid" if task == "topics" else "softmax"
    fit = _fit_sigmoid if kind == "sigmoid" else _fit_softmax
    with _one_blas_thread():
        held_out = _held_out_logits(features, truth, domains, fit, REGULARISATION[task])
        weights_and_bias = fit(features, truth, REGULARISATION[task])
    temperature = _temperature(held_out, truth, kind)
    probabilities = _squash(held_out / temperature, kind)
    spec = HeadSpec(
        kind=kind,
        labels=labels,
        temperature=round(temperature, 3),
        review_below=_review_threshold(probabilities) if kind == "softmax" else 0.0,
        threshold=_topic_threshold(probabilities, truth) if kind == "sigmoid" else 0.5,
    )
    return spec, _score(task, probabilities, truth, kind), weights_and_bias


def _labels(tickets: Sequence[LabelledTicket]) -> dict[str, tuple[str, ...]]:
    topics = sorted({topic for ticket in tickets for topic in ticket.topics})
    return {
        "intent": tuple(Intent),
        "urgency": tuple(Urgency),
        "sentiment": tuple(Sentiment),
        "topics": tuple(topics),
    }


def _features(tickets: Sequence[LabelledTicket], encoder: Encoder) -> Floats:
    """(tickets, layers · hidden) pooled hidden layers."""
    rows = [
        encoded.layers[list(LAYERS)].reshape(-1)
        for start in range(0, len(tickets), CHUNK)
        for encoded in encoder.encode([ticket.text for ticket in tickets[start : start + CHUNK]])
    ]
    return np.array(rows, np.float64)


def _truth(task: str, labels: Sequence[str], tickets: Sequence[LabelledTicket]) -> Floats:
    """(tickets, labels), one where a label holds."""
    truth = np.zeros((len(tickets), len(labels)))
    for row, ticket in zip(truth, tickets, strict=True):
        held = ticket.topics if task == "topics" else (getattr(ticket, task),)
        for label in held:
            row[labels.index(label)] = 1.0
    return truth


Fit = Callable[[Floats, Floats, float], tuple[Floats, Floats]]


def _fit_softmax(features: Floats, truth: Floats, regularisation: float) -> tuple[Floats, Floats]:
    """Weights (features, labels) and bias (labels,) over the features as they are."""
    regression = _regression()(C=regularisation, max_iter=2000)
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    regression.fit((features - mean) / spread, truth.argmax(axis=1))
    return _folded(regression.coef_, regression.intercept_, mean, spread)


def _fit_sigmoid(features: Floats, truth: Floats, regularisation: float) -> tuple[Floats, Floats]:
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    scaled = (features - mean) / spread
    fitted = [
        _regression()(C=regularisation, max_iter=2000).fit(scaled, column.astype(int)) for column in truth.T
    ]
    coefficients = np.vstack([each.coef_ for each in fitted])
    intercepts = np.concatenate([each.intercept_ for each in fitted])
    return _folded(coefficients, intercepts, mean, spread)


def _folded(coefficients: Floats, intercepts: Floats, mean: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """The standardisation folded into the weights, so that the worker need not know of it."""
    weights = coefficients.T / spread[:, None]
    return weights, intercepts - mean @ weights


def _held_out_logits(
    features: Floats, truth: Floats, domains: NDArray[np.str_], fit: Fit, regularisation: float
) -> Floats:
    """(tickets, labels), each from a head that saw no ticket of the same business."""
    logits = np.zeros_like(truth)
    for domain in np.unique(domains):
        unseen = domains == domain
        weights, bias = fit(features[~unseen], truth[~unseen], regularisation)
        logits[unseen] = features[unseen] @ weights + bias
    return logits


def _temperature(logits: Floats, truth: Floats, kind: Kind) -> float:
    """The temperature of least negative log-likelihood (Guo et al., On Calibration of Modern Neural
    Networks, 2017), from a grid."""

    def loss(temperature: float) -> float:
        likely = np.clip(_squash(logits / temperature, kind), 1e-9, 1 - 1e-9)
        if kind == "softmax":
            return float(-np.log(likely[truth == 1]).mean())
        return float(-(truth * np.log(likely) + (1 - truth) * np.log(1 - likely)).mean())

    return float(min(np.geomspace(0.25, 8, 141), key=loss))


def _squash(logits: Floats, kind: Kind) -> Floats:
    if kind == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-logits)))
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))


def _score(task: str, probabilities: Floats, truth: Floats, kind: Kind) -> Score:
    from sklearn.metrics import f1_score

    if kind == "sigmoid":
        chosen = _chosen(probabilities, _topic_threshold(probabilities, truth))
        best = np.arange(len(truth)), probabilities.argmax(axis=1)
        correct, confidence = truth[best] == 1, probabilities[best]
        macro_f1 = f1_score(truth, chosen, average="macro", zero_division=0)
    else:
        best_label = probabilities.argmax(axis=1)
        correct, confidence = truth.argmax(axis=1) == best_label, probabilities.max(axis=1)
        macro_f1 = f1_score(truth.argmax(axis=1), best_label, average="macro")
    return Score(task, float(macro_f1), float(correct.mean()), calibration_error(confidence, correct))


def calibration_error(confidence: Floats, correct: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error: |accuracy - confidence|, averaged over equal bins by their share."""
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(correct[places == place].mean() - confidence[places == place].mean()) * (places == place).mean()
        for place in np.unique(places)
    ]
    return float(sum(gaps))


def _chosen(probabilities: Floats, threshold: float) -> Floats:
    ranks = (-probabilities).argsort(axis=1).argsort(axis=1)
    return ((probabilities >= threshold) & (ranks < MAX_TOPICS)).astype(float)


def _topic_threshold(probabilities: Floats, truth: Floats) -> float:
    """The threshold of the best micro-F1."""

    def micro_f1(threshold: float) -> float:
        chosen = _chosen(probabilities, threshold)
        return float(2 * (chosen * truth).sum() / (chosen.sum() + truth.sum()))

    return round(float(max(np.arange(0.1, 0.7, 0.02), key=micro_f1)), 2)


def _review_threshold(probabilities: Floats) -> float:
    """The confidence that the surest 80% of unseen tickets reach."""
    return round(float(np.quantile(probabilities.max(axis=1), 1 - REVIEW_COVERAGE)), 3)


def _npz(arrays: dict[str, NDArray[np.float32]]) -> bytes:
    """Arrays as an .npz whose bytes depend on the arrays alone (numpy's own writer stores the time)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in sorted(arrays.items()):
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())
    return buffer.getvalue()


def _one_blas_thread() -> AbstractContextManager[object]:
    """One thread, for the same bytes on every run; with more, these small products are slower too."""
    from threadpoolctl import threadpool_limits

    return cast("AbstractContextManager[object]", threadpool_limits(limits=1, user_api="blas"))


def _regression() -> type:
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise SetupError("training needs scikit-learn: pip install 'ticketmill[train]'") from None
    return LogisticRegression  # type: ignore[no-any-return]
