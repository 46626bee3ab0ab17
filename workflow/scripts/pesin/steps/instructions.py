"""Which of a processor's instructions the libraries may use: sums differ in their last bits between sets of them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch's own loops
    "MKL_CBWR": "AVX2",  # PyTorch's linear algebra, functions and transforms; only Intel's processors heed it
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # PyTorch's convolutions and recurrent networks
    "OPENBLAS_CORETYPE": "Haswell",  # the linear algebra of NumPy, SciPy and scikit-learn
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",  # NumPy's loops; it passes over what isn't there
    "NUMBA_CPU_NAME": "x86-64-v3",
    "NUMBA_CPU_FEATURES": "",  # no more than the name says
}
"""What any x86-64 processor of the last ten years has. heyoka has no such setting, and gave the same bits without."""

OLDER = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "NUMBA_CPU_NAME": "nehalem",
    "NUMBA_CPU_FEATURES": "",
}
"""Neither AVX2 nor AVX-512: another set, which every x86-64 processor can take part in."""


def held() -> dict[str, str]:
    """Variables that hold the libraries to AVX2; {} where the processor lacks it."""
    return AVX2 if {"avx2", "fma"} <= set(_processor().get("flags", "").split()) else {}


def in_use() -> str:
    """The processor's maker and what this process's libraries were held to, for a result's attributes."""
    said = [f"{name}={os.environ[name]}" for name in AVX2 if os.environ.get(name)]
    return f"{_processor().get('vendor_id', 'unknown')}: {' '.join(said) or 'all of the processor'}"


@cache
def _processor() -> dict[str, str]:
    """What Linux says of the first processor; {} elsewhere."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        return {}
    lines = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}
