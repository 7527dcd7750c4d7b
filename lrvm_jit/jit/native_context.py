"""The native context of a board (`core.native_abi`), before anybody has filled it."""

from __future__ import annotations

import numpy
from numpy.typing import NDArray

from ..core import native_abi as abi


def new_context(counters: int = 0) -> NDArray[numpy.int64]:
    """A context with room for so many counters: no code, no table, no slots."""
    context = numpy.zeros(abi.COUNTERS + counters, numpy.int64)
    for number, register in enumerate(abi.DEFAULT_PINS):
        context[abi.PIN_HOMES + number] = 4 * int(register)
    # No key is like that, so the kernel fills in the rest.
    context[abi.SLOT_KEY] = -1
    return context
