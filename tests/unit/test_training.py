"""Training on a slice of the corpus, with an encoder that knows nothing but which words a text has."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from ticketmill.domain.labels import Urgency
from ticketmill.encoder.encoder import Encoded
from ticketmill.learning.calibration import calibration_error, fit_temperature, macro_f1
from ticketmill.learning.corpus import LabelledTicket, read_corpus
from ticketmill.learning.scores import found_pressing
from ticketmill.learning.train import TrainedHeads, train_heads
from ticketmill.models.heads import load_heads

SEEN, UNSEEN = ("bank", "shop", "telecom"), "travel"


class WordsEncoder:
    """The mean of a random vector a word."""

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        nothing = np.zeros((0, 2))
        return [
            Encoded(
                np.zeros(384, np.float32), self.layers(text), nothing, nothing, 1, truncated=False, windows=1
            )  # type: ignore[arg-type]
            for text in texts
        ]

    def layers(self, text: str) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        words = re.findall(r"\w+", text.lower()) or [""]
        vectors = [np.random.default_rng(zlib.crc32(word.encode())).normal(size=32) for word in words]
        return np.tile(np.mean(vectors, axis=0), (7, 12)).astype(np.float32)


@pytest.fixture(scope="module")
def tickets() -> list[LabelledTicket]:
    corpus = read_corpus()
    return [ticket for domain in SEEN for ticket in [t for t in corpus if t.domain == domain][:80]]


@pytest.fixture(scope="module")
def trained(tickets: list[LabelledTicket]) -> TrainedHeads:
    return train_heads(tickets, WordsEncoder(), "a slice", report=lambda _line: None)


def test_the_same_tickets_give_the_same_bytes(tickets: list[LabelledTicket], trained: TrainedHeads) -> None:
    again = train_heads(tickets, WordsEncoder(), "a slice", report=lambda _line: None)
    assert again == trained


@pytest.mark.parametrize("task", ["intent", "urgency", "sentiment"])
def test_trained_heads_beat_the_commonest_label_on_an_unseen_business(
    trained: TrainedHeads, task: str
) -> None:
    unseen = [ticket for ticket in read_corpus() if ticket.domain == UNSEEN]
    texts = [ticket.text for ticket in unseen]
    heads = load_heads(trained.files)
    layers = np.stack([each.layers for each in WordsEncoder().encode(texts)])
    head = heads.tasks[task]
    said = head.probabilities(heads.read(texts, layers)).argmax(axis=1)
    truth = [getattr(ticket, task) for ticket in unseen]
    correct = np.mean([head.spec.labels[place] == label for place, label in zip(said, truth, strict=True)])
    assert correct > Counter(truth).most_common(1)[0][1] / len(truth) + 0.05


def test_heads_fold_to_what_was_solved(tickets: list[LabelledTicket], trained: TrainedHeads) -> None:
    # a ridge this light all but repeats the labels that it was given, if nothing is lost on the way
    heads = load_heads(trained.files)
    texts = [ticket.text for ticket in tickets]
    layers = np.stack([each.layers for each in WordsEncoder().encode(texts)])
    head = heads.tasks["intent"]
    said = head.probabilities(heads.read(texts, layers)).argmax(axis=1)
    assert np.mean([head.spec.labels[a] == b.intent for a, b in zip(said, tickets, strict=True)]) > 0.97


def test_the_report_has_every_task_and_both_operating_points(trained: TrainedHeads) -> None:
    assert [score.task for score in trained.scores] == ["intent", "urgency", "sentiment", "topics"]
    assert all(0 < score.macro_f1 < 1 and score.sure_mistakes <= score.sure for score in trained.scores)
    assert 0 < trained.pressing.nested_recall <= 1


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    confidence = np.array([0.9] * 10 + [0.5] * 10)
    correct = np.array([True] * 9 + [False] + [True] * 2 + [False] * 8)
    assert calibration_error(confidence, correct) == pytest.approx(0.15)


def test_the_temperature_brings_confidence_to_accuracy() -> None:
    truth = np.eye(2)[[0] * 8 + [1] * 2]
    temperature, shift = fit_temperature(np.tile([1.0, 0.0], (10, 1)), truth, "softmax")
    assert 1 / (1 + np.exp(-1 / temperature)) == pytest.approx(0.8, abs=0.01)
    assert shift == 0


def test_macro_f1_counts_every_label_alike() -> None:
    truth = np.eye(2)[[0, 0, 0, 1]] == 1
    assert macro_f1(truth, np.eye(2)[[0, 0, 0, 0]] == 1) == pytest.approx((6 / 7) / 2)


def test_pressing_urgencies_are_found_as_one() -> None:
    labels = list(Urgency)
    truth = np.eye(4)[[labels.index(each) for each in (Urgency.CRITICAL, Urgency.HIGH, Urgency.LOW)]]
    said = np.eye(4)[[labels.index(each) for each in (Urgency.HIGH, Urgency.MEDIUM, Urgency.HIGH)]]
    assert found_pressing(said, truth, [0, 1]) == (0.5, 0.5)
