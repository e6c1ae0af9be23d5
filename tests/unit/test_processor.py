"""Which instructions a processor announces in /proc/cpuinfo."""

from __future__ import annotations

import pytest

from ticketmill.encoder.processor import instructions

AVX2_ONLY = """processor\t: 0
model name\t: AMD EPYC
flags\t\t: fpu sse2 ssse3 fma avx avx2 bmi2
"""
AVX512_VNNI = """processor\t: 0
flags\t\t: avx avx2 avx512f avx512bw avx512_vnni avx512_bf16
"""
AVX_VNNI = "flags\t: avx avx2 avx_vnni\n"
GRAVITON_2 = """processor\t: 0
BogoMIPS\t: 243.75
Features\t: fp asimd evtstrm aes asimdhp asimdrdm lrcpc dcpop asimddp ssbs
CPU implementer\t: 0x41
"""
GRAVITON_3 = "Features\t: fp asimd asimddp sve i8mm bf16\n"


@pytest.mark.parametrize(
    ("cpu_info", "expected"),
    [
        (AVX2_ONLY, ("avx2",)),
        (AVX512_VNNI, ("avx2", "avx512", "vnni")),
        (AVX_VNNI, ("avx2", "vnni")),
        (GRAVITON_2, ("dotprod",)),
        (GRAVITON_3, ("dotprod", "i8mm")),
        ("flags\t: fpu sse2\n", ()),
        ("model name : avx2 vnni\n", ()),
        ("", ()),
    ],
)
def test_instructions_are_those_the_flags_announce(cpu_info: str, expected: tuple[str, ...]) -> None:
    assert instructions(cpu_info) == expected


def test_the_running_processor_can_be_asked_anywhere() -> None:
    assert set(instructions()) <= {"avx2", "avx512", "vnni", "dotprod", "i8mm"}
