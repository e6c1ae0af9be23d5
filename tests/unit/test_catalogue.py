"""What people ask of the learned models."""

from __future__ import annotations

from datetime import timedelta

import pytest
from learned_versions import NOON, memory_store
from model_samples import register_sample

from ticketmill.domain.dataset import Dataset, TaskDefinition
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.keys import model_file
from ticketmill.domain.model_card import CARD_FILE
from ticketmill.domain.rollout import Change, Decider
from ticketmill.learning.catalogue import Catalogue
from ticketmill.learning.store import LearningStore

BY = Decider(who="ann", at=NOON)


@pytest.fixture
def store() -> LearningStore:
    return memory_store()


@pytest.fixture
def catalogue(store: LearningStore) -> Catalogue:
    return Catalogue(store, ("intent", "urgency"))


def dataset(task: str, name: str, hours: int) -> Dataset:
    built_at = NOON + timedelta(hours=hours)
    return Dataset(
        name=name, task=task, kind="single", labels={}, examples=0, held_out=0, groups=0, built_at=built_at
    )


def test_tasks_are_those_of_the_bundle_your_own_and_those_with_versions(
    store: LearningStore, catalogue: Catalogue
) -> None:
    store.datasets.define_task(TaskDefinition(name="product_line", labels=("router", "phone")))
    register_sample(store, "urgency")
    register_sample(store, "team")
    assert catalogue.names() == ["intent", "urgency", "product_line", "team"]
    assert {each.task: len(each.versions) for each in catalogue.all()} == {
        "intent": 0,
        "urgency": 1,
        "product_line": 0,
        "team": 1,
    }


def test_the_history_of_a_task_has_its_decisions_alone_the_latest_first(
    store: LearningStore, catalogue: Catalogue
) -> None:
    rollout = store.rollouts.current()
    for decided in (
        rollout := rollout.with_shadow("intent", 1, "single", BY),
        rollout := rollout.promoted("urgency", 1, "single", BY),
        rollout := rollout.promoted("intent", 1, "single", BY),
    ):
        assert store.rollouts.replace(decided)
    assert [each.change for each in catalogue.history("intent")] == [Change.PROMOTE, Change.SHADOW]


def test_datasets_are_listed_by_task_the_newest_first(store: LearningStore, catalogue: Catalogue) -> None:
    for each in (dataset("intent", "a", 0), dataset("intent", "b", 1), dataset("urgency", "c", 0)):
        store.datasets.replace_dataset(each)
    assert [each.name for each in catalogue.datasets("intent")] == ["b", "a"]
    assert [each.name for each in catalogue.datasets()] == ["b", "a", "c"]


def test_a_card_that_was_changed_is_not_shown(store: LearningStore, catalogue: Catalogue) -> None:
    version = register_sample(store)
    assert catalogue.card(version).recipe == "layers"
    store.objects.put(model_file("intent", version.content, CARD_FILE), b"{}")
    with pytest.raises(LearningRefused) as refused:
        catalogue.card(version)
    assert refused.value.code is LearningCode.MODEL_MISMATCH


def test_what_there_is_not_is_told_with_what_there_is(store: LearningStore, catalogue: Catalogue) -> None:
    register_sample(store)
    with pytest.raises(LearningRefused, match="there are intent, urgency"):
        catalogue.of("mood")
    with pytest.raises(LearningRefused, match="there is intent/v1"):
        catalogue.version("intent", 2)
    with pytest.raises(LearningRefused, match="ticketmill train"):
        catalogue.version("urgency", 1)
