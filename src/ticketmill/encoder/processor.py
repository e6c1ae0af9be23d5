"""The instructions of the running processor that decide how fast 8-bit products are."""

from __future__ import annotations

from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")

# Each instruction set by the flags that announce it on Linux, on x86 and on arm
_FLAGS = {
    "avx2": {"avx2"},
    "avx512": {"avx512f"},
    "vnni": {"avx512_vnni", "avx_vnni"},
    "dotprod": {"asimddp"},
    "i8mm": {"i8mm"},
}


def instructions(cpu_info: str | None = None) -> tuple[str, ...]:
    """Which of avx2, avx512, vnni, dotprod and i8mm the processor has.

    Empty when it has none of them, and where `/proc/cpuinfo` is absent. `cpu_info` is the text of that file;
    without it, the file is read.
    """
    text = _read_cpu_info() if cpu_info is None else cpu_info
    found = _flags(text)
    return tuple(name for name, flags in _FLAGS.items() if flags & found)


def _read_cpu_info() -> str:
    try:
        return CPU_INFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _flags(cpu_info: str) -> set[str]:
    """The flags of the first processor listed: x86 calls the line `flags`, arm calls it `Features`."""
    for line in cpu_info.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return set(value.split())
    return set()
