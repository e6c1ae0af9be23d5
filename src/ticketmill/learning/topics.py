"""Fits the weights of the topics head, the prototypes and the heads from examples.

It uses tickets of held-out businesses. `ticketmill taxonomy fit` prints the figures and writes `blend.json`
and `centre.npz`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles, Floats
from ticketmill.domain.taxonomy import Taxonomies
from ticketmill.encoder.encoder import Encoder
from ticketmill.learning.blocks import read_raw
from ticketmill.learning.calibration import calibration_error, fit_temperature
from ticketmill.learning.corpus import LabelledTicket
from ticketmill.learning.cross_validation import fit
from ticketmill.learning.examples import (
    COUNTS,
    HALF_WAY,
    draw_examples,
    fit_examples,
    score_averages,
    score_examples,
)
from ticketmill.learning.ridge import one_blas_thread
from ticketmill.learning.train import encode_tickets, task_columns, true_labels
from ticketmill.learning.weighing import TopicScore, held_out, platt, score_topics
from ticketmill.models.heads import ARRAYS_FILE, activate, shipped_heads
from ticketmill.models.prototypes import Prototypes, describe
from ticketmill.models.topics import Blend, Weights

TEMPERATURES = np.geomspace(0.2, 5.0, 201)

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class IntentScore:
    """Quality of intents without the trained head, by examples a label; fractions of 1."""

    examples: int
    accuracy: float
    calibration_error: float


@dataclass(frozen=True, slots=True, eq=False)
class FittedBlend:
    """The blend, the mean of all tickets (dimensions,), and the figures of each part and of the blend."""

    blend: Blend
    centre: NDArray[np.float32]
    topics: tuple[TopicScore, ...]
    intents: tuple[IntentScore, ...]


def fit_blend(
    tickets: Sequence[LabelledTicket], encoder: Encoder, taxonomies: Taxonomies, report: Report
) -> FittedBlend:
    """The blend of the shipped taxonomies. The figures hold out each business once."""
    _, layers, embeddings, _ = encode_tickets(tickets, encoder, report)
    domains = np.array([ticket.domain for ticket in tickets])
    centre = embeddings.mean(axis=0).astype(np.float32)
    topics, intent = (
        describe(taxonomy, taxonomies.background, centre, encoder)
        for taxonomy in (taxonomies.topics, taxonomies.intent)
    )
    truth = _truth([ticket.topics for ticket in tickets], topics)
    report("training the topics head without each business in turn")
    head = _held_out_head(tickets, layers, domains, topics.taxonomy.names)
    report("drawing examples for each business from the others")
    with one_blas_thread():
        draws = draw_examples(embeddings, topics, truth, domains)
        alone, examples = fit_examples(draws, truth)
        columns = {"head": [head], "head and prototypes": [head, draws[0].described]}
        both = platt(columns["head and prototypes"], truth)
        scores = (
            *(score_topics(name, *held_out(parts, truth, domains), truth) for name, parts in columns.items()),
            *score_examples(draws, truth, domains),
            score_averages(draws, 5, truth, domains),
        )
        true_intents = _truth([(ticket.intent,) for ticket in tickets], intent)
        logits = [
            (drawn.count, drawn.logits(alone, examples))
            for drawn in draw_examples(embeddings, intent, true_intents, domains)
        ]
        temperature, intent_scores = _intents(logits, true_intents)
    blend = Blend(
        both=Weights(head=both[0], prototype=both[1], bias=both[2]),
        alone=alone,
        examples=examples,
        half_way=HALF_WAY,
        intent_temperature=temperature,
        fitted_on=f"{heads_hash()}, {len(tickets)} tickets",
    )
    return FittedBlend(blend, centre, scores, intent_scores)


def _truth(labels: Sequence[Sequence[str]], prototypes: Prototypes) -> Doubles:
    """(tickets, labels): 1 where a ticket has the label."""
    return np.array([[name in own for name in prototypes.taxonomy.names] for own in labels], np.float64)


def heads_hash() -> str:
    """Identifies the shipped heads that a blend belongs to."""
    return "heads " + hashlib.sha256(shipped_heads()[ARRAYS_FILE]).hexdigest()[:12]


def _held_out_head(
    tickets: Sequence[LabelledTicket], layers: Floats, domains: NDArray[np.str_], labels: Sequence[str]
) -> Doubles:
    """(tickets, labels): calibrated logits of heads that did not see the ticket's business."""
    tasks = task_columns(tickets)
    truth = true_labels(tickets, tasks)
    raw = read_raw([ticket.text for ticket in tickets], layers)
    with one_blas_thread():
        scores = fit(raw, truth).left_out(domains)
    topics = tasks["topics"]
    temperature, shift = fit_temperature(topics.of(scores), topics.of(truth), "sigmoid")
    order = [topics.labels.index(label) for label in labels]
    return np.asarray((topics.of(scores) + shift)[:, order] / temperature)


def _intents(logits: Sequence[tuple[int, Doubles]], truth: Doubles) -> tuple[float, tuple[IntentScore, ...]]:
    """One temperature for all numbers of examples, and the quality of each."""
    right_places = truth.argmax(axis=1)

    def probabilities(scores: Doubles, temperature: float) -> Doubles:
        return activate(scores / temperature, "softmax").astype(np.float64)

    def loss(temperature: float) -> float:
        likely = [probabilities(scores, temperature)[truth == 1] for _, scores in logits]
        return float(-np.log(np.concatenate(likely) + 1e-12).mean())

    temperature = round(float(min(TEMPERATURES, key=loss)), 4)
    rows = []
    for count in COUNTS:
        same = [scores for number, scores in logits if number == count]
        found = np.concatenate([probabilities(scores, temperature) for scores in same])
        right = found.argmax(axis=1) == np.tile(right_places, len(found) // len(truth))
        rows.append(IntentScore(count, float(right.mean()), calibration_error(found.max(axis=1), right)))
    return temperature, tuple(rows)
