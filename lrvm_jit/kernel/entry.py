"""The kernel's entry point: one integer in, one integer out.

Passing nine arrays through numba's dispatcher costs about 500 ns a call, more than a whole
round trip to a component may take. So the arrays' addresses stand in a context, and the
compiled entry point is called with the context's address.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

dispatch: Any = None
"""Filled in by `load_sources`: a kernel from the cache needs none of its sources, and importing
them would take a fifth of a whole short run."""

CONTEXT_WORDS = 18
"""Address and length of each of the nine arrays, in the order of `layout`."""


@intrinsic
def _array_at(typing_context: Any, address: Any, length: Any, dtype: Any) -> Any:
    """A one-dimensional array over memory that somebody else owns."""
    array_type = types.Array(dtype.dtype, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        # Imported here as a kernel from the cache does not need it.
        from numba.np.arrayobj import make_array, populate_array

        array = make_array(array_type)(context, builder)
        item = context.get_data_type(array_type.dtype)
        item_size = context.get_constant(types.intp, context.get_abi_sizeof(item))
        populate_array(
            array,
            data=builder.inttoptr(arguments[0], ir.PointerType(item)),
            shape=cgutils.pack_array(builder, [arguments[1]]),
            strides=cgutils.pack_array(builder, [item_size]),
            itemsize=item_size,
            meminfo=None,
        )
        return array._getvalue()

    return array_type(types.int64, types.int64, dtype), generate


def load_sources() -> None:
    """Import what `enter` is compiled from."""
    global dispatch
    from .dispatch import dispatch as function

    dispatch = function


def enter(context_address):
    """Run `dispatch` on the arrays of a context (int64[18]: address, length, ...)."""
    context = _array_at(context_address, CONTEXT_WORDS, np.int64)
    return dispatch(
        _array_at(context[0], context[1], np.uint32),
        _array_at(context[2], context[3], np.int64),
        _array_at(context[4], context[5], np.uint32),
        _array_at(context[6], context[7], np.int64),
        _array_at(context[8], context[9], np.uint8),
        _array_at(context[10], context[11], np.uint32),
        _array_at(context[12], context[13], np.int64),
        _array_at(context[14], context[15], np.int64),
        _array_at(context[16], context[17], np.int64),
    )
