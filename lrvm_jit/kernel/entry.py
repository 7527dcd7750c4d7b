"""The kernel's entry point: one integer in, one integer out.

Passing the arrays through numba's dispatcher costs about 500 ns a call, more than a whole
round trip to a component may take. So the arrays' addresses stand in a context, and the
compiled entry point is called with the context's address.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ..core.kernel_arrays import KernelArrays
from ..core.layout import ARRAYS
from .build.compat import array_over, from_dtype

dispatch: Any = None
"""Filled in by `load_sources`: a kernel from the cache needs none of its sources, and importing
them would take a fifth of a whole short run."""


@intrinsic
def _array_at(typing_context: Any, address: Any, length: Any, dtype: Any) -> Any:
    """A one-dimensional array over memory that somebody else owns."""
    array_type = types.Array(dtype.dtype, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return array_over(context, builder, array_type, *arguments[:2])

    return array_type(types.int64, types.int64, dtype), generate


@intrinsic
def arrays_at(typing_context: Any, address: Any) -> Any:
    """The `KernelArrays` that a context tells of: int64[CONTEXT_WORDS] at an address."""
    kinds = [types.Array(from_dtype(np.dtype(array.dtype)), 1, "C") for array in ARRAYS]
    named = types.NamedTuple(kinds, KernelArrays)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        words = builder.inttoptr(arguments[0], ir.PointerType(word))

        def word_at(number: int) -> Any:
            return builder.load(builder.gep(words, [ir.Constant(word, number)]))

        arrays = [
            array_over(context, builder, kind, word_at(2 * number), word_at(2 * number + 1))
            for number, kind in enumerate(kinds)
        ]
        return context.make_tuple(builder, named, arrays)

    return named(types.int64), generate


def load_sources() -> None:
    """Import what `enter` is compiled from."""
    global dispatch
    from .dispatch import dispatch as function

    dispatch = function


def enter(context_address):
    """Run `dispatch` on the arrays of a context."""
    return dispatch(*arrays_at(context_address))
