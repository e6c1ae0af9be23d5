"""Models of parts: what they learn, that they repeat themselves byte by byte, and what they refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from labelled_texts import encode, example, examples, heads
from part_resources import fitted

from ticketmill.domain.dataset import Example
from ticketmill.domain.errors import LearningCode, LearningRefused, SetupError
from ticketmill.domain.job import Parts
from ticketmill.learning.card import with_card
from ticketmill.learning.fit import FittedTask
from ticketmill.learning.judge import judge, measure
from ticketmill.learning.model_files import load_model
from ticketmill.learning.parts.manifest import PARTS_FILE, PartsSpec, check_parts
from ticketmill.learning.parts.model import PartsModel, load_parts
from ticketmill.models.overlay import Overlay

CHOSEN = [
    Parts(tokenizer="icu", features="tfidf", classifier="logistic"),
    Parts(tokenizer="spacy", features="bow", classifier="svm"),
    Parts(tokenizer="sentencepiece", features="tfidf", classifier="xgboost"),
    Parts(tokenizer="huggingface", features="fasttext", classifier="logistic"),
    Parts(tokenizer="icu", features="sbert", classifier="svm"),
]
NEW = examples(10, seed=1)
NOISY = examples(20, wrong=0.1)


@cache
def model_of(parts: Parts) -> FittedTask:
    return fitted(parts, NOISY)


def named(parts: Parts) -> str:
    return f"{parts.tokenizer}-{parts.features}-{parts.classifier}"


@pytest.mark.parametrize("parts", CHOSEN, ids=named)
def test_the_labels_of_new_texts_are_learned(parts: Parts) -> None:
    model = model_of(parts)
    judged = judge(load_parts(model.files), NEW, encode, heads())
    measures = measure(judged, model.spec)
    assert measures.accuracy.value > 0.7
    assert np.allclose(judged.probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("parts", CHOSEN, ids=named)
def test_the_same_examples_give_the_same_bytes(parts: Parts) -> None:
    assert model_of(parts).files == fitted(parts, NOISY).files


SAY = """
import json, sys
from pathlib import Path
from labelled_texts import encode, examples, heads
from ticketmill.learning.judge import judge
from ticketmill.learning.parts.model import load_parts
for folder in sys.argv[1:]:
    files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    print(judge(load_parts(files), examples(10, seed=1), encode, heads()).probabilities.tobytes().hex())
"""


def test_another_process_says_the_same_to_the_last_bit(tmp_path: Path) -> None:
    said = []
    for parts in CHOSEN:
        folder = tmp_path / named(parts)
        folder.mkdir()
        model = model_of(parts)
        for name, body in model.files.items():
            (folder / name).write_bytes(body)
        said.append(judge(load_parts(model.files), NEW, encode, heads()).probabilities.tobytes().hex())
    folders = [str(tmp_path / named(parts)) for parts in CHOSEN]
    path = f"import sys; sys.path[:0] = {json.dumps([str(Path(__file__).parent)])}"
    done = subprocess.run(
        [sys.executable, "-c", f"{path}\n{SAY}", *folders], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == said
    assert len(set(said)) == len(CHOSEN)


def test_the_file_that_is_there_decides_what_is_loaded() -> None:
    model = model_of(CHOSEN[0])
    assert isinstance(load_model(model.files), PartsModel)
    with pytest.raises(SetupError, match="train the task again"):
        load_model({name: body for name, body in model.files.items() if name != PARTS_FILE})
    assert not isinstance(load_model(model.files), Overlay)


def test_the_card_is_like_that_of_other_models() -> None:
    model = model_of(CHOSEN[0])
    made = with_card(model, NOISY, None, "a dataset", "an encoder")
    assert made.card.recipe == "icu + tfidf + logistic"
    assert made.card.measured_on == "cross-validation"
    assert made.card.accuracy.value > 0.6


def both() -> list[Example]:
    """Texts of one label, of the other, and of both."""
    one, other = examples(10, 2, ["login"]), examples(10, 3, ["billing"])
    pairs = zip(one, other, strict=True)
    joined = [
        example(f"both-{at}", f"{a.body} {b.body}", "login", "billing") for at, (a, b) in enumerate(pairs)
    ]
    return [
        *one,
        *other,
        *joined,
        *(
            example(
                f"none-{at}",
                "hello the about again",
            )
            for at in range(4)
        ),
    ]


@pytest.mark.parametrize(
    ("features", "classifier"),
    [("tfidf", "svm"), ("bow", "logistic"), ("sbert", "xgboost"), ("fasttext", "logistic")],
)
def test_several_labels_are_learned_one_by_one(features: str, classifier: str) -> None:
    model = fitted(Parts(features=features, classifier=classifier), both(), "multi")
    assert model.spec.kind == "sigmoid"
    new = [example("new", "password reset locked account invoice refund payment card")]
    (row,) = judge(load_parts(model.files), new, encode, heads()).probabilities
    assert (row >= model.spec.threshold).all()


def test_what_no_part_reads_is_kept_and_told_as_not_used() -> None:
    spec = PartsSpec.model_validate_json(model_of(CHOSEN[-1]).files[PARTS_FILE])
    assert spec.tokenizer.name == "icu"
    assert spec.tokenizer.not_used == "sbert reads the embedding itself"
    assert spec.features.not_used == spec.classifier.not_used == ""


def test_parts_that_contradict_the_model_are_refused_by_both_names() -> None:
    spec = PartsSpec.model_validate_json(model_of(CHOSEN[0]).files[PARTS_FILE])
    check_parts(spec, CHOSEN[0])
    with pytest.raises(LearningRefused, match="features tfidf, and bow is asked") as refused:
        check_parts(spec, Parts(features="bow"))
    assert refused.value.code == LearningCode.PARTS_DIFFER
    with pytest.raises(LearningRefused, match="locale en, and de is asked"):
        check_parts(spec, Parts(locale="de"))


def test_an_unknown_part_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(LearningRefused, match="no features word2vec: choose one of bow, tfidf") as refused:
        fitted(Parts(features="word2vec"))
    assert refused.value.code == LearningCode.UNKNOWN_PART


def test_one_label_is_refused() -> None:
    with pytest.raises(LearningRefused) as refused:
        fitted(CHOSEN[0], examples(5, labels=["login"]))
    assert refused.value.code == LearningCode.ONE_CLASS


def test_a_label_that_all_texts_have_is_refused() -> None:
    found = [each.model_copy(update={"labels": (*each.labels, "all")}) for each in examples(4)]
    with pytest.raises(LearningRefused, match="all texts have the label all"):
        fitted(CHOSEN[0], found, "multi")


def test_labels_of_two_texts_are_learned_all_the_same() -> None:
    model = fitted(CHOSEN[1], examples(2))
    assert load_parts(model.files).spec.labels == ("billing", "crash", "login")


def test_two_labels_are_told_apart() -> None:
    for classifier in ("svm", "logistic", "xgboost"):
        model = fitted(Parts(classifier=classifier), examples(12, labels=["login", "crash"]))
        judged = judge(load_parts(model.files), examples(10, 1, ["login", "crash"]), encode, heads())
        assert measure(judged, model.spec).accuracy.value > 0.8


def test_files_that_are_damaged_are_refused_with_what_to_do() -> None:
    model = model_of(CHOSEN[0])
    with pytest.raises(SetupError, match="train the task again"):
        load_parts({**model.files, "features.vocabulary.json": b"{"})


def test_words_that_look_like_a_label_of_the_training_file_are_words() -> None:
    found = [each.model_copy(update={"body": f"__label__1 \x010 {each.body}"}) for each in NOISY]
    model = fitted(Parts(features="fasttext"), found)
    assert measure(judge(load_parts(model.files), NEW, encode, heads()), model.spec).accuracy.value > 0.7


def test_no_ticket_has_no_probabilities() -> None:
    assert load_parts(model_of(CHOSEN[0]).files).probabilities([]).shape == (0, 3)
