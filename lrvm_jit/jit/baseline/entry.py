"""The patcher's entry point: one integer in, one out, like the kernel's."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.baseline_layout import BEGIN, DROP, REGION, REQUEST_WORDS
from ...kernel.entry import _array_at, arrays_at

translate_from: Any = None
begin: Any = None
drop_native: Any = None
enter_region: Any = None
"""Filled in by `load_sources`."""


def load_sources() -> None:
    """Import what `patch` is compiled from."""
    global translate_from, begin, drop_native, enter_region
    from . import patcher

    translate_from = patcher.translate_from
    begin = patcher.begin
    drop_native = patcher.drop_native
    enter_region = patcher.enter_region


def patch(address):
    """Do what a request says (int64[REQUEST_WORDS]); how many instructions were translated, or
    whether there was room for the way into a region."""
    request = _array_at(address, REQUEST_WORDS, np.int64)
    if request[9] == BEGIN:
        begin(request[1])
        return np.int64(0)
    if request[9] == DROP:
        drop_native(request[1], request[2])
        return np.int64(0)
    if request[9] == REGION:
        return enter_region(request[1], request[2], request[3], request[4], request[5], request[6])
    kernel = arrays_at(request[0])
    return translate_from(
        request[1],
        kernel.state,
        kernel.arena,
        kernel.ops,
        kernel.marks,
        kernel.snapshot,
        kernel.code_pages,
        request[2],
        request[3],
        request[4],
        request[5],
        request[6],
        request[7],
        request[8],
    )
