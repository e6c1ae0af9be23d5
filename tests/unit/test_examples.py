"""What examples of a label are worth, tried on a made-up corpus whose businesses speak alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ticketmill.domain.taxonomy import Label, Taxonomy
from ticketmill.learning.examples import COUNTS, Drawn, draw_examples, fit_examples, score_examples
from ticketmill.models.prototypes import Prototypes, unit
from ticketmill.models.topics import Blend, Weights, weigh

LABELS, BUSINESSES, EACH, DIMENSIONS = 4, 3, 60, 16


def corpus() -> tuple[np.ndarray, np.ndarray, np.ndarray, Prototypes]:
    """Embeddings, truth, domains, and prototypes whose descriptions say nothing of the tickets."""
    random = np.random.default_rng(0)
    directions = np.eye(DIMENSIONS)[:LABELS]
    places = np.tile(np.arange(LABELS), BUSINESSES * EACH // LABELS)
    embeddings = unit(directions[places] + random.normal(size=(len(places), DIMENSIONS)) * 0.4 + 0.5)
    labels = tuple(Label(label=f"label{number}", description="about it") for number in range(LABELS))
    empty = np.zeros(DIMENSIONS, np.float32)
    vectors = unit(random.normal(size=(LABELS, DIMENSIONS)))
    described = Prototypes(
        Taxonomy(task="topics", labels=labels), vectors, np.zeros_like(vectors), empty, empty
    )
    domains = np.repeat([f"business{number}" for number in range(BUSINESSES)], EACH)
    return embeddings.astype(np.float64), np.eye(LABELS)[places], domains, described


@pytest.fixture(scope="module")
def drawn() -> tuple[list[Drawn], np.ndarray, np.ndarray]:
    embeddings, truth, domains, prototypes = corpus()
    return draw_examples(embeddings, prototypes, truth, domains), truth, domains


def test_examples_are_worth_more_than_a_description_that_says_nothing(
    drawn: tuple[list[Drawn], np.ndarray, np.ndarray],
) -> None:
    rows = {row.method: row.first_right for row in score_examples(*drawn)}
    assert rows["prototypes"] < 0.5 < 0.8 < rows["prototypes, heads of 10 examples"]
    _, examples = fit_examples(*drawn[:2])
    assert examples.head > abs(examples.prototype)


def test_no_example_is_of_the_business_that_is_scored() -> None:
    embeddings, truth, domains, prototypes = corpus()
    first = domains == domains[0]
    changed = embeddings.copy()
    changed[first] = changed[first][::-1]
    before, after = (
        draw_examples(each, prototypes, truth, domains)[-1].shown for each in (embeddings, changed)
    )
    assert after[first] == pytest.approx(before[first][::-1])


def test_what_is_fitted_is_what_a_bundle_does() -> None:
    *_, prototypes = corpus()
    random = np.random.default_rng(1)
    heads = unit(random.normal(size=(LABELS, DIMENSIONS)))
    alone, examples = Weights(prototype=5, bias=-1), Weights(head=7, prototype=3, bias=-2)
    blend = Blend(
        both=alone, alone=alone, examples=examples, half_way=5.0, intent_temperature=1, fitted_on="nothing"
    )
    tickets = random.normal(size=(6, DIMENSIONS)).astype(np.float32)
    for count in COUNTS:
        labels = tuple(
            label.model_copy(update={"examples": ("seen",) * count}) for label in prototypes.taxonomy.labels
        )
        taxonomy = prototypes.taxonomy.model_copy(update={"labels": labels})
        weights, bias = weigh(replace(prototypes, taxonomy=taxonomy, examples=heads), blend)
        simulated = Drawn(count, tickets @ prototypes.centred.T, tickets @ heads.T, tickets)
        assert tickets @ weights.T + bias == pytest.approx(simulated.logits(alone, examples), abs=1e-4)
