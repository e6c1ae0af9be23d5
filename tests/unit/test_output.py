from __future__ import annotations

import pytest

from ticketmill.entrypoints.cli.output import table


def test_a_ticket_cannot_steer_the_terminal_that_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    table("Tickets", ("subject",), [("\x1b[2Jgone\r\x07 [red]plain[/red]",)])
    shown = capsys.readouterr().out
    assert "gone" in shown
    assert "[red]plain[/red]" in shown
    assert not any(char in shown for char in "\x1b\r\x07")
