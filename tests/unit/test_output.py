from __future__ import annotations

import json

import pytest

from ticketmill.entrypoints.cli.output import answer_json, table


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
