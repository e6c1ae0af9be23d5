"""What the benchmark of the pipeline found, as the Markdown that docs/capacity.md shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

Found = dict[str, Any]


def report(found: Found) -> str:
    """Speeds and targets, what a process needs, and what a ticket costs in requests and bytes."""
    tickets = found["rounds"][0]["worker"]["enriched"]
    rounds, threads = len(found["rounds"]), found["threads"]
    head = f"{rounds} rounds of {tickets} tickets, {threads} encoder threads, {found['cpu']}"
    return "\n\n".join([head, _speeds(found), _process(found), _ticket(found)])


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _speeds(found: Found) -> str:
    return markdown(
        ("what", "tickets/s", "ratio", "target", "met"),
        [
            ("bare encoder", _number(found["bare_per_s"]), "1", "", ""),
            (
                "full queue on the emulator, same cores",
                _number(found["emulator_per_s"]),
                f"{found['emulator_of_bare']:.2f} of the encoder",
                "at least 0.55; stretch 0.60",
                _met(found["emulator_of_bare"], lambda ratio: ratio >= 0.55),
            ),
            (
                "full queue in memory, 30 ms a request",
                _number(found["in_memory_per_s"]),
                f"{found['in_memory_of_bare']:.2f} of the encoder",
                "at least 0.90",
                _met(found["in_memory_of_bare"], lambda ratio: ratio >= 0.9),
            ),
            (
                "naive design",
                _number(found["naive_per_s"], 2),
                "" if found["times_naive"] is None else f"the emulator's is {found['times_naive']:.0f} times",
                "at least 100 times",
                _met(found["times_naive"], lambda times: times >= 100),
            ),
        ],
    )


def _process(found: Found) -> str:
    return markdown(
        ("what", "measured", "target", "met"),
        [
            ("one ticket on an idle queue, p50", _number(found["latency_ms_p50"], 0, " ms"), "", ""),
            (
                "one ticket on an idle queue, p95",
                _number(found["latency_ms_p95"], 0, " ms"),
                "under 200 ms",
                _met(found["latency_ms_p95"], lambda ms: ms < 200),
            ),
            (
                "process start to first receive",
                _number(found["cold_start_s"], 2, " s"),
                "under 2 s",
                _met(found["cold_start_s"], lambda seconds: seconds < 2),
            ),
            (
                "peak resident memory",
                _number(found["peak_rss_mb"], 0, " MB"),
                "under 400 MB",
                _met(found["peak_rss_mb"], lambda mb: mb < 400),
            ),
        ],
    )


def _ticket(found: Found) -> str:
    sizes, requests = found["sizes"], found["requests_per_ticket"]
    return markdown(
        ("of one ticket", "mean"),
        [
            ("bytes of its row", _number(sizes["row_bytes"], 0)),
            ("write units of its row, without indexes", _number(sizes["row_write_units"], 2)),
            ("write units of its entries in the indexes", _number(sizes["index_write_units"], 2)),
            ("bytes of its enrichment in S3", _number(sizes["enriched_bytes"], 0)),
            *((f"requests `{name}`", _number(count, 2)) for name, count in requests.items()),
        ],
    )


def _number(value: float | None, decimals: int = 1, unit: str = "") -> str:
    return "not measured" if value is None else f"{value:,.{decimals}f}{unit}"


def _met(value: float | None, holds: Callable[[float], bool]) -> str:
    if value is None:
        return ""
    return "yes" if holds(value) else "no"
