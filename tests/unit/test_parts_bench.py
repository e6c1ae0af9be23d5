"""Combinations of parts side by side."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from labelled_texts import examples
from part_resources import RESOURCES

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.learning.parts import catalogue as parts_catalogue
from ticketmill.learning.parts.bench import bench, combinations, split_of
from ticketmill.learning.parts.catalogue import catalogue


def test_all_combinations_are_sixty_four_of_which_those_that_use_the_same_are_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # the same whether the extra `hub` is installed or not
    monkeypatch.setattr(
        parts_catalogue, "find_spec", lambda name: None if name == "torch" else find_spec(name)
    )
    every = combinations(catalogue(), [], "en")
    assert len(every) == 64
    split = split_of(examples(10))
    asked = combinations(
        catalogue(), ["icu", "huggingface", "tfidf", "sbert", "logistic", "transformer"], "en"
    )
    assert len(asked) == 8
    found = list(bench(split, "area", "single", asked, catalogue(), RESOURCES, lambda _: None))
    assert [each.used for each in found if not each.refused] == [
        ("icu", "tfidf", "logistic"),
        ("huggingface", "tfidf", "logistic"),
        (None, "sbert", "logistic"),
    ]
    assert all("transformer" in each.used and "ticketmill" in each.refused for each in found if each.refused)
    for each in found[:3]:
        assert each.accuracy is not None
        assert each.accuracy > 0.6
        assert each.documents_per_cpu_s is not None
        assert each.documents_per_cpu_s > 0
        assert each.megabytes


def test_a_fifth_is_measured_on_and_never_trained_on() -> None:
    split = split_of(examples(10))
    assert len(split.tested) == 6
    assert not {each.example_id for each in split.tested} & {each.example_id for each in split.trained}


def test_a_name_that_is_no_part_is_refused() -> None:
    with pytest.raises(LearningRefused, match="no part word2vec: choose of bow") as refused:
        combinations(catalogue(), ["word2vec"], "en")
    assert refused.value.code == LearningCode.UNKNOWN_PART
