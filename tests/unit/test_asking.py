"""Labels by one key a task, and by lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from correction_desk import CANNOT_TELL, CONFIRM, TASKS, label

from ticketmill.domain.label import Shown
from ticketmill.entrypoints.cli.asking import Answer, Command, ask_by_key, ask_by_line
from ticketmill.entrypoints.cli.person import name_of_person
from ticketmill.operations.corrections import CorrectableTask
from ticketmill.settings import load_settings

LOW = Shown(labels=("low",), confidence=0.4)
NOTHING = Shown(labels=())


def reader(typed: Iterator[str]) -> Callable[[], str]:
    return lambda: next(typed)


def by_key(task: str, keys: str, shown: Shown = LOW) -> Answer:
    return ask_by_key(TASKS[task], shown, reader(iter(keys)), reader(iter(())))


def by_line(task: str, *lines: str, shown: Shown = LOW) -> Answer:
    return ask_by_line(TASKS[task], shown, reader(iter(lines)))


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ("1", label("critical")),
        ("4", label("low")),
        ("\r", CONFIRM),
        ("x", CANNOT_TELL),
        ("s", Command.SKIP),
        ("z", Command.BACK),
        ("q", Command.QUIT),
        ("\x04", Command.QUIT),
        ("9?2", label("high")),
    ],
)
def test_one_key_is_the_answer_and_one_that_means_nothing_is_passed_over(keys: str, answer: Answer) -> None:
    assert by_key("urgency", keys) == answer


def test_of_several_topics_each_key_adds_or_takes_off_one_and_enter_ends() -> None:
    assert by_key("topics", "12\r") == label("invoices", "refunds")
    assert by_key("topics", "121\r") == label("refunds")
    assert by_key("topics", "\r", NOTHING) == label()


def test_what_nobody_shows_cannot_be_confirmed(capsys: pytest.CaptureFixture[str]) -> None:
    assert by_key("urgency", "\r2", NOTHING) == label("high")
    assert "there is no urgency to confirm" in capsys.readouterr().err


def test_a_task_with_more_labels_than_keys_is_asked_for_by_a_line() -> None:
    task = CorrectableTask("intent", tuple(f"intent_{number}" for number in range(40)))
    answer = ask_by_key(task, LOW, reader(iter(())), reader(iter(["intent_39\n"])))
    assert answer == label("intent_39")


def test_a_line_is_a_label_topics_or_a_command_and_the_end_of_the_input_quits() -> None:
    assert by_line("urgency", "high\n") == label("high")
    assert by_line("urgency", "\n") == CONFIRM
    assert by_line("urgency", "hihg\n", "high, low\n", "high") == label("high")
    assert by_line("topics", "invoices, refunds\n") == label("invoices", "refunds")
    assert by_line("urgency", "x\n") == CANNOT_TELL
    assert by_line("urgency", "z\n") is Command.BACK
    assert by_line("urgency", "") is Command.QUIT


def test_who_corrects_is_named_by_the_command_the_setting_or_the_login(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOGNAME", "login")
    assert name_of_person(load_settings(), None) == "login"
    monkeypatch.setenv("TICKETMILL_PERSON", "ann")
    assert name_of_person(load_settings(), None) == "ann"
    assert name_of_person(load_settings(), "bob") == "bob"
