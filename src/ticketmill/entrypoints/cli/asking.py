"""Asking a person for the label of a task: by one key on a terminal, by one line elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import Enum

from ticketmill.domain.label import CorrectionKind, Shown
from ticketmill.entrypoints.cli.output import nearest, say
from ticketmill.entrypoints.cli.person import told_labels, told_shown
from ticketmill.operations.corrections import CorrectableTask, Word


class Command(Enum):
    """What a person may want instead of an answer; the value is its key."""

    QUIT = "q"
    SKIP = "s"
    BACK = "z"


Answer = Word | Command
Ask = Callable[[CorrectableTask, Shown], Answer]
"""Asks for the labels of a task, given those that are shown."""

CANNOT_TELL = "x"
HELP = "Enter: it is right · x: cannot tell · s: next ticket · z: back, undo · q: quit"
LABEL_KEYS = "1234567890abcdefghijklmnoprtuvwy"
"""In the order of a task's labels; the keys of commands are none of them."""
ENTER = ("\r", "\n")
END_OF_INPUT = "\x04"
INTERRUPT = "\x03"


def ask_by_key(
    task: CorrectableTask, shown: Shown, read_key: Callable[[], str], read_line: Callable[[], str]
) -> Answer:
    """One key is the answer. Of several topics each key adds one, or takes it off; Enter ends.

    A task with more labels than there are keys is asked for by a line.
    """
    if len(task.labels) > len(LABEL_KEYS):
        return ask_by_line(task, shown, read_line)
    labels = dict(zip(LABEL_KEYS, task.labels, strict=False))
    say(f"{task.name}: {told_shown(shown)}    " + "  ".join(f"{key} {name}" for key, name in labels.items()))
    chosen: list[str] = []
    while True:
        key = read_key()
        if key in ENTER and chosen:
            return Word(CorrectionKind.LABEL, tuple(chosen))
        answer = _command(key) or (_confirmed(task, shown) if key in ENTER else None)
        if answer is not None:
            return answer
        if key in labels and not task.is_many:
            return Word(CorrectionKind.LABEL, (labels[key],))
        if key in labels:
            chosen = _toggled(chosen, labels[key])
            say(f"{task.name}: {told_labels(tuple(chosen))}")
        elif key not in ENTER:
            say(HELP)


def ask_by_line(task: CorrectableTask, shown: Shown, read_line: Callable[[], str]) -> Answer:
    """A line has a label, or topics between commas; an empty line says that what is shown is right."""
    while True:
        say(f"{task.name} [{told_shown(shown)}], one of {', '.join(task.labels)}:")
        line = read_line()
        typed = line.strip()
        if not line:
            return Command.QUIT
        answer = _command(typed) if typed else _confirmed(task, shown)
        if answer is not None:
            return answer
        labels = tuple(each.strip() for each in typed.split(",") if each.strip())
        unknown = [each for each in labels if each not in task.labels]
        if unknown:
            say(f'{task.name} has no label "{unknown[0]}"{nearest(unknown[0], task.labels)}; {HELP}')
        elif labels and (task.is_many or len(labels) == 1):
            return Word(CorrectionKind.LABEL, labels)


def _toggled(chosen: list[str], label: str) -> list[str]:
    return [each for each in chosen if each != label] if label in chosen else [*chosen, label]


def read_key() -> str:
    """The next key that is pressed on the terminal. Ctrl-C ends the command."""
    import click

    key = click.getchar()
    if key == INTERRUPT:
        raise KeyboardInterrupt
    return key


def read_line() -> str:
    """The next line of the input; empty at its end."""
    return sys.stdin.readline()


def _command(key: str) -> Answer | None:
    if key == END_OF_INPUT:
        return Command.QUIT
    if key == CANNOT_TELL:
        return Word(CorrectionKind.CANNOT_TELL)
    return next((command for command in Command if command.value == key), None)


def _confirmed(task: CorrectableTask, shown: Shown) -> Word | None:
    """What Enter means; None, and a line that says so, where there is nothing to confirm."""
    if shown.labels:
        return Word(CorrectionKind.CONFIRM)
    if task.is_many:
        return Word(CorrectionKind.LABEL, ())
    say(f"there is no {task.name} to confirm: choose a label, or x")
    return None
