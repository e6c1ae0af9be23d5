"""The fit of a task: what it learns, that it repeats itself byte by byte, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from labelled_texts import encode, example, examples, heads

from ticketmill.domain.dataset import Example
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.learning.card import with_card
from ticketmill.learning.fit import FittedTask, fit_task
from ticketmill.learning.judge import judge, measure
from ticketmill.models.overlay import load_overlay


def fitted(found: Sequence[Example], kind: str = "single") -> FittedTask:
    return fit_task(found, encode, heads(), "area", "multi" if kind == "multi" else "single", lambda _: None)


def test_the_labels_of_new_texts_are_learned_from_a_few() -> None:
    model = fitted(examples(5))
    judged = judge(load_overlay(model.files), examples(40, seed=1), encode, heads())
    assert measure(judged, model.spec).accuracy.value > 0.9
    assert model.recipe.name == "pooled"
    assert "few texts a label" in model.why


def test_the_same_examples_give_the_same_bytes() -> None:
    assert fitted(examples(9)).files == fitted(examples(9)).files


def test_confidence_is_about_accuracy_where_labels_are_noisy() -> None:
    model = fitted(examples(60, wrong=0.3))
    judged = judge(load_overlay(model.files), examples(100, seed=1, wrong=0.3), encode, heads())
    measures = measure(judged, model.spec)
    assert measures.calibration_error < 0.12
    assert abs(judged.probabilities.max(axis=1).mean() - measures.accuracy.value) < 0.08


def test_one_label_is_refused_with_what_to_do() -> None:
    with pytest.raises(LearningRefused, match="label tickets of another kind") as refused:
        fitted(examples(5, labels=["login"]))
    assert refused.value.code == LearningCode.ONE_CLASS


def test_labels_of_one_text_are_refused_by_name() -> None:
    with pytest.raises(LearningRefused, match=r"other \(1\)") as refused:
        fitted([*examples(5), example("odd", "something else", "other")])
    assert refused.value.code == LearningCode.TOO_FEW_LABELS


def test_several_labels_are_learned_one_by_one() -> None:
    both = [
        example(f"both-{at}", f"{one.body} {other.body}", *one.labels, *other.labels)
        for at, (one, other) in enumerate(
            zip(examples(12, 2, ["login"]), examples(12, 3, ["billing"]), strict=True)
        )
    ]
    model = fitted([*examples(12), *both], "multi")
    overlay = load_overlay(model.files)
    judged = judge(overlay, both[:3], encode, heads())
    assert all(set(each.argsort()[-2:]) == {0, 2} for each in judged.probabilities)
    assert overlay.spec.labels == ("billing", "crash", "login")


def test_a_card_says_what_competed_and_how_the_winner_does() -> None:
    found = examples(40)
    made = with_card(fitted(found), found, None, "d41d8", "bundle")
    assert [each.recipe for each in made.card.competed] == ["embedding", "pooled", "statistics"]
    assert made.card.measured_on == "cross-validation"
    assert made.card.accuracy.low <= made.card.accuracy.value <= made.card.accuracy.high
    assert set(made.card.by_label) == {"billing", "crash", "login"}
    assert made.held_out is None


def test_a_hold_out_gives_the_figures_of_the_card() -> None:
    found, held = examples(20), examples(10, seed=7)
    model = fitted(found)
    judged = judge(load_overlay(model.files), held, encode, heads())
    made = with_card(model, found, judged, "d41d8", "bundle")
    assert made.card.measured_on == "hold-out"
    assert made.held_out is not None
    assert len(made.held_out.predictions) == len(held)


def test_names_without_meaning_do_not_mislead() -> None:
    numbers = {"billing": "1", "crash": "2", "login": "3"}
    renamed = [each.model_copy(update={"labels": (numbers[each.labels[0]],)}) for each in examples(5)]
    model = fitted(renamed)
    asked = [each.model_copy(update={"labels": (numbers[each.labels[0]],)}) for each in examples(40, seed=1)]
    judged = judge(load_overlay(model.files), asked, encode, heads())
    assert measure(judged, model.spec).accuracy.value > 0.9


def test_a_shadow_of_no_tickets_is_empty() -> None:
    assert load_overlay(fitted(examples(5)).files).probabilities([]).shape == (0, 3)
    assert np.isfinite(judge_all_blank().sum())


def judge_all_blank() -> np.ndarray:
    overlay = load_overlay(fitted(examples(5)).files)
    return judge(overlay, [example("blank", "…", "login")], encode, heads()).probabilities
