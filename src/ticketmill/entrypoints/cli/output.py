"""What people and programs see: answers on stdout, all else on stderr."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from types import FrameType
from typing import Annotated, Any, NoReturn, TypeVar

import typer

Item = TypeVar("Item")
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for programs.")]

PLAIN_PROGRESS_EVERY_S = 5.0

# JSON escapes the first 32 characters itself. These are the other controls, the line separators, and what
# turns the direction of writing around.
_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class ExitCode(IntEnum):
    """What scripts can rely on, see EXIT_CODES."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    NOT_READY = 3
    SOME_REJECTED = 4
    FINDINGS = 4
    NOT_FOUND = 5
    REFUSED = 6
    INTERRUPTED = 130


EXIT_CODES = {
    ExitCode.DONE: "done",
    ExitCode.FAULT: "failed on the way",
    ExitCode.USAGE: "wrong usage",
    ExitCode.NOT_READY: "not ready",
    ExitCode.SOME_REJECTED: "some tickets were rejected or a check found something",
    ExitCode.NOT_FOUND: "not found",
    ExitCode.REFUSED: "learning refused, and changed nothing",
    ExitCode.INTERRUPTED: "stopped by Ctrl-C",
}
"""What each exit code means: the help and the documentation are made from this table."""


def examples(*lines: str) -> str:
    """The end of a command's help; the lines stay as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """As in `1 ticket` and `1,204 tickets`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def nearest(word: str, known: Iterable[str]) -> str:
    """As in ` (did you mean "login_issue"?)`, ready to follow a sentence; empty where nothing is near."""
    from difflib import get_close_matches

    found = get_close_matches(word, list(known), n=1)
    return f' (did you mean "{found[0]}"?)' if found else ""


def say(message: str) -> None:
    """A line for the person at the terminal, on stderr; where nobody can be told, nothing is lost."""
    with suppress(OSError):
        typer.echo(message, err=True)


@contextmanager
def stopping_at_once() -> Iterator[None]:
    """Says so as soon as Ctrl-C is pressed, though what is under way takes its time; a second one ends it."""

    def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.write(2, "stopping…\n".encode())  # a stream may be in use by what was interrupted
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def answer(text: str) -> None:
    """A line of the answer, on stdout."""
    typer.echo(text)


def answer_json(value: Any) -> None:
    """The answer for programs: one line of JSON, so that answers can be piped."""
    typer.echo(escaped(json.dumps(value, ensure_ascii=False, default=str)))


def escaped(json_text: str) -> str:
    """The same JSON with what could steer a terminal, or turn its text around, as escapes."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", json_text)


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """A table on stdout: drawn for people on a terminal, as wide as it must be elsewhere."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Text, because a string would be read as markup
    drawn = Table(title=Text(_printable(title), style="table.title"), title_justify="left")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(_printable(cell)) for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(160, console.measure(drawn).maximum))
    console.print(drawn)


def _printable(cell: object) -> str:
    """A cell's text, without what a ticket could steer a terminal with."""
    text = "" if cell is None else str(cell)
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Any]:
    """A function to call with the number of items done since the last call.

    A bar on a terminal; elsewhere a plain line every few seconds. Both tell the rate and, where `total` is
    known, the time left.
    """
    if sys.stderr.isatty():
        with _bar() as bar:
            task = bar.add_task(label, total=total)
            yield lambda count=1: bar.advance(task, count)
    else:
        yield _plain_progress(label, total)


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import (
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        Task,
        TimeElapsedColumn,
    )
    from rich.text import Text

    class RateColumn(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:.1f}/s")

    defaults = Progress.get_default_columns()
    columns = SpinnerColumn(), *defaults, MofNCompleteColumn(), RateColumn(), TimeElapsedColumn()
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _plain_progress(label: str, total: int | None) -> Any:
    started = last = time.monotonic()
    done = 0

    def advance(count: int = 1) -> None:
        nonlocal done, last
        done += count
        now = time.monotonic()
        if now - last >= PLAIN_PROGRESS_EVERY_S:
            last = now
            say(_plain_line(label, done, total, done / (now - started)))

    return advance


def _plain_line(label: str, done: int, total: int | None, rate: float) -> str:
    """As in `tickets: 40 of 100, 20.0/s, 3 s left`."""
    of_total = f" of {total}" if total else ""
    left = f", {(total - done) / rate:.0f} s left" if total and 0 < done < total else ""
    return f"{label}: {done}{of_total}, {rate:.1f}/s{left}"
