"""The lanes of a batch on a CUDA device: their arrays there, and launches until all have ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

import numpy
from numpy.typing import NDArray

from ...core import layout
from ...machine.motherboard import Motherboard
from .. import lane_layout
from ..lane_arrays import LaneArrays

THREADS: Final = 128
"""In a block."""
ROW_FIELDS: Final = layout.MAPPING_FIELDS + 1
STEPS = 20_000
"""Instructions of each lane in a launch: between two launches the host looks for Ctrl-C."""
_EXTRA: Final = "an NVIDIA GPU with its driver, and numba-cuda: pip install 'lrvm-jit[cuda]'"


def cuda_module() -> Any:
    """numba's `cuda`, with a device or its simulator. ImportError, RuntimeError that name the extra
    if there is none."""
    try:
        from numba import cuda
    except ImportError as error:
        raise ImportError(f"device='cuda' needs {_EXTRA}") from error
    if not _is_simulated() and not cuda.is_available():
        raise RuntimeError(f"device='cuda' finds no device; it needs {_EXTRA}")
    return cuda


def _is_simulated() -> bool:
    """Whether numba has its simulator of CUDA in the place of a device."""
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") != "0"


class DeviceLanes:
    """Runs the lanes of a batch on the device, as far as they go without the host.

    Beside its memory a lane takes 158 bytes there: registers, flags, counters. What all lanes
    have alike, the memory map and read-only memory, is there once.
    """

    def __init__(self, arrays: LaneArrays) -> None:
        """ImportError, RuntimeError without a device."""
        self._cuda = cuda_module()
        self._arrays = arrays
        self._kernels: dict[int, Any] = {}
        # The simulator's threads are threads of Python.
        self._threads = 4 if _is_simulated() else THREADS

    def run(
        self, board: Motherboard, stop_on_exception: bool, between: Callable[[int, int], bool]
    ) -> None:
        """Run all lanes that have not been run, on machines like the board.

        Lanes end as on the host, with their reasons in `arrays.reason`; LANE_PENDING says that the
        host must go on, before an instruction that asks for something. `between` gets lanes done
        and instructions so far after each launch; False ends the run, and lanes that have not
        ended are LANE_STOPPED.
        """
        cuda, arrays = self._cuda, self._arrays
        table, shared, starts = self._memory_map(board)
        if arrays.n == 0:
            return
        kernel = self._kernel(len(table))
        words = len(shared) + sum(memory.rows.size for memory in arrays.memories)
        arena = cuda.device_array(max(1, words), numpy.uint32)
        if len(shared):
            arena[: len(shared)].copy_to_device(shared)
        for memory, start in zip(arrays.memories, starts, strict=True):
            flat = numpy.ascontiguousarray(memory.rows).reshape(-1)
            if flat.size:
                arena[start : start + flat.size].copy_to_device(flat)
        host = (
            numpy.array(arrays.regs.T, order="C"),
            arrays.flags,
            arrays.cycles,
            arrays.left,
            arrays.last_pc,
            arrays.halted,
            arrays.reason,
        )
        lanes = [cuda.to_device(array) for array in host]
        left, reason = lanes[3], lanes[6]
        parameters = cuda.to_device(
            numpy.array([arrays.n, STEPS, stop_on_exception, len(table)], numpy.int64)
        )
        others = (
            parameters,
            cuda.to_device(table.reshape(-1)),
            arena,
            cuda.to_device(numpy.zeros(1, numpy.int64)),
            self._no_marks(max(1, words)),
        )
        budget = arrays.left.copy()
        while True:
            kernel[-(-arrays.n // self._threads), self._threads](*others, *lanes)
            ends = reason.copy_to_host()
            open_lanes = int((ends == lane_layout.LANE_NOT_RUN).sum())
            executed = int((budget - left.copy_to_host()).sum())
            goes_on = between(arrays.n - open_lanes, executed)
            if not open_lanes or not goes_on:
                break
        with arrays.brought_up_to_date():
            for array, device in zip(host, lanes, strict=True):
                device.copy_to_host(array)
            arrays.regs[:] = host[0].T
        arrays.reason[arrays.reason == lane_layout.LANE_NOT_RUN] = lane_layout.LANE_STOPPED
        for memory, start in zip(arrays.memories, starts, strict=True):
            if memory.writable and memory.rows.size:
                flat = arena[start : start + memory.rows.size].copy_to_host()
                memory.rows[:] = flat.reshape(memory.rows.shape)

    def _memory_map(
        self, board: Motherboard
    ) -> tuple[NDArray[numpy.int64], NDArray[numpy.uint32], list[int]]:
        """The mapping table, each row with what it moves from lane to lane; the words that all
        lanes share; and where the memory of the first lane is behind them."""
        arrays, core = self._arrays, board.core
        core.state.host_changed()
        state = core.state.state
        shared = numpy.array(core.arena, numpy.uint32)
        starts = []
        behind = len(shared)
        for memory in arrays.memories:
            starts.append(behind)
            behind += memory.rows.size
        rows: list[list[int]] = []
        for number in range(int(state[layout.MAPPING_COUNT])):
            at = layout.MAPPINGS + number * layout.MAPPING_FIELDS
            row = [int(field) for field in state[at : at + layout.MAPPING_FIELDS]]
            rows += self._parts(row, board, starts)
        return numpy.array(rows, numpy.int64).reshape(-1, ROW_FIELDS), shared, starts

    def _parts(self, row: list[int], board: Motherboard, starts: list[int]) -> list[list[int]]:
        """A row of the mapping table as rows of the device's table: what lies in a lane's own
        memory, and what of the same component is shared, such as the ROM behind the lanes' own
        programs."""
        first, end = row[layout.MAPPING_FIRST], row[layout.MAPPING_END]
        base = row[layout.MAPPING_BASE]
        past = base + (end - first) // 4
        parts = []
        for memory, start in zip(self._arrays.memories, starts, strict=True):
            window = board.components[memory.component].windows[0]
            own = window.base + memory.first_word
            width = memory.rows.shape[1]
            low, high = max(base, own), min(past, own + width)
            if base < 0 or low >= high:
                continue
            for begin, stop, at, move in (
                (base, low, base, 0),
                (low, high, start + low - own, width),
                (high, past, high, 0),
            ):
                if begin < stop:
                    part = [*row, move]
                    part[layout.MAPPING_FIRST] = first + 4 * (begin - base)
                    part[layout.MAPPING_END] = first + 4 * (stop - base)
                    part[layout.MAPPING_BASE] = at
                    part[layout.MAPPING_OFFSET] += 4 * (begin - base)
                    parts.append(part)
        return parts or [[*row, 0]]

    def _kernel(self, table_rows: int) -> Any:
        if table_rows not in self._kernels:
            from .kernel import lanes_function

            self._kernels[table_rows] = self._cuda.jit(lanes_function(table_rows))
        return self._kernels[table_rows]

    def _no_marks(self, words: int) -> Any:
        """Zeros for as many words, in one byte: nobody marks anything."""
        if _is_simulated():
            return self._cuda.to_device(numpy.zeros(words, numpy.uint8))
        # Imported here, as numba is.
        from ...kernel.build.compat import one_for_all

        one = self._cuda.to_device(numpy.zeros(1, numpy.uint8))
        return one_for_all(one, words)
