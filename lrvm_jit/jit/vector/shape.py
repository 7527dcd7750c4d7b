"""How many lanes go side by side, and in vectors of which size."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Shape:
    """A group of `width` lanes, in pieces of `piece` lanes: each one vector register.

    LLVM would split a vector of 16 words by itself, but masks of such vectors become bytes then,
    with packing and unpacking at every use. So code is generated for the pieces.
    """

    width: int
    piece: int

    @property
    def pieces(self) -> int:
        return self.width // self.piece

    @property
    def everybody(self) -> int:
        """A bit for each lane."""
        return (1 << self.width) - 1


@cache
def _vector_words() -> tuple[int, bool]:
    """Words of a vector register of this processor, and whether it has AVX2's gathers."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return 4, False
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    if features.get("avx512f") and features.get("avx512vl") and features.get("avx512bw"):
        return 16, True
    return (8, True) if features.get("avx2") else (4, False)


def host_shape(width: int | None = None) -> Shape:
    """The shape for this processor, or that of so many lanes.

    16 lanes with AVX2, whose 16 registers hold two pieces of eight registers of the guest; 32 with
    AVX-512; 8 with the four words of others. Measured: fewer lanes wait for results, more have no
    registers.
    """
    words, _ = _vector_words()
    wanted = width if width is not None else {4: 8, 8: 16, 16: 32}[words]
    return Shape(wanted, min(words, wanted))


def has_gathers() -> bool:
    """Whether the processor loads eight words from eight addresses by one instruction."""
    return _vector_words()[1]
