from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ticketmill.domain.errors import SetupError
from ticketmill.entrypoints.cli import output, results
from ticketmill.entrypoints.cli.output import progress, table


def test_a_ticket_cannot_steer_the_terminal_that_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    table("Tickets", ("subject",), [("\x1b[2Jgone\r\x07 [red]plain[/red]",)])
    shown = capsys.readouterr().out
    assert "gone" in shown
    assert "[red]plain[/red]" in shown
    assert not any(char in shown for char in "\x1b\r\x07")


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
