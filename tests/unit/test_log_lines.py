"""Lines of logs, traces and code are told from sentences."""

from __future__ import annotations

import pytest

from ticketmill.domain.spans import Span, TextKind
from ticketmill.text.logs import log_spans


@pytest.mark.parametrize(
    "line",
    [
        "2024-07-02T03:10:04Z INFO  start export",
        "18:00:04 WARN  stream.consumer assigned",
        "[00:00:31] cfgd: restore",
        "    at shop.cart.Discounts.perUnit(Discounts.java:214)",
        "at Object.<anonymous> (src/main.js:4:1)",
        '  File "ingest.py", line 58, in <module>',
        "Traceback (most recent call last):",
        "java.lang.NullPointerException: x",
        "TypeError: Cannot read properties",
        "npm ERR! Found: react@18",
        "GET /v2/deals 500",
        "curl -s -X POST",
        "X-Shop-Signature: t=17180,v1=5d41",
        "job=plan run=27 ok=5198",
        "DB_URL=postgres://app",
        "import numpy",
        "Segmentation fault (core dumped)",
    ],
)
def test_a_line_of_a_log_is_known(line: str) -> None:
    text = f"It fails:\n{line}\nPlease help."
    assert [text[start:end] for start, end, _ in log_spans(text, [])] == [line.strip()]


@pytest.mark.parametrize(
    "line",
    [
        "at the desk, Marl Road (near the gate)",
        "at 9.30 it works",
        "POST /payouts answers 200 and creates nothing.",
        "GET /v2/rates has been answering with EUR amounts",
        "if you need anything (call me)",
        "for the attention of Tom:",
        "import of my data fails:",
        "return my money;",
        "from Monday on it was fine",
        "Error on page 3, please look",
        ">>> Hi Ayo, you asked how it went",
        "10:15 tomorrow at the store then",
        "Class: 3b",
        "E-mail: a@b.c",
        "$5 was charged",
    ],
)
def test_a_sentence_that_looks_like_a_log_is_none(line: str) -> None:
    assert log_spans(f"Hello,\n{line}\nThanks", []) == []


def test_blocks_of_code_are_logs_whatever_is_in_them() -> None:
    text = "see\nhello\nworld\nend"
    assert log_spans(text, [Span(4, 16, TextKind.LOG)]) == [
        Span(4, 9, TextKind.LOG),
        Span(10, 15, TextKind.LOG),
    ]
