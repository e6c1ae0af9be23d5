from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ticketmill.domain.errors import SetupError
from ticketmill.entrypoints.cli import output, results
from ticketmill.entrypoints.cli.output import answer_json, progress, table


def test_a_ticket_cannot_steer_the_terminal_that_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    table("Tickets", ("subject",), [("\x1b[2Jgone\r\x07 [red]plain[/red]",)])
    shown = capsys.readouterr().out
    assert "gone" in shown
    assert "[red]plain[/red]" in shown
    assert not any(char in shown for char in "\x1b\r\x07")


@pytest.mark.parametrize("text", ["a[/b]", "[red]plain", "\\", ":warning:"])
def test_what_looks_like_markup_is_shown_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    table(text, ("subject",), [(text,)])
    assert capsys.readouterr().out.count(text) == 2


@pytest.mark.parametrize("char", ["\x1b", "\x7f", "\x9b", "\u2028", "\u202e", "\u2066"])
def test_json_cannot_steer_the_terminal_that_shows_it_and_says_the_same(
    char: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"subject": f"{char}31m\\{char}", "body": "größer 日本 \U0001f469\u200d\U0001f4bb"}
    answer_json(told)
    shown = capsys.readouterr().out
    assert char not in shown
    assert "größer 日本 \U0001f469\u200d\U0001f4bb" in shown
    assert json.loads(shown) == told


def test_progress_in_plain_lines_tells_rate_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(output.time, "monotonic", lambda: now)
    with progress("tickets", total=100) as advance:
        now += 2
        advance(10)
        assert capsys.readouterr().err == "", "not before some seconds have passed"
        now += 8
        advance(10)
        assert capsys.readouterr().err == "tickets: 20 of 100, 2.0/s, 40 s left\n"
    with progress("looked at") as advance:
        now += 10
        advance(5)
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "looked at: 5, 0.5/s\n")


def test_a_chart_without_matplotlib_says_what_installs_it_before_any_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SetupError, match=r"pip install 'ticketmill\[evaluate\]'"):
        results.stats(chart=Path("chart.png"))
