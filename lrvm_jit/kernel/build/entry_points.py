"""All functions that are compiled once for everybody: the kernel and the loops around it."""

from __future__ import annotations

from .compile import KERNEL, EntryPointSource


def entry_points() -> list[EntryPointSource]:
    """Those of all rooms, the kernel first."""
    # Imported here: the rooms are above this one.
    from ...batch.worker import BATCH_LOOP
    from ...debug.tracer import TRACING_LOOP
    from ...jit.baseline.code import PATCHER

    return [KERNEL, BATCH_LOOP, TRACING_LOOP, PATCHER]
