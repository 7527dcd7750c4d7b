"""Running an executable: its machine, and what a run has come to."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lrvm_components import Host as HostComponent
from lrvm_components.host_session import ByteSink, ByteSource
from lrvm_jit import Motherboard, Stop, StopReason, TranslatorOptions

from ..images import Image
from ..machines import Host, Machine, MachineError
from .fault import Fault, fault_of
from .machine import MachineDescription

if TYPE_CHECKING:
    from .executable import Executable

STATUS_MASK = 0xFF
STATUS_OF_FAULT = 134
"""What a shell shows of a process that was aborted."""
STATUS_OF_LIMIT = 124
"""What the command `timeout` exits with."""


@dataclass(frozen=True, slots=True)
class CompletedRun:
    """What a program has done: its exit status, its output, and how it ended.

    `status` is the low 8 bits of what `main` returned or `exit` was given; 134 after an exception,
    which `fault` describes; 124 at the cycle limit.
    """

    status: int
    stdout: bytes
    stderr: bytes
    cycles: int
    stop: Stop
    fault: Fault | None


def build(
    executable: Executable,
    host: Host,
    *,
    description: MachineDescription | None = None,
    engine: str | TranslatorOptions | None = None,
    ram: int | None = None,
) -> Machine:
    """A machine with the program in its memory, mapped and reset.

    Raises MachineError if it cannot be built, or has no room for the program.
    """
    description = description or executable.machine_description
    if ram is not None:
        description = description.with_ram(ram)
    image = Image(executable.name, executable.words.astype(">u4").tobytes(), None, executable)
    machine = description.build(image, host, engine)
    try:
        _load(executable, machine)
    except BaseException:
        machine.close()
        raise
    return machine


def _load(executable: Executable, machine: Machine) -> None:
    """Put what does not lie in the component at address 0 to its places."""
    board = machine.board
    first = board.mappings.find(0)
    limit = 0 if first is None else first.last + 4
    for segment in executable.segments:
        if not segment.size:
            continue
        last = segment.end - 4
        parts = {board.mappings.find(address) for address in (segment.address, last)}
        if None in parts:
            raise MachineError(
                machine.source,
                [
                    f"{executable.name} needs memory from 0x{segment.address:08X} to "
                    f"0x{last + 3:08X}, and this machine has none there"
                ],
            )
        if segment.address >= limit and len(segment.words):
            board.memory.load(segment.address, segment.words)


def host_of(board: Motherboard) -> HostComponent | None:
    """The board's `Host`, if it has one."""
    return next((c for c in board.components if isinstance(c, HostComponent)), None)


def status_of(board: Motherboard, stop: Stop, fault: Fault | None) -> int:
    """The exit status of a process that has run like this."""
    if fault is not None:
        return STATUS_OF_FAULT
    if stop.reason is StopReason.BUDGET:
        return STATUS_OF_LIMIT
    if stop.reason is StopReason.UNMAPPED:
        return STATUS_OF_FAULT
    host = host_of(board)
    return host.status & STATUS_MASK if host else 0


def run(
    executable: Executable,
    arguments: Sequence[str | bytes] = (),
    *,
    stdin: bytes | ByteSource = b"",
    stdout: ByteSink | None = None,
    stderr: ByteSink | None = None,
    files: str | os.PathLike[str] | None = None,
    writable: bool = False,
    max_cycles: int | None = None,
    engine: str | None = None,
    ram: int | None = None,
) -> CompletedRun:
    """Run a program to its end: see `Executable.run`."""
    out, err = io.BytesIO(), io.BytesIO()
    host = Host()
    host.arguments = (Path(executable.name).name, *arguments)
    host.stdin = io.BytesIO(stdin) if isinstance(stdin, bytes | bytearray) else stdin
    host.stdout, host.stderr = stdout or out, stderr or err
    host.folder = None if files is None else Path(files)
    host.writable = writable
    with build(executable, host, engine=engine, ram=ram) as machine:
        board = machine.board
        stop = board.run(max_cycles)
        fault = fault_of(executable, board, stop)
        status = status_of(board, stop, fault)
        component = host_of(board)
        if component is not None:
            component.flush()
    return CompletedRun(status, out.getvalue(), err.getvalue(), stop.cycles, stop, fault)
