"""Tracebacks that quote nothing: what an exception says may quote a ticket."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import TypeAlias

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def without_quotes(exc_info: ExcInfo) -> str:
    """A traceback that leaves out what the exception says."""
    kind, _, trace = exc_info
    return "".join(traceback.format_tb(trace)) + (kind.__name__ if kind else "")
