"""The patcher's entry point: one integer in, one out, like the kernel's."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernel.entry import _array_at

translate_from: Any = None
begin: Any = None
drop_native: Any = None
"""Filled in by `load_sources`."""

REQUEST_WORDS = 10
"""Address of the kernel's context, of the native one; pc, mode, whether the MMU is on; the fetch
window: first virtual word, words, arena index; most instructions; what to do, one of these:"""
TRANSLATE, BEGIN, DROP = range(3)
"""Translate; begin with empty memory; drop the code that the arena word in the place of pc is
part of."""


def load_sources() -> None:
    """Import what `patch` is compiled from."""
    global translate_from, begin, drop_native
    from . import patcher

    translate_from = patcher.translate_from
    begin = patcher.begin
    drop_native = patcher.drop_native


def patch(address):
    """Do what a request says (int64[10]); how many instructions were translated."""
    request = _array_at(address, REQUEST_WORDS, np.int64)
    if request[9] == BEGIN:
        begin(request[1])
        return np.int64(0)
    if request[9] == DROP:
        drop_native(request[1], request[2])
        return np.int64(0)
    context = _array_at(request[0], 18, np.int64)
    return translate_from(
        request[1],
        _array_at(context[2], context[3], np.int64),
        _array_at(context[4], context[5], np.uint32),
        _array_at(context[6], context[7], np.int64),
        _array_at(context[8], context[9], np.uint8),
        _array_at(context[10], context[11], np.uint32),
        _array_at(context[12], context[13], np.int64),
        request[2],
        request[3],
        request[4],
        request[5],
        request[6],
        request[7],
        request[8],
    )
