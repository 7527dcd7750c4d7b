"""How many lanes go side by side, and in vectors of which size."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from enum import Enum
from functools import cache


@dataclass(frozen=True, slots=True)
class Shape:
    """A group of `width` lanes, in pieces of `piece` lanes: each one vector register.

    LLVM would split a vector of 16 words by itself, but masks of such vectors become bytes then,
    with packing and unpacking at every use. So code is generated for the pieces.
    """

    width: int
    piece: int
    mask_registers: bool = False
    """Whether the processor keeps masks as bits in registers of their own, as AVX-512 does; others
    keep them as words of all ones or zeros."""

    @property
    def pieces(self) -> int:
        return self.width // self.piece

    @property
    def everybody(self) -> int:
        """A bit for each lane."""
        return (1 << self.width) - 1


class VectorUnit(Enum):
    """What the processor has for vectors, as far as code here differs."""

    PLAIN = 4
    """Four words, no gathers;"""
    AVX2 = 8
    """eight words, gathers;"""
    AVX512 = 16
    """sixteen words, gathers and scatters, mask registers."""


@cache
def vector_unit() -> VectorUnit:
    """That of this processor."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return VectorUnit.PLAIN
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    if all(features.get(f"avx512{part}") for part in ("f", "vl", "bw", "dq")):
        return VectorUnit.AVX512
    return VectorUnit.AVX2 if features.get("avx2") else VectorUnit.PLAIN


def host_shape(width: int | None = None) -> Shape:
    """The shape for this processor, or that of so many lanes.

    16 lanes with AVX2, whose 16 registers hold two pieces of eight registers of the guest; 32 with
    AVX-512; 8 with the four words of others. Measured: fewer lanes wait for results, more have no
    registers.
    """
    unit = vector_unit()
    wanted = width if width is not None else 2 * unit.value
    return Shape(wanted, min(unit.value, wanted), unit is VectorUnit.AVX512)
