"""Fine-tuning a branch of a tiny encoder, and the graph that it becomes part of."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from needed import require_hub

require_hub()

import tiny
import torch
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from ticketmill.encoder.build.branch import read_branch
from ticketmill.encoder.build.graph import EncoderConfig, build_encoder_graph
from ticketmill.encoder.build.sources import EncoderFiles
from ticketmill.learning.branch import BranchRecipe, deal, fine_tune, true_labels
from ticketmill.learning.corpus import LabelledTicket
from ticketmill.learning.left_out_branch import left_out_scores

RECIPE = BranchRecipe(epochs=12, learning_rate=3e-3, batch_size=4, folds=2)
KINDS = [
    ("refund the invoice please", "payment_issue", "low", "neutral"),
    ("cannot login terrible password", "login_issue", "critical", "negative"),
    ("thanks great support arrives", "general_inquiry", "medium", "positive"),
    ("parcel late and broken order", "bug_report", "high", "negative"),
]


def tickets() -> list[LabelledTicket]:
    return [
        LabelledTicket(
            id=f"{business}-{number}",
            subject="",
            body=f"{body} {filler}",
            intent=intent,
            urgency=urgency,
            sentiment=sentiment,
            topics=(),
            summary="",
            domain=business,
            style="told",
        )
        for business, fillers in (("a", "the my you"), ("b", "we was it"))
        for number, filler in enumerate(fillers.split())
        for body, intent, urgency, sentiment in KINDS
    ]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> EncoderFiles:
    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(1)
    sizes = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 24}
    tiny.save(folder, BertModel(BertConfig(initializer_range=0.3, **sizes, **tiny.SIZES)))
    return EncoderFiles(
        folder / "model.safetensors", folder / "tokenizer.json", folder / "config.json", str(folder)
    )


@pytest.fixture(scope="module")
def trained(encoder: EncoderFiles, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    return fine_tune(tickets(), encoder, RECIPE, tmp_path_factory.mktemp("work"), lambda _line: None)


def test_the_graph_tells_what_the_branch_learned(encoder: EncoderFiles, trained: tuple[bytes, bytes]) -> None:
    weights = load_file(encoder.weights)
    config = EncoderConfig.model_validate_json(encoder.config.read_bytes())
    graph = build_encoder_graph(weights, config, read_branch(trained[0], weights))
    session = ort.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(encoder.tokenizer))
    found = []
    for ticket in tickets():
        ids = np.array([tokenizer.encode(ticket.text).ids], np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        found.append(session.run(["branch"], feed)[0][0])
    scores, truth = np.stack(found), true_labels(tickets())
    assert scores.shape == (24, 17)
    for place, own in enumerate((slice(0, 10), slice(10, 14), slice(14, 17))):
        assert (scores[:, own].argmax(axis=1) == truth[:, place]).mean() > 0.9


def test_what_is_left_out_comes_from_branches_that_saw_other_businesses(
    trained: tuple[bytes, bytes], encoder: EncoderFiles, tmp_path: Path
) -> None:
    texts = [each.text for each in tickets()]
    scores = left_out_scores(texts, np.full((24, 17), np.nan), trained[1])
    assert np.isfinite(scores).all()
    # the words of the four kinds are those of the other business: they are told apart all the same
    truth = true_labels(tickets())
    assert (scores[:, :10].argmax(axis=1) == truth[:, 0]).mean() > 0.7


def test_a_second_run_goes_on_after_the_folds_that_ended(encoder: EncoderFiles, tmp_path: Path) -> None:
    lines: list[str] = []
    first = fine_tune(tickets(), encoder, RECIPE, tmp_path, lines.append)
    assert sum(line.startswith("fold ") for line in lines) == RECIPE.folds
    lines.clear()
    second = fine_tune(tickets(), encoder, RECIPE, tmp_path, lines.append)
    assert not any(line.startswith("fold ") for line in lines)
    with np.load(io.BytesIO(first[1])) as one, np.load(io.BytesIO(second[1])) as other:
        np.testing.assert_array_equal(one["scores"], other["scores"])


def test_a_business_is_in_one_fold_and_those_of_a_file_in_several() -> None:
    folds = deal(tickets(), 2)
    businesses = np.array([each.domain for each in tickets()])
    assert [len(set(folds[businesses == name].tolist())) for name in ("a", "b")] == [1, 1]
    assert set(folds.tolist()) == {0, 1}
