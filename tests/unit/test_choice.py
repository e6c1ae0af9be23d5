"""How settings name the models of tasks."""

from __future__ import annotations

import pytest

from ticketmill.domain.errors import SetupError
from ticketmill.domain.model_choice import CHOICES, ModelChoice, parse_choice
from ticketmill.settings import load_settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("onepass", ModelChoice("onepass")),
        ("hf:distilbert-base", ModelChoice("hf", "distilbert-base")),
        ("hf:yiyanghkust/finbert-tone", ModelChoice("hf", "yiyanghkust/finbert-tone")),
        ("hf:a/b@refs/pr/3", ModelChoice("hf", "a/b", "refs/pr/3")),
        ("hf:/models/a@b", ModelChoice("hf", "/models/a@b")),
        ("hf:./models/a", ModelChoice("hf", "./models/a")),
    ],
)
def test_a_choice_is_a_word_a_name_with_a_revision_or_a_folder(text: str, expected: ModelChoice) -> None:
    assert parse_choice(text, CHOICES["sentiment"]) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text", ["", "hf:", "hf", "nli:a/b", "onepass:x", "hf:a/b/c", "hf:a b", "hf:a/b@", "hf:../"]
)
def test_anything_else_is_refused(text: str) -> None:
    if text == "hf:../":
        assert parse_choice(text, CHOICES["sentiment"]).is_folder
        return
    with pytest.raises(ValueError, match=r"expected onepass or hf:NAME|is no NAME"):
        parse_choice(text, CHOICES["sentiment"])


@pytest.mark.parametrize("task", CHOICES)
def test_the_default_of_each_task_needs_no_model(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"TICKETMILL_{task.upper()}", raising=False)
    assert str(load_settings().choice(task)) == CHOICES[task][0]  # type: ignore[arg-type, index]


def test_a_wrong_choice_is_told_at_start_by_the_name_of_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETMILL_SUMMARY", "onepass")
    with pytest.raises(SetupError, match=r"TICKETMILL_SUMMARY: .*expected extractive or hf:NAME"):
        load_settings()


def test_a_summary_cannot_be_shorter_than_its_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETMILL_SUMMARY_MAX_TOKENS", "5")
    with pytest.raises(SetupError, match=r"_MAX_TOKENS: .*TICKETMILL_SUMMARY_MIN_TOKENS, 10"):
        load_settings()
