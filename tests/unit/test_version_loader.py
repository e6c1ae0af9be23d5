"""What a version must be like before it predicts anything."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from fakes import NOW
from learned_samples import INTENTS, FakeOverlay, FakeSpec

from ticketmill.domain.errors import LearningCode, LearningRefused, SetupError
from ticketmill.domain.model_card import ModelVersion
from ticketmill.pipeline.version_loader import VersionLoader
from ticketmill.tasks.learned import Overlay


def version_of(task: str, number: int) -> ModelVersion:
    return ModelVersion(
        task=task,
        number=number,
        content="c",
        files={},
        dataset="d",
        encoder="e1",
        accuracy=0.9,
        job="j",
        who="ann",
        at=NOW,
    )


def loader(spec: FakeSpec, encoder: str = "e1") -> VersionLoader:
    def load_overlay(_: Mapping[str, bytes]) -> Overlay:
        return FakeOverlay(spec, [1.0] * len(spec.labels))

    return VersionLoader(version_of, lambda _: {}, load_overlay, frozenset({encoder}))


def test_a_version_is_loaded_under_its_name() -> None:
    assert loader(FakeSpec())("intent", 4).name == "intent/v4"


def test_a_task_of_your_own_may_have_any_labels() -> None:
    assert loader(FakeSpec("product_line", ("router", "modem")))("product_line", 1).number == 1


@pytest.mark.parametrize(
    ("task", "spec", "problem"),
    [
        ("intent", FakeSpec("urgency"), "of a model of urgency"),
        ("urgency", FakeSpec("urgency", ("high", "blocker")), "blocker"),
        ("sentiment", FakeSpec("sentiment", ("positive", "glad")), "glad"),
        ("topics", FakeSpec("topics", INTENTS, "softmax"), "one label"),
        ("intent", FakeSpec("intent", INTENTS, "sigmoid"), "several labels"),
        ("summary", FakeSpec("summary"), "cannot be learned"),
    ],
)
def test_what_does_not_fit_the_task_is_refused(task: str, spec: FakeSpec, problem: str) -> None:
    with pytest.raises(LearningRefused, match=problem) as refused:
        loader(spec)(task, 1)
    assert refused.value.code is LearningCode.MODEL_MISMATCH


def test_a_version_of_another_encoder_is_refused_with_what_to_do_next() -> None:
    with pytest.raises(LearningRefused, match="ticketmill train") as refused:
        loader(FakeSpec(), encoder="e2")("intent", 1)
    assert refused.value.code is LearningCode.ENCODER_CHANGED


def test_files_that_this_version_cannot_read_are_a_mismatch() -> None:
    def unreadable(_: Mapping[str, bytes]) -> Overlay:
        raise SetupError("overlay.json cannot be read by this version")

    with pytest.raises(LearningRefused, match="cannot be read") as refused:
        VersionLoader(version_of, lambda _: {}, unreadable, frozenset({"e1"}))("intent", 1)
    assert refused.value.code is LearningCode.MODEL_MISMATCH
