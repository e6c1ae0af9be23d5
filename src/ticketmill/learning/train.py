"""Trains the heads: one encoder pass over the corpus, then one ridge regression for all labels.

Every figure is measured on tickets whose group the heads did not see: each business of the corpus is left out
once, and each file, whose tickets are written alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles, Floats, npz_bytes
from ticketmill.domain.labels import Intent, Sentiment, Urgency
from ticketmill.encoder.encoder import Encoded
from ticketmill.learning.augment import courteous_copies
from ticketmill.learning.blocks import WEIGHTS, Raw, read_raw
from ticketmill.learning.branch import LABELS as BRANCH_LABELS
from ticketmill.learning.calibration import Calibration, fit_calibration, fit_threshold
from ticketmill.learning.corpus import LabelledTicket
from ticketmill.learning.cross_validation import Fitted, fit
from ticketmill.learning.left_out_branch import SHIPPED_LEFT_OUT, left_out_scores
from ticketmill.learning.quality import LeftOut, Quality, measure
from ticketmill.learning.ridge import one_blas_thread
from ticketmill.models.features import read_lexical
from ticketmill.models.heads import ARRAYS_FILE, MANIFEST_FILE, BranchSpec, HeadsManifest, HeadSpec, Kind

# Operating points, in units of the scores, which are about 0 for no and 1 for yes. To miss a pressing ticket
# costs more than to check a normal one: with these nine of ten are found in nearly every file. Outside of the
# corpus a complaint is missed more often than invented.
BIAS: dict[str, dict[str, float]] = {
    "urgency": {Urgency.CRITICAL: 0.1, Urgency.HIGH: 0.14},
    "sentiment": {Sentiment.NEGATIVE: 0.03, Sentiment.POSITIVE: 0.05},
}
# What the branch's scores, in log odds, are multiplied by before they are added. Chosen by likelihood and
# macro-F1 on held-out businesses; flat around these.
BRANCH_WEIGHTS = {"intent": 0.045, "urgency": 0.08, "sentiment": 0.08}
# With these, about every tenth ticket goes to a person; about a third of those predictions are wrong.
REVIEW_BELOW = {"intent": 0.5, "urgency": 0.5, "sentiment": 0.55}
CHUNK = 128

Report = Callable[[str], None]


class ReadsTexts(Protocol):
    """What training needs of an encoder."""

    def encode(self, texts: Sequence[str]) -> list[Encoded]: ...


@dataclass(frozen=True, slots=True)
class TrainedHeads:
    """The heads as files for a bundle, and their quality with each business and each file left out."""

    files: dict[str, bytes]
    businesses: Quality
    styles: Quality
    without_branch: Quality | None = None
    """With each business left out, what heads do on an encoder without the branch; None where it has none."""


class Columns(NamedTuple):
    """The labels of a task, and the range of outputs that they have."""

    labels: tuple[str, ...]
    first: int

    @property
    def range(self) -> tuple[int, int]:
        return self.first, self.first + len(self.labels)

    def of(self, outputs: Doubles) -> Doubles:
        return outputs[:, slice(*self.range)]


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """The tickets as the regression sees them."""

    raw: Raw
    lengths: Doubles
    """(n,) in characters"""
    tasks: dict[str, Columns]
    truth: Doubles
    """(n, outputs)"""
    domains: NDArray[np.str_]
    styles: NDArray[np.str_]
    layers: tuple[int, ...]
    """The encoder's layers that the heads use."""
    originals: int
    """The first so many are of the corpus; the rest are copies, which train and are not scored."""
    branch: dict[str, Doubles]
    """(originals, labels) by task: what branches say that did not see a ticket's business. Empty without."""

    @property
    def is_one_style(self) -> bool:
        return len(set(self.styles.tolist())) < 2

    def left_out(self, fitted: Fitted, groups: NDArray[np.str_]) -> LeftOut:
        """Scores by heads that did not see the ticket's group, with the operating points."""
        scores = fitted.left_out(groups)[: self.originals] + operating_points(self.tasks)
        truth = self.truth[: self.originals]
        return LeftOut(
            scores={task: columns.of(scores) for task, columns in self.tasks.items()},
            truth={task: columns.of(truth) for task, columns in self.tasks.items()},
            specs=specs_of(self.tasks),
            bias=self.tasks["urgency"].of(operating_points(self.tasks)[None])[0],
            lengths=self.lengths[: self.originals],
            # calibrations come from other files; a corpus of one file is calibrated by its other businesses
            files=(self.domains if self.is_one_style else self.styles)[: self.originals],
            styles=self.styles[: self.originals],
        )


def train_heads(
    tickets: Sequence[LabelledTicket], encoder: ReadsTexts, trained_on: str, report: Report
) -> TrainedHeads:
    """Heads for intent, urgency, sentiment and topics. The same corpus and encoder give the same bytes."""
    training = read_training(tickets, encoder, report)
    with one_blas_thread():
        report("training")
        fitted = fit(training.raw, training.truth)
        arrays = fitted.arrays()
        report("scoring: each business is left out once, then each file")
        businesses = training.left_out(fitted, training.domains)
        styles = businesses if training.is_one_style else training.left_out(fitted, training.styles)
    specs, shifts = calibrated(training.tasks, styles)
    without_branch = measure(businesses) if training.branch else None
    if training.branch:
        businesses, styles = (each.joined(training.branch, BRANCH_WEIGHTS) for each in (businesses, styles))
        specs = with_branch(specs, styles)
    arrays["bias"] = (arrays["bias"].astype(np.float64) + shifts).astype(np.float32)
    manifest = HeadsManifest(format=3, layers=training.layers, tasks=specs, trained_on=trained_on)
    files = {
        ARRAYS_FILE: npz_bytes(arrays),
        MANIFEST_FILE: (manifest.model_dump_json(indent=2) + "\n").encode(),
    }
    return TrainedHeads(files, measure(businesses), measure(styles), without_branch)


def ablations(tickets: Sequence[LabelledTicket], encoder: ReadsTexts, report: Report) -> dict[str, Quality]:
    """The heads' quality without each of the blocks. The first row leaves out `nothing`."""
    training = read_training(tickets, encoder, report)
    rows: dict[str, Quality] = {}
    for without in (None, *WEIGHTS):
        report(f"without {without or 'nothing'}")
        with one_blas_thread():
            left_out = training.left_out(fit(training.raw, training.truth, without), training.domains)
        rows[without or "nothing"] = measure(left_out)
    return rows


def calibrated(tasks: dict[str, Columns], styles: LeftOut) -> tuple[dict[str, HeadSpec], Doubles]:
    """The tasks' specifications from the scores with each file left out, and what the bias (outputs,) gains.

    Files, not businesses: confidence must hold for tickets that are written otherwise.
    """
    shifts = operating_points(tasks)
    specs: dict[str, HeadSpec] = {}
    for task, columns in tasks.items():
        spec, scores, truth = styles.specs[task], styles.scores[task], styles.truth[task]
        found: Calibration = fit_calibration(scores, truth, styles.lengths, spec.kind)
        changes = {"temperature": found.temperature, "length_slope": found.slope}
        if spec.kind == "sigmoid":
            changes["threshold"] = fit_threshold(found.probabilities(scores, styles.lengths), truth)
        specs[task] = spec.model_copy(update=changes)
        shifts[slice(*columns.range)] += found.shift
    return specs, shifts


def with_branch(specs: dict[str, HeadSpec], styles: LeftOut) -> dict[str, HeadSpec]:
    """The specifications with the calibrations of `styles`, in whose scores the branch's are."""
    found = dict(specs)
    for task, weight in BRANCH_WEIGHTS.items():
        fitted = fit_calibration(styles.scores[task], styles.truth[task], styles.lengths, specs[task].kind)
        branch = BranchSpec(weight=weight, temperature=fitted.temperature, length_slope=fitted.slope)
        found[task] = specs[task].model_copy(update={"branch": branch})
    return found


def read_training(tickets: Sequence[LabelledTicket], encoder: ReadsTexts, report: Report) -> Training:
    """Everything of the tickets that training needs, and of courteous copies of some."""
    tasks = task_columns(tickets)
    originals = len(tickets)
    tickets = [*tickets, *courteous_copies(tickets)]
    texts = [ticket.text for ticket in tickets]
    encoded = encode_tickets(tickets, encoder, report)
    return Training(
        raw=read_raw(texts, encoded.pooled),
        layers=encoded.layers,
        lengths=read_lexical(texts).lengths.astype(np.float64),
        tasks=tasks,
        truth=true_labels(tickets, tasks),
        domains=np.array([ticket.domain for ticket in tickets]),
        styles=np.array([ticket.style for ticket in tickets]),
        originals=originals,
        branch=_branch_scores(texts[:originals], encoded.branch),
    )


def _branch_scores(texts: Sequence[str], own: Doubles | None) -> dict[str, Doubles]:
    """By task, what branches say that were not trained on the tickets; `own` are the encoder's branch's."""
    if own is None:
        return {}
    content = SHIPPED_LEFT_OUT.read_bytes()
    scores = left_out_scores(texts, own[: len(texts)], content)
    return {task: columns.of(scores) for task, columns in branch_columns().items()}


class EncodedTickets(NamedTuple):
    """What an encoder gives for n tickets."""

    layers: tuple[int, ...]
    """Those that the heads use."""
    pooled: Floats
    """(n, layers · hidden): the means of these layers."""
    embeddings: Doubles
    """(n, hidden)"""
    branch: Doubles | None
    """(n, labels): the scores of the encoder's branch, where it has one."""


def encode_tickets(tickets: Sequence[LabelledTicket], encoder: ReadsTexts, report: Report) -> EncodedTickets:
    """The tickets as the heads see them."""
    report(f"encoding {len(tickets)} tickets")
    chosen: tuple[int, ...] = ()
    layers, embeddings, branches = [], [], []
    for start in range(0, len(tickets), CHUNK):
        for encoded in encoder.encode([each.text for each in tickets[start : start + CHUNK]]):
            chosen = chosen or layers_of_heads(len(encoded.layers) - 1)
            layers.append(encoded.layers[list(chosen)].reshape(-1))
            embeddings.append(encoded.embedding)
            if encoded.branch is not None:
                branches.append(encoded.branch)
    return EncodedTickets(
        chosen,
        np.array(layers, np.float32),
        np.array(embeddings, np.float64),
        np.array(branches, np.float64) if branches else None,
    )


def layers_of_heads(depth: int) -> tuple[int, ...]:
    """The layers that heads use of an encoder with `depth` layers: up to four, from its middle to its end.

    Of six layers 3 to 6: the embeddings and the first two add nothing to these.
    """
    return tuple(sorted({-(-depth * step // 6) for step in (3, 4, 5, 6)}))


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


def branch_columns() -> dict[str, Columns]:
    """The tasks that a branch scores, in the order of its scores."""
    columns: dict[str, Columns] = {}
    first = 0
    for task, labels in BRANCH_LABELS.items():
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


def operating_points(tasks: dict[str, Columns]) -> Doubles:
    """(outputs,): the operating points, added to the scores."""
    bias = np.zeros(sum(len(columns.labels) for columns in tasks.values()))
    for task, labels in BIAS.items():
        for label, shift in labels.items():
            bias[tasks[task].first + tasks[task].labels.index(label)] = shift
    return bias


def specs_of(tasks: dict[str, Columns]) -> dict[str, HeadSpec]:
    """The tasks' specifications before they are calibrated."""
    return {
        task: HeadSpec(
            kind=_kind(task),
            labels=columns.labels,
            temperature=1.0,
            review_below=REVIEW_BELOW.get(task, 0.0),
        )
        for task, columns in tasks.items()
    }


def _kind(task: str) -> Kind:
    return "sigmoid" if task == "topics" else "softmax"
