"""The kernel's arrays by name; `lrvm_jit.core.layout` declares them."""

from __future__ import annotations

from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from . import layout


class KernelArrays(NamedTuple):
    """The arrays of `layout.ARRAYS`, in their order. Compiled code has the same by `arrays_at`."""

    regs: NDArray[numpy.uint32]
    state: NDArray[numpy.int64]
    arena: NDArray[numpy.uint32]
    ops: NDArray[numpy.int64]
    marks: NDArray[numpy.uint8]
    snapshot: NDArray[numpy.uint32]
    code_pages: NDArray[numpy.int64]
    breakpoints: NDArray[numpy.int64]
    translations: NDArray[numpy.int64]

    def point(self, context: NDArray[numpy.int64]) -> None:
        """Have a context (int64[CONTEXT_WORDS]) tell where these arrays are."""
        context[0::2] = [array.ctypes.data for array in self]
        context[1::2] = [len(array) for array in self]


def kernel_arrays(
    regs: NDArray[numpy.uint32],
    state: NDArray[numpy.int64],
    arena: NDArray[numpy.uint32],
    translation_rows: int,
) -> KernelArrays:
    """The arrays of a machine whose CPU and memory these are; nothing is decoded yet."""
    given = {"regs": regs, "state": state, "arena": arena}
    lengths = layout.lengths(len(arena), 0, translation_rows)
    return KernelArrays._make(
        given[array.name] if array.name in given else numpy.zeros(lengths[array.name], array.dtype)
        for array in layout.ARRAYS
    )
