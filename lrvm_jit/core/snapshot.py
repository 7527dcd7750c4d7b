"""A machine's whole state at one moment, as a value."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..isa.table import REGISTER_COUNT, Reg
from ..records import dataclass
from . import layout
from .component import Component, metadata_of
from .cpu_state import CpuState
from .mapping import Mapping
from .paged_memory import Pages
from .registers import Registers
from .snapshot_values import SnapshotError, StateValue, decode_state, encode_state

CPU_FIELDS = (layout.CYCLES, layout.HALTED, layout.LAST_PC)
"""The fields of `state` that are the machine's; all others are the engine's own, but for the
flags, which are kept as `af` whatever form they have there."""


@dataclass(frozen=True, slots=True)
class ComponentImage:
    """What a snapshot holds of a component besides the memory of its windows."""

    name: str
    metadata: tuple[int, ...]
    """Its eight metadata words."""
    state: bytes | None
    """What `save_state` gave, encoded."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """CPU, memory, memory map, cycle counter and the state of every component.

    `Motherboard.snapshot()` makes one, `Motherboard.restore()` takes it back, on the same board
    or one with equal components. Snapshots of a board share the pages that did not change between
    them. Two are equal if the machines were. Not in it: breakpoints, watchpoints, statistics,
    and what the engine has decoded or translated.

    >>> from lrvm_components import BootRom
    >>> from lrvm_jit import Motherboard
    >>> from lrvm_tools import assemble
    >>> with Motherboard([BootRom(assemble("inc a0"))]) as board:
    ...     _ = board.map_contiguous(0)
    ...     board.reset()
    ...     before = board.snapshot()
    ...     _ = board.run(1)
    ...     board.restore(before)
    ...     board.cpu.regs.a0
    0
    """

    registers: bytes
    """The registers in code order, as words of the host."""
    cpu: tuple[int, ...]
    """The fields of the CPU's state, in the order of `CPU_FIELDS`."""
    memory: Pages
    mappings: tuple[Mapping, ...]
    components: tuple[ComponentImage, ...]

    @property
    def cycles(self) -> int:
        """The cycle counter."""
        return self.cpu[CPU_FIELDS.index(layout.CYCLES)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, which is there whole or not at all. Raises OSError."""
        from .snapshot_file import save

        save(self, path)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Snapshot:
        """The snapshot in a file.

        SnapshotError, a ValueError, for a file that is none, is damaged, or comes from a version
        that this one cannot read; OSError if it cannot be read at all.
        """
        from .snapshot_file import load

        return load(path)

    def __repr__(self) -> str:
        return f"<Snapshot at cycle {self.cycles} of {len(self.components)} components>"


def plain_images(components: Sequence[Component]) -> tuple[ComponentImage, ...]:
    """Images without states: what of them never changes."""
    return tuple(
        ComponentImage(component.name, tuple(metadata_of(component).words()), None)
        for component in components
    )


def images_of(
    components: Sequence[Component], plain: Sequence[ComponentImage], skip_unsaved: bool = False
) -> tuple[ComponentImage, ...]:
    """The state of each component, given its plain image. SnapshotError names one that cannot be
    saved, unless those are skipped."""
    images = list(plain)
    for number, component in enumerate(components):
        try:
            value = component.save_state()
            if value is not None:
                images[number] = replace(plain[number], state=encode_state(value))
        except SnapshotError as error:
            if skip_unsaved:
                continue
            raise SnapshotError(f"component {number}, {component.name}: {error}") from None
    return tuple(images)


def check_images(plain: Sequence[ComponentImage], images: Sequence[ComponentImage]) -> None:
    """SnapshotError that names the first difference, unless a snapshot of components with these
    plain images has these."""
    if len(plain) != len(images):
        raise SnapshotError(
            f"the snapshot is of a board with {len(images)} components, this one has {len(plain)}"
        )
    for number, (here, there) in enumerate(zip(plain, images, strict=True)):
        if here.name != there.name:
            raise SnapshotError(
                f"component {number} is {here.name!r} here and {there.name!r} in the snapshot"
            )
        if here.metadata != there.metadata:
            size, other = here.metadata[2], there.metadata[2]
            what = (
                f"has {size} bytes here and {other} in the snapshot"
                if size != other
                else "has other metadata here than in the snapshot"
            )
            raise SnapshotError(f"component {number}, {here.name}, {what}")


def load_states(components: Sequence[Component], images: Sequence[ComponentImage]) -> None:
    """Give each component its state. If one refuses, all are as before; SnapshotError."""
    states: list[StateValue] = [
        None if image.state is None else decode_state(image.state) for image in images
    ]
    stateful = [number for number, state in enumerate(states) if state is not None]
    before = {number: components[number].save_state() for number in stateful}
    done: list[int] = []
    for number in stateful:
        done.append(number)
        try:
            components[number].load_state(states[number])
        except BaseException as error:
            _take_back(components, {other: before[other] for other in done}, error)
            if not isinstance(error, Exception):
                raise
            raise SnapshotError(
                f"component {number}, {components[number].name}, refuses its state: {error}"
            ) from error


def _take_back(
    components: Sequence[Component], states: MappingOf[int, StateValue], error: BaseException
) -> None:
    """Give components the states that they had. One that refuses even this is noted in `error`,
    and keeps no other from its own."""
    for number, state in states.items():
        try:
            components[number].load_state(state)
        except Exception as second:
            error.add_note(
                f"component {number}, {components[number].name}, refuses the state that it had "
                f"as well: {second}"
            )


def cpu_of(cpu: CpuState) -> tuple[bytes, tuple[int, ...]]:
    """The registers, flags included, and the other fields of a CPU."""
    words = cpu.regs_view[:REGISTER_COUNT].tolist()
    words[Reg.AF] = Registers(cpu.regs_view, cpu.state_view)[Reg.AF]
    view = cpu.state_view
    return _PACK(*words), tuple([view[field] for field in CPU_FIELDS])


def set_cpu(cpu: CpuState, snapshot: Snapshot) -> None:
    """Make the CPU what a snapshot says."""
    words = _UNPACK(snapshot.registers)
    cpu.regs_view[:REGISTER_COUNT] = memoryview(snapshot.registers).cast("I")
    Registers(cpu.regs_view, cpu.state_view)[Reg.AF] = words[Reg.AF]
    view: Any = cpu.state_view
    for field, value in zip(CPU_FIELDS, snapshot.cpu, strict=True):
        view[field] = value
    view[layout.SKIP_BREAKPOINT] = 0
    view[layout.RESUME] = layout.RESUME_NONE
    view[layout.LOG_COUNT] = 0
    cpu.host_changed()


_PACK = struct.Struct(f"={REGISTER_COUNT}I").pack
_UNPACK = struct.Struct(f"={REGISTER_COUNT}I").unpack
