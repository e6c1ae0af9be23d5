"""Which labels are suspected to be errors."""

from __future__ import annotations

import numpy as np

from ticketmill.learning.suspects import Suspect, suspects

LABELS = ("bug", "feature", "question")


def test_the_labels_with_the_largest_held_out_loss_come_first() -> None:
    probabilities = np.array([[0.9, 0.05, 0.05], [0.2, 0.7, 0.1], [0.98, 0.01, 0.01], [0.3, 0.3, 0.4]])
    truth = np.eye(3)[[0, 0, 2, 1]]
    found = suspects(LABELS, probabilities, truth, "softmax", 2)
    assert found == [
        Suspect(2, "question", "bug", probability=0.01),
        Suspect(1, "bug", "feature", probability=0.2),
    ]


def test_a_label_that_the_held_out_model_gives_too_is_no_suspect() -> None:
    # of three labels .4 is the most likely one, however unsure the model is
    assert suspects(LABELS, np.array([[0.3, 0.3, 0.4]]), np.eye(3)[[2]], "softmax", 5) == []


def test_of_independent_labels_a_missing_one_is_a_suspect_too() -> None:
    probabilities = np.array([[0.9, 0.95, 0.1], [0.02, 0.1, 0.1]])
    truth = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    found = suspects(LABELS, probabilities, truth, "sigmoid", 5)
    assert [(each.position, each.label) for each in found] == [(1, "bug"), (0, "feature")]


def test_tickets_with_the_same_loss_keep_their_order() -> None:
    found = suspects(LABELS, np.tile([0.2, 0.7, 0.1], (3, 1)), np.eye(3)[[0, 0, 0]], "softmax", 2)
    assert [each.position for each in found] == [0, 1]
