"""The lines of a stretch of a file. Whoever cuts a file need not read it: a line belongs where it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator

TAIL_BYTES = 64 << 10
"""What is read at once of a line that goes on behind its stretch."""


def lines_between(
    read: Callable[[int, int], bytes], size_bytes: int, start: int, stop: int, max_line_bytes: int
) -> Iterator[tuple[int, bytes]]:
    """The lines that begin in `start` to `stop`, each with the byte at which it begins, without empty ones.

    `read` gives the bytes between two positions of a file of `size_bytes`. The last line is followed behind
    `stop`, to `max_line_bytes` and one more, so that a line that is too long is still found to be so.
    """
    # the byte before the stretch says whether a line begins with it
    first = max(start - 1, 0)
    body = read(first, stop)
    at = body.find(b"\n") + 1 if start else 0
    if start and not at:
        return
    while at < len(body):
        end = body.find(b"\n", at)
        if end < 0:
            line = body[at:] + _rest(read, size_bytes, stop, max_line_bytes + 1 - (len(body) - at))
            end = len(body)
        else:
            line = body[at:end]
        if line.strip():
            yield first + at, line
        at = end + 1


def _rest(read: Callable[[int, int], bytes], size_bytes: int, start: int, most: int) -> bytes:
    """What a line has from `start` on: up to its end, or about `most` bytes."""
    rest = b""
    while start < size_bytes and len(rest) < most:
        more = read(start, min(start + TAIL_BYTES, size_bytes))
        line, end, _ = more.partition(b"\n")
        rest += line
        if end or not more:
            break
        start += len(more)
    return rest
