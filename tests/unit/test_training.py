"""Training on a slice of the corpus, with an encoder that knows nothing but which words a text has."""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ticketmill.arrays import Doubles
from ticketmill.domain.labels import Urgency
from ticketmill.encoder.encoder import Encoded
from ticketmill.learning.augment import CLOSINGS, OPENINGS, courteous_copies
from ticketmill.learning.blocks import fit_blocks, read_raw
from ticketmill.learning.calibration import (
    Calibration,
    calibration_error,
    fit_calibration,
    fit_temperature,
    macro_f1,
)
from ticketmill.learning.corpus import LabelledTicket, corpus_files, read_corpus, trained_on
from ticketmill.learning.ridge import Ridge, leading_directions
from ticketmill.learning.scores import score_pressing
from ticketmill.learning.train import TrainedHeads, train_heads
from ticketmill.models.heads import load_heads

SEEN, UNSEEN = ("bank", "shop", "telecom", "cards"), "travel"


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
        return np.tile(np.mean([vector_of(word) for word in words], axis=0), (7, 12)).astype(np.float32)


@cache
def vector_of(word: str) -> Doubles:
    return np.random.default_rng(zlib.crc32(word.encode())).normal(size=32)


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


def test_the_report_has_every_task_for_the_corpus_and_each_file(trained: TrainedHeads) -> None:
    for quality in (trained.businesses, trained.styles):
        assert [file.file for file in quality.files] == ["all", "chats", "tickets"]
        assert [score.task for score in quality.overall.tasks] == ["intent", "urgency", "sentiment", "topics"]
        assert quality.overall.tickets == sum(file.tickets for file in quality.files[1:])
        assert all(
            0 < score.macro_f1 < 1 and score.sure_mistakes <= score.sure
            for file in quality.files
            for score in file.tasks
        )
        assert 0 < quality.nested.pressing.recall <= 1


def test_a_group_is_scored_as_if_heads_were_trained_without_it() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(40, 6)).astype(np.float32)
    targets = np.eye(3)[random.integers(0, 3, 40)]
    groups = np.repeat(["a", "b", "c", "d"], 10)
    left_out = Ridge(features @ features.T).left_out(targets, groups)
    seen, unseen = groups != "b", groups == "b"
    # the penalty is in units of the mean diagonal, which differs a little without the group
    alone = Ridge(features[seen] @ features[seen].T)
    duals = alone.duals(targets[seen])
    expected = features[unseen] @ features[seen].T @ duals + alone.bias(duals)
    assert left_out[unseen] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("rows", [20, 400])
def test_the_strongest_directions_are_those_of_the_decomposition(rows: int) -> None:
    matrix = np.random.default_rng(1).normal(size=(rows, 60)) * np.geomspace(9, 1, 60)
    matrix = (matrix - matrix.mean(axis=0)).astype(np.float32)
    directions, variances = leading_directions(matrix, 8)
    _, spread, expected = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    assert variances == pytest.approx(spread[:8] ** 2 / rows, rel=1e-5)
    assert np.abs(expected[:8] @ directions) == pytest.approx(np.eye(8), abs=1e-4)
    assert (directions[np.abs(directions).argmax(axis=0), np.arange(8)] > 0).all()


def test_products_of_blocks_are_those_of_the_folded_weights(tickets: list[LabelledTicket]) -> None:
    texts = [ticket.text for ticket in tickets]
    layers = np.stack([each.layers[[3, 4, 5, 6]].ravel() for each in WordsEncoder().encode(texts)])
    raw = read_raw(texts, layers)
    gram = fit_blocks(raw).gram(raw)
    assert gram == pytest.approx(gram.T, abs=1e-4)
    # every block is centred, so that the products of one ticket with all others cancel out
    assert gram.sum(axis=0) == pytest.approx(np.zeros(len(texts)), abs=0.05)


def test_short_texts_get_less_confidence_where_they_are_wrong_more_often() -> None:
    lengths = np.repeat([20.0, 2000.0], 100)
    truth = np.eye(2)[[0] * 60 + [1] * 40 + [0] * 95 + [1] * 5]
    scores = np.tile([1.0, 0.0], (200, 1))
    found = fit_calibration(scores, truth, lengths, "softmax")
    confidence = found.probabilities(scores, lengths)[:, 0]
    assert found.slope < 0
    assert confidence[0] == pytest.approx(0.6, abs=0.1)
    assert confidence[-1] == pytest.approx(0.95, abs=0.06)


def test_without_a_slope_the_length_does_not_matter() -> None:
    found = Calibration("softmax", 0.5).probabilities(np.tile([1.0, 0.0], (2, 1)), np.array([5.0, 4000.0]))
    assert found[0] == pytest.approx(found[1])


def test_copies_of_tickets_have_one_courtesy_and_the_same_labels(tickets: list[LabelledTicket]) -> None:
    copies = courteous_copies(tickets)
    originals = {ticket.id: ticket for ticket in tickets}
    assert 0 < len(copies) < len(tickets) / 4
    assert copies == courteous_copies(tickets)
    for copy in copies:
        original = originals[copy.id.removesuffix("-courteous")]
        assert original.body in copy.body
        assert copy.body.replace(original.body, "").strip() in OPENINGS + CLOSINGS
        assert (copy.intent, copy.urgency, copy.sentiment, copy.domain, copy.style) == (
            original.intent, original.urgency, original.sentiment, original.domain, original.style,
        )  # fmt: skip


def test_every_business_is_in_one_file() -> None:
    files: dict[str, set[str]] = {}
    for ticket in read_corpus():
        files.setdefault(ticket.domain, set()).add(ticket.style)
    assert all(len(styles) == 1 for styles in files.values())
    assert {path.stem for path in corpus_files()} == set().union(*files.values())


def test_a_manifest_names_every_file_of_the_corpus(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text("1")
    (tmp_path / "a.jsonl").write_text("2")
    assert re.fullmatch(r"2 tickets: a\.jsonl [0-9a-f]{12}, b\.jsonl [0-9a-f]{12}", trained_on(tmp_path, 2))


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
    found = score_pressing(said, truth, [0, 1])
    assert (found.recall, found.precision) == (0.5, 0.5)


def test_heads_are_trained_from_an_export_of_corrections_which_tells_no_business(
    tickets: list[LabelledTicket], tmp_path: Path
) -> None:
    path = tmp_path / "export.jsonl"
    fields = ("subject", "body", "intent", "urgency", "sentiment", "topics")
    lines = [
        {"ticket_id": each.id, "who": "ann", **{name: getattr(each, name) for name in fields}}
        for each in tickets
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    exported = read_corpus(path)
    assert len({ticket.domain for ticket in exported}) > 1
    trained = train_heads(
        exported, WordsEncoder(), trained_on(path, len(exported)), report=lambda _line: None
    )
    assert set(load_heads(trained.files).tasks) == {"intent", "urgency", "sentiment", "topics"}
    assert trained.businesses.overall.tickets == len(tickets)
