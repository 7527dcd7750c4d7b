"""Executables on many machines at once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy
from numpy.typing import NDArray

from lrvm_components.batch_host import BatchHost
from lrvm_jit import Motherboard
from lrvm_jit.batch import Batch, BatchComponent, BatchResult, LaneReason
from lrvm_jit.core.component import Component
from lrvm_jit.isa.table import REGISTER_NAMES

from ..machines import Host, Machine
from .fault import TRAP, Fault, Observed, last_fault
from .machine import DEFAULT_RAM, RAM_PAGE
from .process import STATUS_MASK, STATUS_OF_FAULT, STATUS_OF_LIMIT, build

if TYPE_CHECKING:
    from .executable import Executable

LANE_RAM: Final = 0x4_0000
"""Bytes for a lane's heap and stack unless somebody says otherwise: all of a lane's RAM is copied
each time that it asks a component."""


@dataclass(frozen=True)
class CompletedBatch:
    """What the lanes have done: `statuses`, (n,) uint8, mean what `CompletedRun.status` means.

    `faults` has the exception of each lane that one ended, and `result` tells more of the
    machines: cycles, addresses.
    """

    statuses: NDArray[numpy.uint8]
    stdout: list[bytes]
    stderr: list[bytes]
    faults: list[Fault | None]
    result: BatchResult

    def __len__(self) -> int:
        return len(self.statuses)


def batch_parts(
    executable: Executable,
    components: Sequence[BatchComponent] | Mapping[int, BatchComponent],
    ram_size: int | None,
) -> tuple[Motherboard, Mapping[int, BatchComponent]]:
    """See `lrvm_jit.batch.template.LinkedProgram`."""
    board = template_machine(executable, ram_size).board
    if not isinstance(components, Mapping):
        components = _by_id(board.components, components)
    served = dict(components)
    for number, component in enumerate(board.components):
        if component.name == BatchHost.name and number not in served:
            served[number] = BatchHost(arguments=[Path(executable.name).name])
    return board, served


def template_machine(executable: Executable, ram_size: int | None) -> Machine:
    """The machine that lanes are like, which is never run: its CPU's state and its memory are what
    they begin with. `ram_size` is in bytes. ValueError."""
    machine = executable.machine_description
    if ram_size is None and machine.is_c and machine.ram.size == DEFAULT_RAM:
        ram_size = _ram_for(executable)
    return build(executable, Host(), engine="interpreter", ram=ram_size)


def _ram_for(executable: Executable) -> int:
    """Room for the variables, and for heap and stack."""
    ram = executable.machine_description.ram
    inside = [s.end - ram.address for s in executable.segments if s.address >= ram.address]
    used = max(inside, default=0)
    return min(-(-used // RAM_PAGE) * RAM_PAGE + LANE_RAM, ram.size)


def _by_id(
    parts: Sequence[Component], components: Sequence[BatchComponent]
) -> dict[int, BatchComponent]:
    """The components by the ids of those that have their names. ValueError."""
    served: dict[int, BatchComponent] = {}
    for component in components:
        number = next(
            (k for k, part in enumerate(parts) if part.name == component.name and k not in served),
            None,
        )
        if number is None:
            names = ", ".join(part.name for part in parts)
            raise ValueError(f"the program's machine has no {component.name}; it has {names}")
        served[number] = component
    return served


def run_batch(
    executable: Executable,
    stdin: bytes | Sequence[bytes],
    n: int | None,
    *,
    arguments: Sequence[str | bytes],
    per_lane_arguments: Sequence[Sequence[str | bytes]] | None,
    files: str | os.PathLike[str] | None,
    max_cycles: int | None,
    ram: int | None,
    output_limit: int | None,
    threads: int | None,
) -> CompletedBatch:
    """See `Executable.run_batch`."""
    if n is None:
        rows = per_lane_arguments if isinstance(stdin, bytes) else stdin
        if rows is None:
            raise ValueError("say how many machines there are: n=..., or an input for each")
        n = len(rows)
    name = Path(executable.name).name
    host = BatchHost(
        stdin,
        (name, *arguments),
        per_lane_arguments=(
            None
            if per_lane_arguments is None
            else [(name, *arguments, *own) for own in per_lane_arguments]
        ),
        folder=files,
        limit=output_limit,
    )
    with Batch(executable, n, ram_size=ram, components=[host], threads=threads) as batch:
        result = batch.run(max_cycles)
        statuses, faulty = _statuses(executable, host, result)
        return CompletedBatch(
            statuses,
            host.outputs(),
            [host.stderr(lane) for lane in range(n)],
            [
                last_fault(executable, _observed(executable, batch, lane)) if faulty[lane] else None
                for lane in range(n)
            ],
            result,
        )


def _statuses(
    executable: Executable, host: BatchHost, result: BatchResult
) -> tuple[NDArray[numpy.uint8], NDArray[numpy.bool_]]:
    """The exit status of each lane's program, and whether an exception ended it: (n,) each."""
    statuses = (host.statuses & STATUS_MASK).astype(numpy.uint8)
    faulty = result.reason == LaneReason.EXCEPTION
    trap = executable.code_of(TRAP)
    if trap is not None:
        in_trap = (result.address >= trap.start) & (result.address < trap.stop)
        faulty |= in_trap & (result.reason == LaneReason.HALTED)
    statuses[faulty] = STATUS_OF_FAULT
    statuses[result.reason == LaneReason.BUDGET] = STATUS_OF_LIMIT
    return statuses, faulty


def _observed(executable: Executable, batch: Batch, lane: int) -> Observed:
    """A lane as a machine that has stopped. Of its memory, what holds code, stack and variables."""
    regs: dict[int | str, int] = dict(enumerate(batch.regs[lane].tolist()))
    regs |= {name: regs[code] for code, name in enumerate(REGISTER_NAMES)}
    places = [(0, executable.words)]
    places += [(batch.address_of(number), rows[lane]) for number, rows in batch.memories.items()]

    def read(address: int) -> int:
        for first, words in places:
            if first <= address < first + 4 * len(words):
                return int(words[(address - first) // 4])
        return 0

    return Observed(regs, read)
