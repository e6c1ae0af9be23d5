"""Trains the heads: one encoder pass over the corpus, then one ridge regression for all labels.

Every figure is measured on held-out businesses: the corpus names the business of each ticket, and each one is
held out once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles, npz_bytes
from ticketmill.domain.labels import Intent, Sentiment, Urgency
from ticketmill.encoder.encoder import Encoded
from ticketmill.learning.blocks import WEIGHTS, Raw, read_raw
from ticketmill.learning.calibration import fit_temperature, fit_threshold
from ticketmill.learning.corpus import LabelledTicket
from ticketmill.learning.cross_validation import Importance, fit, held_out_scores
from ticketmill.learning.ridge import one_blas_thread
from ticketmill.learning.scores import PressingScore, TaskScore, score_pressing, score_task
from ticketmill.models.heads import ARRAYS_FILE, MANIFEST_FILE, HeadsManifest, HeadSpec, Kind, activate

# The embeddings and the first two layers add nothing to these.
LAYERS = (3, 4, 5, 6)
# Operating points, in units of the scores, which are about 0 for no and 1 for yes. To miss a
# pressing ticket costs more than to check a normal one. A complaint is missed more often than invented, even
# more so outside of the corpus.
BIAS: dict[str, dict[str, float]] = {
    "urgency": {Urgency.CRITICAL: 0.05, Urgency.HIGH: 0.05},
    "sentiment": {Sentiment.NEGATIVE: 0.06},
}
# With these, about every tenth ticket goes to a person; about a third of those predictions are wrong.
REVIEW_BELOW = {"intent": 0.5, "urgency": 0.5, "sentiment": 0.55}
CHUNK = 128

Report = Callable[[str], None]


class ReadsTexts(Protocol):
    """What training needs of an encoder."""

    def encode(self, texts: Sequence[str]) -> list[Encoded]: ...


@dataclass(frozen=True, slots=True)
class TrainedHeads:
    """The heads as files for a bundle, and their quality."""

    files: dict[str, bytes]
    scores: tuple[TaskScore, ...]
    pressing: PressingScore


class Columns(NamedTuple):
    """The labels of a task, and the range of outputs that they have."""

    labels: tuple[str, ...]
    first: int

    @property
    def range(self) -> tuple[int, int]:
        return self.first, self.first + len(self.labels)

    def of(self, outputs: Doubles) -> Doubles:
        return outputs[:, slice(*self.range)]


def train_heads(
    tickets: Sequence[LabelledTicket], encoder: ReadsTexts, trained_on: str, report: Report
) -> TrainedHeads:
    """Heads for intent, urgency, sentiment and topics. The same corpus and encoder give the same bytes."""
    raw = read_tickets(tickets, encoder, report)
    tasks = task_columns(tickets)
    truth = true_labels(tickets, tasks)
    importance = importance_of(truth, tasks)
    domains = np.array([ticket.domain for ticket in tickets])
    with one_blas_thread():
        report("scoring: each business is left out once")
        held_out = held_out_scores(raw, truth, importance, domains)
        report("training")
        fitted, blocks, solution = fit(raw, truth, importance)
        arrays = fitted.folded(blocks, solution)
    bias = operating_points(tasks)
    biased, shifts = held_out + bias, bias.copy()
    specs: dict[str, HeadSpec] = {}
    for task, columns in tasks.items():
        own = slice(*columns.range)
        specs[task], shift = _calibrated(task, columns.labels, columns.of(biased), columns.of(truth))
        shifts[own] += shift
    arrays["bias"] = (arrays["bias"].astype(np.float64) + shifts).astype(np.float32)
    manifest = HeadsManifest(format=2, layers=LAYERS, tasks=specs, trained_on=trained_on)
    files = {
        ARRAYS_FILE: npz_bytes(arrays),
        MANIFEST_FILE: (manifest.model_dump_json(indent=2) + "\n").encode(),
    }
    scores = tuple(
        score_task(task, specs[task], columns.of(biased), columns.of(truth), domains)
        for task, columns in tasks.items()
    )
    return TrainedHeads(files, scores, _pressing(tasks["urgency"], held_out, bias, truth, domains))


def ablations(
    tickets: Sequence[LabelledTicket], encoder: ReadsTexts, report: Report
) -> dict[str, tuple[TaskScore, ...]]:
    """The heads' quality without each of the blocks. The first row leaves out `nothing`."""
    raw = read_tickets(tickets, encoder, report)
    tasks = task_columns(tickets)
    truth = true_labels(tickets, tasks)
    importance = importance_of(truth, tasks)
    domains = np.array([ticket.domain for ticket in tickets])
    rows: dict[str, tuple[TaskScore, ...]] = {}
    for without in (None, *WEIGHTS):
        report(f"without {without or 'nothing'}")
        with one_blas_thread():
            scores = held_out_scores(raw, truth, importance, domains, without) + operating_points(tasks)
        rows[without or "nothing"] = tuple(
            score_task(
                task, _uncalibrated(task, columns.labels), columns.of(scores), columns.of(truth), domains
            )
            for task, columns in tasks.items()
        )
    return rows


def read_tickets(tickets: Sequence[LabelledTicket], encoder: ReadsTexts, report: Report) -> Raw:
    """The features of the tickets, from the encoder and from their words."""
    layers, _ = encode_tickets(tickets, encoder, report)
    return read_raw([ticket.text for ticket in tickets], layers)


def encode_tickets(
    tickets: Sequence[LabelledTicket], encoder: ReadsTexts, report: Report
) -> tuple[Doubles, Doubles]:
    """(tickets, layers · hidden) means of the layers that the heads use; (tickets, hidden) embeddings."""
    report(f"encoding {len(tickets)} tickets")
    layers, embeddings = [], []
    for start in range(0, len(tickets), CHUNK):
        for encoded in encoder.encode([each.text for each in tickets[start : start + CHUNK]]):
            layers.append(encoded.layers[list(LAYERS)].reshape(-1))
            embeddings.append(encoded.embedding)
    return np.array(layers, np.float64), np.array(embeddings, np.float64)


def task_columns(tickets: Sequence[LabelledTicket]) -> dict[str, Columns]:
    """The tasks, in the order of the outputs."""
    topics = sorted({topic for ticket in tickets for topic in ticket.topics})
    columns: dict[str, Columns] = {}
    first = 0
    for task, labels in (
        ("intent", tuple(Intent)),
        ("urgency", tuple(Urgency)),
        ("sentiment", tuple(Sentiment)),
        ("topics", tuple(topics)),
    ):
        columns[task] = Columns(labels, first)
        first += len(labels)
    return columns


def true_labels(tickets: Sequence[LabelledTicket], tasks: dict[str, Columns]) -> Doubles:
    """(tickets, outputs): 1 where a ticket has the label."""
    truth = np.zeros((len(tickets), sum(len(columns.labels) for columns in tasks.values())))
    for row, ticket in zip(truth, tickets, strict=True):
        for task, (labels, first) in tasks.items():
            for label in ticket.topics if task == "topics" else (getattr(ticket, task),):
                row[first + labels.index(label)] = 1.0
    return truth


def importance_of(truth: Doubles, tasks: dict[str, Columns]) -> Importance:
    """Tickets of rare urgencies weigh more, by the square root: critical ones are few, and matter."""
    first, end = tasks["urgency"].range
    urgency = truth[:, first:end]
    counts = np.maximum(urgency.sum(axis=0), 1)
    rare = np.sqrt(len(truth) / urgency.shape[1] / counts)
    same = np.ones(len(truth))
    return {(0, first): same, (first, end): urgency @ rare, (end, truth.shape[1]): same}


def operating_points(tasks: dict[str, Columns]) -> Doubles:
    """(outputs,): the operating points, added to the scores."""
    bias = np.zeros(sum(len(columns.labels) for columns in tasks.values()))
    for task, labels in BIAS.items():
        for label, shift in labels.items():
            bias[tasks[task].first + tasks[task].labels.index(label)] = shift
    return bias


def _calibrated(
    task: str, labels: tuple[str, ...], scores: Doubles, truth: Doubles
) -> tuple[HeadSpec, float]:
    """A head's specification from held-out scores, and the shift of its calibration."""
    kind = _kind(task)
    temperature, shift = fit_temperature(scores, truth, kind)
    probabilities = activate((scores + shift) / temperature, kind).astype(np.float64)
    threshold = fit_threshold(probabilities, truth) if kind == "sigmoid" else 0.5
    spec = HeadSpec(
        kind=kind,
        labels=labels,
        temperature=temperature,
        review_below=REVIEW_BELOW.get(task, 0.0),
        threshold=threshold,
    )
    return spec, shift


def _uncalibrated(task: str, labels: tuple[str, ...]) -> HeadSpec:
    return HeadSpec(
        kind=_kind(task), labels=labels, temperature=1.0, review_below=REVIEW_BELOW.get(task, 0.0)
    )


def _kind(task: str) -> Kind:
    return "sigmoid" if task == "topics" else "softmax"


def _pressing(
    urgency: Columns, scores: Doubles, bias: Doubles, truth: Doubles, domains: NDArray[np.str_]
) -> PressingScore:
    pressing = [urgency.labels.index(label) for label in (Urgency.CRITICAL, Urgency.HIGH)]
    own = bias[slice(*urgency.range)]
    return score_pressing(urgency.of(scores), own, urgency.of(truth), pressing, domains)
