"""Logs, traces and code in a ticket. They are the writer's material, but no sentences."""

from __future__ import annotations

import re

from ticketmill.domain.spans import Span, TextKind
from ticketmill.text.blanking import visible

MIN_LINE_CHARS = 4
MAX_LINE_CHARS = 300
"""What a line is shows at its beginning."""

_LOG = re.compile(
    r"\s*(?:at (?:async |new )?\S+ ?\([^()]*(?::\d+|Native Method|native code|Unknown Source|<anonymous>)"
    r"|File \"[^\"]+\", line \d|Traceback \(|Caused by: |>>> \S*[(=]|\$ (?:curl|sudo|npm|pip|git|docker|cat"
    r"|ls|cd|for|[\w./-]+ -)"
    r"|curl -|\.\.\. \d+ more|\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d"
    r"|\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]? +\[?(?:[A-Z]{3,}|[\w./-]+[:\]=])"
    r"|\[?(?:ERROR|WARN|WARNING|INFO|DEBUG|FATAL|TRACE)\b[\]: ]"
    r"|(?:GET|POST|PUT|DELETE|PATCH|HEAD) /\S*(?:\s*$| HTTP/| \d{3}\b| *(?:→|->|=>|\{))|HTTP/\d"
    r"|[A-Za-z][\w-]{1,30}-[\w-]{1,30}: \S+$|[A-Z_]{4,40}=\S|[\w.$]{1,120}(?:Exception|Error|Panic)\b: "
    r"|(?:npm|pip|yarn|cargo|gradle) (?:ERR!|error)|thread '\S+' panicked|panic: |goroutine \d+ \["
    r"|Segmentation fault"
    r"|0x[0-9a-f]{4,}|[^\s=]{1,60}=\S{1,80} [^\s=]{1,60}=\S"
    r"|\w[\w.<>:]{0,80}\([^()]{0,120}\)\s*[{;]\s*$"
    r"|(?:const|let|var) \w+ ?[=:]|(?:def|func|fn|function) \w+\(|class \w+[({:]|(?:if|for"
    r"|while) ?\(.{0,200}[;{)]\s*$"
    r"|from [\w.]+ import |import [\w.{*]+(?: as \w+)?;?\s*$|(?:public|private|protected"
    r") .{0,200}[;{]\s*$"
    r"|</?[\w:-]{1,40}(?: [^<>]{0,120})?>\s*$|\"[\w-]{1,60}\" ?: |\d{1,4} ?\| )"
)


def log_spans(text: str, code: list[Span]) -> list[Span]:
    """The lines of logs, traces and code outside `code`, and `code` itself, which markup has marked."""
    spans = [part for start, end, _ in code for part in visible(text, TextKind.LOG, start, end)]
    at = 0
    blocks = iter([*code, Span(len(text), len(text), TextKind.LOG)])
    block = next(blocks)
    for line in text.split("\n"):
        while block.end <= at and block.start < len(text):
            block = next(blocks)
        if (
            len(line) >= MIN_LINE_CHARS
            and not block.start <= at < block.end
            and _LOG.match(line[:MAX_LINE_CHARS])
        ):
            spans += visible(text, TextKind.LOG, at, at + len(line))
        at += len(line) + 1
    return sorted(spans)
